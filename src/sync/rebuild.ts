/**
 * A lost index, made again from the journal beside the cache: names, inode numbers, times, what each file is and where
 * it lay, and which files are cached. What is cached is believed when its size and time are as they should be; it
 * isn't read again, that is `verify`'s.
 */
import { closeSync, fstatSync } from 'node:fs';
import { takeOver } from '../cache/binding.ts';
import type { Cache } from '../cache/cache.ts';
import { statOf } from '../cache/cache-stat.ts';
import { closeDirectory, openDirectory, openRegular } from '../cache/directories.ts';
import { hashFile } from '../cache/hash.ts';
import type { JournalRecord } from '../cache/journal-record.ts';
import { openJournalReader } from '../cache/read-journal.ts';
import { recheckFile } from '../cache/recheck.ts';
import { spellOut } from '../cache/spell-out.ts';
import { type CachedRow, putCached } from '../index/cached.ts';
import { hasItems } from '../index/items.ts';
import { openLeases } from '../index/leases.ts';
import { type Index, transaction } from '../index/open.ts';
import { putRebuildStage, rebuildStage, requireInPlace } from '../index/replacement.ts';
import { beginRestore, type Restoring } from '../index/restore.ts';
import { type Layout, putFilter, putSetting } from '../index/settings.ts';
import { getInode, pathOf } from '../index/tree.ts';
import { uncachedFiles } from '../index/verification.ts';
import { GphotosfsError } from '../model/errors.ts';
import type { Filter } from '../model/filter.ts';
import { uniqueKey } from '../tree/names.ts';

export interface RebuildRequest {
  readonly index: Index;
  readonly cachePath: string;
  /** The folder of the index and its leases. */
  readonly home: string;
  readonly openCache: () => Cache;
  readonly signal: AbortSignal;
}

export interface RebuildReport {
  /** There was a journal. */
  readonly journal: boolean;
  /** Files and albums that the index did not have. */
  readonly files: number;
  readonly albums: number;
  /** Files found in the cache as the journal has them. */
  readonly cachedFiles: number;
  /** Files that the journal has as cached, and the cache has not, or with another size. */
  readonly lost: number;
  /** Lines of the journal that are none. */
  readonly damagedLines: number;
  /** Names that could not be restored: the next sync gives them anew. */
  readonly leftOut: number;
}

/** Rows written at a time: others want to write, too. */
const groupLength = 500;

/**
 * Restores the journal's records into the index, which may be empty, older, or in use by a mount.
 * @throws `busy` while a sync is at work; `wrong-cache` where the index has another library; `interrupted`; as
 * `requireInPlace`
 */
export async function rebuild(request: RebuildRequest): Promise<RebuildReport> {
  const { index, cachePath } = request;
  const leases = openLeases(request.home);
  try {
    const other = leases.acquire('sync');
    if (other !== undefined) {
      throw new GphotosfsError('busy', `a sync is running (process ${other.pid})`, {
        hint: 'Wait until it has finished; nothing was changed.',
      });
    }
    try {
      requireInPlace(index);
      transaction(index, () => {
        takeOver(cachePath, index);
        // Until it is whole, no mount that has lost its index takes it, and no sync gives names.
        if (!hasItems(index)) putRebuildStage(index, 'journal');
      });
      const cache = request.openCache();
      try {
        const report = await restore(index, cache, request.signal);
        if (rebuildStage(index) !== undefined) putRebuildStage(index, 'sources');
        return report;
      } finally {
        cache.close();
      }
    } finally {
      leases.release('sync');
    }
  } finally {
    leases.close();
  }
}

async function restore(index: Index, cache: Cache, signal: AbortSignal): Promise<RebuildReport> {
  const read = await openJournalReader(cache.root);
  const nothing = { files: 0, albums: 0, cachedFiles: 0, lost: 0, damagedLines: 0, leftOut: 0 };
  if (read === undefined) return { journal: false, ...nothing };
  const restoring = beginRestore(index);
  try {
    let damagedLines = 0;
    let layout: Layout | undefined;
    let filter: Filter | undefined;
    for (const record of read()) {
      if (record === undefined) damagedLines += 1;
      else if (record.type === 'layout') {
        layout = { years: record.years, albums: record.albums };
        filter = record.filter;
      } else stage(restoring, record);
    }
    const { files, albums, leftOut } = restoring.merge();
    if (layout !== undefined && files > 0) {
      putSetting(index, 'years', layout.years);
      putSetting(index, 'albums', layout.albums);
      if (filter !== undefined) putFilter(index, filter);
    }
    const cached = await restoreCached(index, cache, restoring.cachedFiles(), signal);
    return { journal: true, files, albums, leftOut, damagedLines, ...cached };
  } finally {
    restoring.close();
  }
}

function stage(restoring: Restoring, record: Exclude<JournalRecord, { type: 'layout' }>): void {
  switch (record.type) {
    case 'new':
      for (const one of spellOut(record)) if (one.type !== 'layout') stage(restoring, one);
      return;
    case 'inode': {
      const { ino, kind, parent, cookie, name, size, mtime, ctime, target } = record;
      restoring.inode({ ino, kind, parent, cookie, target });
      restoring.attributes({ ino, size, mtime, ctime, nlink: kind === 'directory' ? 2 : 1 });
      restoring.entry({ parent, cookie, name, key: uniqueKey(name), ino });
      return;
    }
    case 'entry':
      restoring.entry({ ...record, key: uniqueKey(record.name) });
      return;
    case 'attributes':
      restoring.attributes(record);
      return;
    case 'file':
      restoring.file({ ...record, crc32: record.crc32 });
      return;
    case 'item': {
      const { item: id, description, photoId, takenAt } = record;
      const text = JSON.stringify(description);
      restoring.item({
        ...record,
        id,
        photoId,
        takenAt,
        description: text === '{}' ? undefined : text,
      });
      return;
    }
    case 'album':
      restoring.album(record);
      return;
    case 'member':
      restoring.member(record);
      return;
    case 'place':
      restoring.place({ ...record, crc32: record.crc32 });
      return;
    case 'cached':
      restoring.cached({ ...record, sha256: Buffer.from(record.sha256, 'hex') });
      return;
    case 'superseded':
      restoring.superseded({ ...record, sha256: Buffer.from(record.sha256, 'hex') });
      return;
  }
}

interface Known {
  readonly ino: number;
  readonly size: number;
  readonly sha256: Buffer;
}

async function restoreCached(
  index: Index,
  cache: Cache,
  known: readonly Known[],
  signal: AbortSignal,
): Promise<{ cachedFiles: number; lost: number }> {
  let cachedFiles = 0;
  for (let at = 0; at < known.length; at += groupLength) {
    signal.throwIfAborted();
    const rows: [number, CachedRow][] = [];
    for (const one of known.slice(at, at + groupLength)) {
      const row = await lookAt(index, cache, one);
      if (row !== undefined) rows.push([one.ino, row]);
    }
    transaction(index, () => {
      for (const [ino, row] of rows) putCached(index, ino, row);
    });
    cachedFiles += rows.length;
  }
  return { cachedFiles, lost: known.length - cachedFiles };
}

/** What a file system with coarse times makes of one, ms. */
const coarseness = 2000;

/** What to record of a cached file. Where its time isn't the one it should have, its bytes decide. */
async function lookAt(
  index: Index,
  cache: Cache,
  { ino, size, sha256 }: Known,
): Promise<CachedRow | undefined> {
  const names = pathOf(index, ino);
  const inode = getInode(index, ino);
  if (names === undefined || inode === undefined) return undefined;
  let fd: number | undefined;
  try {
    const directory = openDirectory(cache.root, names.slice(0, -1));
    try {
      fd = openRegular(directory, names.at(-1) ?? '').fd;
    } finally {
      closeDirectory(directory);
    }
    const stat = statOf(fstatSync(fd));
    if (stat.size !== size) return undefined;
    const isAsShould = Math.abs(stat.mtimeMs - inode.mtime * 1000) <= coarseness;
    if (!isAsShould && !(await hashFile(fd)).sha256.equals(sha256)) return undefined;
    return { ...stat, sha256 };
  } catch {
    // Missing, unreadable, something else: not the file that was cached.
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
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
