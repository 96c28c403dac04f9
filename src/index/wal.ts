/** Switching a database to SQLite's write-ahead log. */
import type Database from 'better-sqlite3';
import { errorCode } from '../model/errors.ts';

const patienceMs = 30_000;
const pauseMs = 10;

/**
 * Switches to WAL, where it isn't on yet. Of several processes that open a new database at once only one can; the others
 * are told SQLITE_BUSY at once, for SQLite's own busy timeout doesn't cover this step (measured).
 */
export function useWal(db: Database.Database): void {
  for (const end = Date.now() + patienceMs; ; ) {
    try {
      if (db.pragma('journal_mode', { simple: true }) === 'wal') return;
      db.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (!errorCode(error)?.startsWith('SQLITE_BUSY') || Date.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
}
