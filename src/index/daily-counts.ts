/**
 * How much of a daily quota is used, for all processes of a home. It lies beside the leases, for a count at every request
 * must wake no mount that watches the index; a count lost with the power is one that Google keeps, too.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { useWal } from './wal.ts';

export interface DailyCounts {
  /** Adds up to `many` to a count of a day, as far as its `limit` allows; how many it added. */
  take(project: string, day: string, name: string, limit: number, many: number): number;
  /** Takes `many` off the day's count again: they were not needed. */
  giveBack(project: string, day: string, name: string, many: number): void;
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
  const put = db.prepare(`
    INSERT INTO used (project, name, day, count) VALUES (?, ?, ?, ?)
    ON CONFLICT (project, name) DO UPDATE SET count = excluded.count, day = excluded.day`);
  const giveBack = db.prepare('UPDATE used SET count = count - ? WHERE project = ? AND name = ? AND day = ?');
  const get = db.prepare('SELECT count FROM used WHERE project = ? AND name = ? AND day = ?').pluck();
  const used = (project: string, day: string, name: string) =>
    (get.get(project, name, day) as number | undefined) ?? 0;
  const take = db.transaction(
    (project: string, day: string, name: string, limit: number, many: number): number => {
      const before = used(project, day, name);
      const added = Math.max(0, Math.min(many, limit - before));
      if (added > 0) put.run(project, name, day, before + added);
      return added;
    },
  );
  return {
    take: (...wanted) => take.immediate(...wanted),
    giveBack: (project, day, name, many) => void giveBack.run(many, project, name, day),
    used,
    close: () => db.close(),
  };
}
