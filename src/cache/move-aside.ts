/** Repairing: a directory that stands where a photo belongs gives way, with all that is in it. Nothing is deleted. */
import { randomBytes } from 'node:crypto';
import { fsyncSync, lstatSync, renameSync } from 'node:fs';
import type { Cache } from './cache.ts';
import { cacheError } from './cache-error.ts';
import { closeDirectory, openDirectory } from './directories.ts';

/**
 * Moves a directory that has a file's place into `.gphotosfs/superseded`; anything else is left to publishing.
 * @throws `no-permission`, `bad-cache` (a mount point cannot be moved)
 */
export function moveDirectoryAside(cache: Cache, ino: number, names: readonly string[]): void {
  try {
    const directory = openDirectory(cache.root, names.slice(0, -1));
    try {
      const path = `${directory.path}/${names.at(-1)}`;
      if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
      renameSync(path, `${cache.superseded.path}/${ino}.${randomBytes(6).toString('hex')}.directory`);
      fsyncSync(cache.superseded.fd);
    } finally {
      closeDirectory(directory);
    }
  } catch (error) {
    throw cacheError(error, `"${names.join('/')}" in the cache cannot be moved aside`);
  }
}
