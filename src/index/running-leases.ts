/** What the processes of a home are doing right now, by the leases they hold. Looks only; makes no file. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { errorCode } from '../model/errors.ts';
import { isLive, type LeaseRow } from './leases.ts';

export interface RunningLease {
  /** `sync`, `file:INO`. */
  readonly key: string;
  readonly pid: number;
  /** Of a fetch: how many bytes are verified so far as others may read them. */
  readonly prefix: number;
}

export function listRunning(home: string): RunningLease[] {
  const path = join(home, 'leases.db');
  if (!existsSync(path)) return [];
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true, timeout: 1000 });
    const rows = db.prepare('SELECT * FROM lease ORDER BY key').all() as (LeaseRow & { key: string })[];
    return rows.filter(isLive).map(({ key, pid, prefix }) => ({ key, pid, prefix }));
  } catch (error) {
    // It is made at the first fetch: a moment before, it may have no tables yet.
    if (errorCode(error)?.startsWith('SQLITE_') === true) return [];
    throw error;
  } finally {
    db?.close();
  }
}
