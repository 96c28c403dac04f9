/** The one addon that nothing works without: better-sqlite3, which npm fetches or compiles, where it may run that script. */
import { errorCode, GphotosfsError } from '../model/errors.ts';

/** The error of an addon that isn't there, or is not for this Node, in words for its owner; any other as it is. */
export function addonError(error: unknown): unknown {
  const isMissing = error instanceof Error && error.message.startsWith('Could not locate the bindings file');
  if (!isMissing && errorCode(error) !== 'ERR_DLOPEN_FAILED') return error;
  return new GphotosfsError('not-built', `better-sqlite3 is not built for Node ${process.versions.node}`, {
    hint: 'Where gphotosfs is installed, run: npm rebuild better-sqlite3 (it needs python3, make and g++).',
    cause: error,
  });
}
