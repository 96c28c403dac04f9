/**
 * The cache: a directory of real files in the same tree as the mount. What is visible in it is complete, verified and
 * never evicted; everything unfinished is in its private directory `.gphotosfs`.
 */
import { closeSync, mkdirSync } from 'node:fs';
import type { Index } from '../index/open.ts';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import { bind, knownId, notThere, privateMode, privateName } from './binding.ts';
import { cacheError } from './cache-error.ts';
import { closeDirectory, type Directory, openDirectory, openRoot } from './directories.ts';
import { type Journal, openJournal } from './journal.ts';
import { createPartial, partialName, removePartial } from './partial.ts';
import { createRoom, type Room } from './room.ts';

export { privateName } from './binding.ts';

export interface Cache {
  readonly path: string;
  readonly root: Directory;
  /** Files that are being fetched, one a fetch. */
  readonly partial: Directory;
  /** Bytes that were shown once and gave way to newer ones. */
  readonly superseded: Directory;
  readonly journal: Journal;
  readonly room: Room;
  close(): void;
}

export interface CacheOptions {
  /** Percent of the disk that is not to be filled; default 0. */
  readonly freeFloor?: number;
}

/**
 * Opens the cache at `path` and makes it on first use. One that is in use already may be read-only: what it has can
 * be read.
 * @throws `wrong-cache` when it isn't the one the index knows; `no-permission` or `no-space` when it can't be made;
 * `cache-failing`; `bad-cache` when its private directory isn't one
 */
export function openCache(path: string, index: Index, options: CacheOptions = {}): Cache {
  const directories: Directory[] = [];
  const open = (parent: Directory, name: string): Directory => {
    const directory = openDirectory(parent, [name], { create: privateMode });
    directories.push(directory);
    return directory;
  };
  try {
    const root = openExpected(path, knownId(index) !== undefined);
    directories.push(root);
    bind(path, root, index);
    const hidden = open(root, privateName);
    const partial = open(hidden, 'partial');
    const superseded = open(hidden, 'superseded');
    const journal = openJournal(hidden);
    const close = () => {
      journal.close();
      for (const directory of directories) closeDirectory(directory);
    };
    const room = createRoom(partial.path, options.freeFloor ?? 0);
    return { path, root, partial, superseded, journal, room, close };
  } catch (error) {
    for (const directory of directories) closeDirectory(directory);
    throw cacheError(error, `the cache ${path} cannot be used`);
  }
}

/** An index that has a cache expects it to be there: a missing one is a disk that isn't mounted. */
function openExpected(path: string, isExpected: boolean): Directory {
  try {
    if (!isExpected) mkdirSync(path, { recursive: true, mode: 0o755 });
    return openRoot(path);
  } catch (error) {
    const code = errorCode(error);
    if (isExpected && code === 'ENOENT') throw notThere(path);
    if (code === 'ENOTDIR' || code === 'EEXIST') {
      throw new GphotosfsError('usage', `the cache ${path} is not a directory`, {
        hint: 'Choose a directory with --cache.',
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * Makes sure that files can be put into the cache, by doing it: before hours are spent on reading what can't be kept.
 * @throws `no-permission`, `no-space`, `cache-failing`
 */
export function probeCache(cache: Cache): void {
  try {
    const name = partialName(0, { size: 0, crc32: undefined });
    closeSync(createPartial(cache.partial, name).fd);
    removePartial(cache.partial, name);
  } catch (error) {
    throw cacheError(error, `the cache ${cache.path} cannot be written`);
  }
}
