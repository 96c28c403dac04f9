/** Entries of sources in `config.json`: finding an account's own, and naming a new one. */
import { toGphotosfsError } from '../model/errors.ts';
import type { SourceEntry, SourceKind } from '../sources/all.ts';
import type { Service } from '../sources/google/scopes.ts';
import { loginCommand, tokenHealth } from '../sources/google/token-health.ts';
import { updateSources } from './config.ts';
import type { Paths } from './paths.ts';

/** An id that no source has: the kind, then `kind-2`. */
export function freeId(sources: readonly SourceEntry[], kind: SourceKind): string {
  const taken = new Set(sources.map(({ id }) => id));
  for (let count = 1; ; count++) {
    const id = count === 1 ? kind : `${kind}-${count}`;
    if (!taken.has(id)) return id;
  }
}

/** The account's entry of a kind that has nothing but an account; `isNew` where it was added by this call. */
export async function ensureAccountEntry(
  configPath: string,
  kind: 'library' | 'picker',
  account: string,
): Promise<{ readonly entry: SourceEntry; readonly isNew: boolean }> {
  let found: { entry: SourceEntry; isNew: boolean } | undefined;
  await updateSources(configPath, (sources) => {
    const present = sources.find((source) => source.kind === kind && source.account === account);
    const entry: SourceEntry = present ?? { id: freeId(sources, kind), kind, account };
    found = { entry, isNew: present === undefined };
    return present === undefined ? [...sources, entry] : sources;
  });
  if (found === undefined) throw new Error('the configuration was not updated');
  return found;
}

/** What is to be done after an account's source was added: the sign-in may be there, and not allow it yet. */
export function nextStep({ tokens }: Pick<Paths, 'tokens'>, account: string, service: Service): string {
  const signIn = `${loginCommand(account).replaceAll('"', '')}, then gphotosfs sync`;
  try {
    const isAllowed = tokenHealth(tokens).some(
      (one) => one.account === account && one.allowed.includes(service),
    );
    return isAllowed ? 'gphotosfs sync' : signIn;
  } catch (error) {
    // The source is added: that its sign-in is damaged must not look as if it were not.
    if (toGphotosfsError(error).kind !== 'sign-in') throw error;
    return `delete ${tokens}, which is damaged; ${signIn}`;
  }
}
