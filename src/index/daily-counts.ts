/**
 * How much of a daily quota is used, for all processes of a home. It lies beside the leases, for a count at every request
 * must wake no mount that watches the index; a count lost with the power is one that Google keeps, too.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { useWal } from './wal.ts';

export interface DailyCounts {
  /** Adds 1 to a count of a day unless it has reached `limit`; whether it did. */
  take(project: string, day: string, name: string, limit: number): boolean;
  used(project: string, day: string, name: string): number;
  close(): void;
}

/** Opens the counts of a home. */
export function openDailyCounts(home: string): DailyCounts {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const path = join(home, 'quota.db');
  const db = new Database(path, { timeout: 30_000 });
  try {
    chmodSync(path, 0o600);
    useWal(db);
    db.pragma('synchronous = OFF');
    db.exec(`CREATE TABLE IF NOT EXISTS used (
      project TEXT NOT NULL, name TEXT NOT NULL, day TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (project, name)
    ) WITHOUT ROWID, STRICT`);
  } catch (error) {
    db.close();
    throw error;
  }
  // A row is of one day; the first request of another day begins it anew.
  const add = db.prepare(`
    INSERT INTO used (project, name, day, count) VALUES (?, ?, ?, 1)
    ON CONFLICT (project, name) DO UPDATE
      SET count = iif(day = excluded.day, count + 1, 1), day = excluded.day
      WHERE day <> excluded.day OR count < ?`);
  const get = db.prepare('SELECT count FROM used WHERE project = ? AND name = ? AND day = ?').pluck();
  return {
    take: (project, day, name, limit) => add.run(project, name, day, limit).changes > 0,
    used: (project, day, name) => (get.get(project, name, day) as number | undefined) ?? 0,
    close: () => db.close(),
  };
}
