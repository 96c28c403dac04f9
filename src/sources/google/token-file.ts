/**
 * `token.json`: what Google gave at sign-in, by the owner's label of the account. Several processes refresh the tokens
 * in it, so it is changed only under its lock, and replaced whole.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, GphotosfsError } from '../../model/errors.ts';
import { withFileLock } from '../../model/file-lock.ts';
import { writeFileAtomically } from '../../model/write-file.ts';

/** All times are ms since 1970 on this machine's clock. */
export interface Token {
  /** The client it was given to; another one can't refresh it. */
  readonly clientId: string;
  readonly refreshToken: string;
  readonly accessToken: string;
  /** From then on it is refreshed, some time before it ends. */
  readonly renewAt: number;
  readonly scopes: readonly string[];
  readonly signedInAt: number;
  /** Where Google said so: when the refresh token ends. */
  readonly refreshExpiresAt?: number;
  /** When Google said that it has ended. */
  readonly refusedAt?: number;
  /** Google's lasting id of the account, and its address. */
  readonly subject?: string;
  readonly email?: string;
}

/** Fields of the file, with what their value must be. */
const fields: Readonly<Record<keyof Token, (value: unknown) => boolean>> = {
  clientId: isText,
  refreshToken: isText,
  accessToken: isText,
  renewAt: Number.isFinite,
  scopes: (value) => Array.isArray(value) && value.every(isText),
  signedInAt: Number.isFinite,
  refreshExpiresAt: (value) => value === undefined || Number.isFinite(value),
  refusedAt: (value) => value === undefined || Number.isFinite(value),
  subject: (value) => value === undefined || isText(value),
  email: (value) => value === undefined || isText(value),
};

/** The account's token; undefined where it isn't signed in. @throws `sign-in` for a file that is damaged */
export function readToken(path: string, account: string): Token | undefined {
  return ownToken(readTokens(path), account);
}

/**
 * Changes the account's token while no other process does; `change` gets what is there now, and may take its time.
 * undefined removes it. @returns what is there after it
 */
export async function changeToken(
  path: string,
  account: string,
  change: (now: Token | undefined) => Promise<Token | undefined> | Token | undefined,
): Promise<Token | undefined> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return withFileLock(path, async () => {
    const before = ownToken(readTokens(path), account);
    const after = await change(before);
    if (after === before) return after;
    const { [account]: _, ...others } = readTokens(path);
    const all = after === undefined ? others : { ...others, [account]: after };
    writeFileAtomically(path, `${JSON.stringify(all, undefined, 2)}\n`);
    return after;
  });
}

/** A label may be called like something that every object has. */
function ownToken(tokens: Readonly<Record<string, Token>>, account: string): Token | undefined {
  return Object.hasOwn(tokens, account) ? tokens[account] : undefined;
}

/** All accounts that are signed in, by label. @throws `sign-in` for a file that is damaged */
export function readTokens(path: string): Readonly<Record<string, Token>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {};
    throw error;
  }
  const all = parse(text);
  const isWhole = (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));
  if (all === undefined || !Object.values(all).every(isWhole)) {
    throw new GphotosfsError('sign-in', `${path} is damaged`, {
      hint: 'Delete it and run "gphotosfs login".',
    });
  }
  return all as Record<string, Token>;
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
