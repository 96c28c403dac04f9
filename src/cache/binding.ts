/**
 * `.gphotosfs/id` binds a cache to its index: without it an unmounted disk would be filled underneath its mount point, or
 * a whole library be taken for lost.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { countCached } from '../index/cached.ts';
import { hasItems } from '../index/items.ts';
import { type Index, transaction } from '../index/open.ts';
import { getSetting, putSetting } from '../index/settings.ts';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import { closeDirectory, type Directory, openDirectory, openRegular, openRoot } from './directories.ts';

/** The private directory's name; the mount doesn't show it. */
export const privateName = '.gphotosfs';
/** Its permissions: unfinished files are nobody else's business. */
export const privateMode = 0o700;

/** The id of the cache that the index knows; undefined before the first use. */
export function knownId(index: Index): string | undefined {
  return getSetting(index, 'cacheId');
}

/**
 * Makes sure that this directory and the index belong together; joins them when both are new.
 * @throws `wrong-cache`, with nothing written
 */
export function bind(path: string, root: Directory, index: Index): void {
  const found = readId(root);
  if (found !== undefined && found === knownId(index)) return;
  // The index first: of two processes that start on a new home one chooses the id, and after a crash in between the
  // same id is written by the next. One transaction, for the choice must be made once.
  const id = transaction(index, () => {
    const expected = knownId(index);
    if (found === undefined && expected !== undefined && countCached(index) > 0) throw notThere(path);
    // Looked up again: another process may have bound this cache since.
    const present = found ?? readId(root);
    if (present !== undefined && present !== expected) throw foreign(path, expected === undefined);
    const chosen = expected ?? randomUUID();
    if (expected === undefined) putSetting(index, 'cacheId', chosen);
    return chosen;
  });
  if (found === undefined) writeId(root, id);
}

/**
 * Binds an index that has no library yet to the cache at `path`: its own index was lost.
 * @throws `wrong-cache` where the index has another library, or where no cache is: its disk may not be mounted
 */
export function takeOver(path: string, index: Index): void {
  const found = cacheIdAt(path);
  if (found === undefined) {
    throw new GphotosfsError(
      'wrong-cache',
      `${path} holds no cache, so there is nothing to make the index again from`,
      {
        hint: 'Is its disk mounted? Nothing was written. To begin anew without it, run "gphotosfs sync" without --rebuild.',
      },
    );
  }
  transaction(index, () => {
    const expected = knownId(index);
    if (found === expected) return;
    if (expected !== undefined && hasItems(index)) throw foreign(path, false);
    putSetting(index, 'cacheId', found);
  });
}

/** The id of the cache in a directory; undefined where none is. */
export function cacheIdAt(path: string): string | undefined {
  let root: Directory;
  try {
    root = openRoot(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return readId(root);
  } finally {
    closeDirectory(root);
  }
}

export function notThere(path: string): GphotosfsError {
  return new GphotosfsError('wrong-cache', `${path} does not hold the cache that the index knows`, {
    hint: 'Is its disk mounted? Nothing was written.',
  });
}

function foreign(path: string, indexIsNew: boolean): GphotosfsError {
  return new GphotosfsError('wrong-cache', `${path} is the cache of another index`, {
    hint: indexIsNew
      ? 'If its index.db is lost, "gphotosfs sync --rebuild" makes it again from the cache. Else choose an empty directory with --cache.'
      : 'Choose the directory that belongs to this home with --cache, or, if it was moved, "gphotosfs adopt DIR". If the index was made while the disk of this cache was not mounted, move index.db away, with its -wal and -shm files, and run "gphotosfs sync --rebuild".',
  });
}

function readId(root: Directory): string | undefined {
  try {
    const hidden = openDirectory(root, [privateName]);
    try {
      const { fd } = openRegular(hidden, 'id');
      try {
        return readFileSync(fd, 'utf8').trim();
      } finally {
        closeSync(fd);
      }
    } finally {
      closeDirectory(hidden);
    }
  } catch (error) {
    if (error instanceof GphotosfsError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

function writeId(root: Directory, id: string): void {
  const hidden = openDirectory(root, [privateName], { create: privateMode });
  try {
    const temporary = `${hidden.path}/id.${randomUUID()}`;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(temporary, flags, 0o600);
    try {
      writeFileSync(fd, `${id}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, `${hidden.path}/id`);
    fsyncSync(hidden.fd);
  } finally {
    closeDirectory(hidden);
  }
}
