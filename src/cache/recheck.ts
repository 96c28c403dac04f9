/**
 * What lies under a file's name in the cache when the index has no record of it, or another one: a publish that a
 * crash cut short before its row, a cache that was copied, a file that someone touched. Its bytes decide.
 */
import { closeSync, fstatSync, futimesSync, lstatSync } from 'node:fs';
import { type CachedRow, getCached, putCached } from '../index/cached.ts';
import { getFile } from '../index/items.ts';
import { type Index, transaction } from '../index/open.ts';
import { getRevision } from '../index/revisions.ts';
import { getInode, pathOf } from '../index/tree.ts';
import type { Content } from '../model/words.ts';
import type { Cache } from './cache.ts';
import { sameStat, statOf } from './cached-file.ts';
import { closeDirectory, openDirectory, openRegular } from './directories.ts';
import { type Hashed, hashFile } from './hash.ts';
import type { JournalRecord } from './journal-record.ts';
import { showContent } from './publish-group.ts';

/**
 * Hashes what lies under the file's name. Where it is right — the recorded SHA-256, or without a record the size and
 * CRC-32 that the source promised, of the file or of its revision — it is recorded (anew) as cached.
 * @returns whether it was right; false too where nothing is there, or no regular file
 */
export async function recheckFile(index: Index, cache: Cache, ino: number): Promise<boolean> {
  const names = pathOf(index, ino);
  const inode = getInode(index, ino);
  if (names === undefined || inode === undefined) return false;
  const fd = tryOpen(cache, names);
  if (fd === undefined) return false;
  try {
    const before = statOf(fstatSync(fd));
    if (!mayBe(index, ino, before.size)) return false;
    const found = await hashFile(fd);
    const after = statOf(fstatSync(fd));
    // Written to while it was hashed: then the hash is of neither.
    if (!sameStat(before, after)) return false;
    return transaction(index, () => {
      // Inside, for another process's sync may have changed what is right.
      if (!isRight(index, ino, found)) return false;
      settleTime(fd, after.mtimeMs, inode.mtime);
      const row: CachedRow = { ...statOf(fstatSync(fd)), sha256: found.sha256 };
      const { size } = row;
      const sha256 = found.sha256.toString('hex');
      const known = getCached(index, ino)?.sha256.equals(found.sha256);
      putCached(index, ino, row);
      if (known) return true;
      const record: JournalRecord = { type: 'cached', ino, path: names.join('/'), size, sha256 };
      const shown = showContent(index, ino, found, Math.floor(Date.now() / 1000));
      cache.journal.append([record, ...shown]);
      return true;
    });
  } finally {
    closeSync(fd);
  }
}

/** Contents without a record that this file may have: what it shows, unless that is cached, and its revision. */
function unrecorded(index: Index, ino: number): Content[] {
  const shown = getCached(index, ino) === undefined ? getFile(index, ino) : undefined;
  return [shown, getRevision(index, ino)].filter((content) => content !== undefined);
}

/** Whether the length alone doesn't rule it out. */
function mayBe(index: Index, ino: number, size: number): boolean {
  return getCached(index, ino)?.size === size || unrecorded(index, ino).some((one) => one.size === size);
}

function isRight(index: Index, ino: number, found: Hashed): boolean {
  if (getCached(index, ino)?.sha256.equals(found.sha256)) return true;
  return unrecorded(index, ino).some(({ size, crc32 }) => size === found.size && crc32 === found.crc32);
}

/** Gives it the time that it should have; a cache that can't be written keeps the one it has. */
function settleTime(fd: number, mtimeMs: number, mtime: number): void {
  if (mtimeMs === mtime * 1000) return;
  try {
    futimesSync(fd, new Date(), new Date(mtime * 1000));
  } catch {
    // The bytes are right; times are seen to when the cache is completed.
  }
}

function tryOpen(cache: Cache, names: readonly string[]): number | undefined {
  // Of most files that are fetched nothing lies there: one call tells, where opening takes six and an exception.
  try {
    if (lstatSync(`${cache.root.path}/${names.join('/')}`, { throwIfNoEntry: false }) === undefined)
      return undefined;
    const directory = openDirectory(cache.root, names.slice(0, -1));
    try {
      return openRegular(directory, names.at(-1) ?? '').fd;
    } finally {
      closeDirectory(directory);
    }
  } catch {
    // Missing, unreadable, a link: nothing that could be right.
    return undefined;
  }
}
