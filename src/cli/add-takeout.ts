/** `add takeout PATH…`: notes where archives are. What can't be one is refused now, not found missing at a sync. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { GphotosfsError, toGphotosfsError } from '../model/errors.ts';
import type { SourceEntry, TakeoutEntry } from '../sources/all.ts';
import { openArchive } from '../sources/takeout/archives/open-archive.ts';
import { updateSources } from './config.ts';
import { exitCodes } from './exit-codes.ts';
import { formatCounted } from './format.ts';
import type { Run } from './run.ts';
import { freeId } from './source-entries.ts';

export const run: Run = async (context, args) => {
  const { output, paths, settings } = context;
  const good: string[] = [];
  const refused: GphotosfsError[] = [];
  for (const path of new Set(args.map((arg) => resolve(arg)))) {
    try {
      await checkArchive(path);
      good.push(path);
    } catch (error) {
      refused.push(toGphotosfsError(error, path));
    }
  }
  const [first, ...others] = refused;
  if (first !== undefined && good.length === 0) {
    for (const error of others) output.log('error', error.message);
    throw first;
  }
  for (const error of refused) output.log('error', `${error.message}; it was not added`);

  let added: Added | undefined;
  await updateSources(paths.config, (sources) => {
    added = addPaths(sources, settings.account, good);
    return added.sources;
  });
  if (added !== undefined) {
    const { id, newPaths, known } = added;
    const skipped = known === 0 ? '' : ` (${known} known already)`;
    const record = { type: 'added', id, account: settings.account, paths: newPaths, known };
    output.result(record, [
      `${id}: ${formatCounted(newPaths.length, 'archive')} added${skipped}`,
      'Next: gphotosfs sync',
    ]);
  }
  return refused.length === 0 ? exitCodes.done : exitCodes.partial;
};

async function checkArchive(path: string): Promise<void> {
  if (!existsSync(path)) throw new GphotosfsError('not-found', `${path} does not exist`);
  const archive = await openArchive(path);
  await archive.close();
}

interface Added {
  readonly sources: readonly SourceEntry[];
  readonly id: string;
  readonly newPaths: readonly string[];
  /** How many were there before. */
  readonly known: number;
}

/** Adds paths to the account's Takeout source, or makes one: `takeout`, for another account `takeout-2`. */
export function addPaths(sources: readonly SourceEntry[], account: string, paths: readonly string[]): Added {
  const present = sources.find(
    (source): source is TakeoutEntry => source.kind === 'takeout' && source.account === account,
  );
  const id = present?.id ?? freeId(sources, 'takeout');
  const newPaths = paths.filter((path) => !present?.paths.includes(path));
  const entry: TakeoutEntry = {
    id,
    kind: 'takeout',
    account,
    paths: [...(present?.paths ?? []), ...newPaths],
  };
  return {
    sources:
      present === undefined ? [...sources, entry] : sources.map((one) => (one === present ? entry : one)),
    id,
    newPaths,
    known: paths.length - newPaths.length,
  };
}
