/** The place of the cache, looked at without making or changing anything that lasts: what its file system can take. */
import { randomBytes } from 'node:crypto';
import { closeSync, statfsSync } from 'node:fs';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import { privateName } from './binding.ts';
import { cacheError } from './cache-error.ts';
import { closeDirectory, type Directory, openDirectory, openRoot } from './directories.ts';
import { createPartial, removePartial } from './partial.ts';

/** Linux's limit for every file system (NAME_MAX), bytes. */
const longestOfAll = 255;

export interface Place {
  /** The longest file name that can be made there, bytes: encrypting file systems take fewer (eCryptfs 143). */
  readonly longestName: number;
}

/**
 * Tries, in the cache's private directory, what a fetch does: makes files and takes them away.
 * @throws `no-permission`, `no-space`, `cache-failing`, `bad-cache` where none can be made
 */
export function probePlace(path: string): Place {
  try {
    const root = openRoot(path);
    try {
      const partial = openDirectory(root, [privateName, 'partial']);
      try {
        return { longestName: longestFit(longestOfAll, (length) => canMake(partial, length)) };
      } finally {
        closeDirectory(partial);
      }
    } finally {
      closeDirectory(root);
    }
  } catch (error) {
    throw cacheError(error, `the cache ${path} cannot be written`);
  }
}

/** The greatest length up to `most` that fits, where all up to some length do. */
export function longestFit(most: number, fits: (length: number) => boolean): number {
  if (fits(most)) return most;
  let fitting = 0;
  let tooLong = most;
  while (tooLong - fitting > 1) {
    const middle = Math.floor((fitting + tooLong) / 2);
    if (fits(middle)) fitting = middle;
    else tooLong = middle;
  }
  return fitting;
}

/** In the directory of partial files: what a killed process leaves there is swept. */
function canMake(partial: Directory, length: number): boolean {
  const name = randomBytes(length).toString('hex').slice(0, length);
  try {
    closeSync(createPartial(partial, name).fd);
  } catch (error) {
    if (errorCode(error) === 'ENAMETOOLONG') return false;
    // A name of one or two letters may be there already.
    if (errorCode(error) === 'EEXIST') return true;
    throw error;
  }
  removePartial(partial, name);
  return true;
}

export interface Space {
  /** Bytes that this user can still write. */
  readonly freeBytes: number;
  /** Files that can still be made; undefined where the file system doesn't count them (Btrfs). */
  readonly freeFiles: number | undefined;
}

/** What is left on the file system of `path`. @throws `not-found` where nothing is there */
export function readSpace(path: string): Space {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(path);
    return { freeBytes: bavail * bsize, freeFiles: files === 0 ? undefined : ffree };
  } catch (error) {
    throw errorCode(error) === 'ENOENT' ? new GphotosfsError('not-found', `${path} does not exist`) : error;
  }
}
