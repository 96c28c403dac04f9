/** Whether everything that a selection names is in the cache: what a prefetch would have to do, without doing it. */
import type { Cache } from '../cache/cache.ts';
import type { Index } from '../index/open.ts';
import { countSelected, type Selection } from '../index/plan.ts';
import { readStatus } from '../index/status.ts';
import { findLost } from './lost.ts';

export interface Check {
  readonly isSynced: boolean;
  readonly selectedFiles: number;
  /** Not in the cache, or not with their newest bytes. */
  readonly missingFiles: number;
  /** Recorded as cached, but deleted, replaced or written to since. */
  readonly lostFiles: number;
  /** Known to a source, but not listed yet, for their size isn't known. */
  readonly waitingFiles: number;
}

export function checkSelection(index: Index, cache: Cache, selection: Selection): Check {
  const { files, cachedFiles } = countSelected(index, selection);
  const { lastSync, sources } = readStatus(index);
  return {
    isSynced: lastSync !== undefined,
    waitingFiles: sources.reduce((sum, { waiting }) => sum + waiting, 0),
    selectedFiles: files,
    missingFiles: files - cachedFiles,
    lostFiles: findLost(index, cache, selection).length,
  };
}
