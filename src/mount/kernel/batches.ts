/**
 * Rows of directories, read from the index in batches. The last few are kept, since programs that walk a tree at the same
 * time ask for the same ones: eight `find`s at once took eight times the rows of one (measured).
 */
import { LRUCache } from 'lru-cache';
import type { DirectoryEntry } from '../driver.ts';
import type { Filesystem } from '../filesystem.ts';
import { type Board, readBoard } from './board.ts';

/** Rows in a batch: 1 ms of work, which is how long it may hold up other requests. */
export const batchLength = 256;
/** How many batches are kept: 8,192 rows, some 2 MB. */
const keptBatches = 32;

export interface Batches {
  /** The next rows of a directory behind a cookie; fewer than `batchLength` where they end. */
  read(ino: number, after: number): readonly DirectoryEntry[];
}

export function createBatches(filesystem: Filesystem, board: Board): Batches {
  const kept = new LRUCache<string, readonly DirectoryEntry[]>({ max: keptBatches });
  let seenChanged = 0;
  return {
    read(ino, after) {
      // Attributes from before an invalidation must not follow it.
      const changed = readBoard(board, 'changed');
      if (changed !== seenChanged) kept.clear();
      seenChanged = changed;
      const key = `${ino} ${after}`;
      let rows = kept.get(key);
      if (rows === undefined) {
        rows = filesystem.readdir(ino, after, batchLength);
        kept.set(key, rows);
      }
      return rows;
    },
  };
}
