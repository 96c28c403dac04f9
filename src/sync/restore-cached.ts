/**
 * Which of the files that the journal has as cached the cache has indeed. What has the right size and time is believed;
 * it isn't read, that is `verify`'s. Without a journal, the bytes decide.
 */
import { closeSync, fstatSync, lstatSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { Cache } from '../cache/cache.ts';
import { statOf } from '../cache/cache-stat.ts';
import { closeDirectory, type Directory, openDirectory, openRegular } from '../cache/directories.ts';
import { hashFile } from '../cache/hash.ts';
import { recheckFile } from '../cache/recheck.ts';
import { type CachedRow, putCached } from '../index/cached.ts';
import { type Index, transaction } from '../index/open.ts';
import type { KnownFile } from '../index/restore.ts';
import { pathOf } from '../index/tree.ts';
import { uncachedFiles } from '../index/verification.ts';

/** Files looked at and rows written at a time: others want to write, too, and the owner to interrupt. */
const groupLength = 500;

/** Records what of `known` is in the cache; gives how many, and how many are not. */
export async function restoreCached(
  index: Index,
  cache: Cache,
  known: readonly KnownFile[],
  signal: AbortSignal,
): Promise<{ cachedFiles: number; lost: number }> {
  let cachedFiles = 0;
  for (let at = 0; at < known.length; at += groupLength) {
    await turn();
    signal.throwIfAborted();
    const rows = await lookAtGroup(index, cache, known.slice(at, at + groupLength));
    transaction(index, () => {
      for (const [ino, row] of rows) putCached(index, ino, row);
    });
    cachedFiles += rows.length;
  }
  return { cachedFiles, lost: known.length - cachedFiles };
}

async function lookAtGroup(
  index: Index,
  cache: Cache,
  group: readonly KnownFile[],
): Promise<[number, CachedRow][]> {
  const directories = new Map<number, Directory>();
  const rows: [number, CachedRow][] = [];
  try {
    for (const file of group) {
      try {
        let directory = directories.get(file.parent);
        if (directory === undefined) {
          const names = pathOf(index, file.parent);
          if (names === undefined) continue;
          directory = openDirectory(cache.root, names);
          directories.set(file.parent, directory);
        }
        const row = await lookAt(directory, file);
        if (row !== undefined) rows.push([file.ino, row]);
      } catch {
        // Missing, unreadable, something else: not the file that was cached.
      }
    }
  } finally {
    for (const directory of directories.values()) closeDirectory(directory);
  }
  return rows;
}

/** What a file system with coarse times makes of one, ms. */
const coarseness = 2000;

/** What to record of a cached file. Where its time isn't the one it should have, its bytes decide. */
async function lookAt(
  directory: Directory,
  { name, size, mtime, sha256 }: KnownFile,
): Promise<CachedRow | undefined> {
  const stats = lstatSync(`${directory.path}/${name}`);
  if (!stats.isFile() || stats.size !== size) return undefined;
  if (Math.abs(stats.mtimeMs - mtime * 1000) <= coarseness) return { ...statOf(stats), sha256 };
  const { fd } = openRegular(directory, name);
  try {
    const stat = statOf(fstatSync(fd));
    return (await hashFile(fd)).sha256.equals(sha256) ? { ...stat, sha256 } : undefined;
  } finally {
    closeSync(fd);
  }
}

/**
 * After a sync: takes files that lie in the cache under the right name with the right bytes, though nothing knows of
 * them any more. For a cache whose journal is lost, or damaged.
 * @returns how many
 */
export async function adoptCached(index: Index, cache: Cache, signal: AbortSignal): Promise<number> {
  let adopted = 0;
  for (const ino of uncachedFiles(index)) {
    signal.throwIfAborted();
    try {
      if (await recheckFile(index, cache, ino)) adopted += 1;
    } catch {
      // It can't be read: it is fetched when it is wanted.
    }
  }
  return adopted;
}
