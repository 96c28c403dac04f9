/**
 * A lost index, made again from the journal beside the cache: names, inode numbers, times, what each file is and where
 * it lay, and which files are cached.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { takeOver } from '../cache/binding.ts';
import type { Cache } from '../cache/cache.ts';
import type { JournalRecord } from '../cache/journal-record.ts';
import { openJournalReader } from '../cache/read-journal.ts';
import { hasItems } from '../index/items.ts';
import { openLeases } from '../index/leases.ts';
import { type Index, transaction } from '../index/open.ts';
import { putRebuildStage, rebuildStage, requireInPlace } from '../index/replacement.ts';
import { beginRestore } from '../index/restore.ts';
import { type Layout, putFilter, putSetting } from '../index/settings.ts';
import { GphotosfsError } from '../model/errors.ts';
import type { Filter } from '../model/filter.ts';
import { restoreCached } from './restore-cached.ts';
import { stageRecord } from './stage-record.ts';

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

/** Records taken at a time, some 20 ms: meanwhile nothing else gets its turn, the owner's Ctrl-C neither. */
const groupLength = 1000;

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
    const take = (record: JournalRecord | undefined): void => {
      if (record === undefined) damagedLines += 1;
      else if (record.type === 'layout') {
        layout = { years: record.years, albums: record.albums };
        filter = record.filter;
      } else stageRecord(restoring, record);
    };
    for (const records = read(); restoring.together(() => takeSome(records, take)); ) {
      await turn();
      signal.throwIfAborted();
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

/** Takes a group of records; false when there are no more. */
function takeSome<T>(records: Iterator<T>, take: (record: T) => void): boolean {
  for (let count = 0; count < groupLength; count++) {
    const { value, done } = records.next();
    if (done) return false;
    take(value);
  }
  return true;
}
