/** Sources as the index knows them: their memos, their archives, and what is left when one is removed. */
import type { Memo } from '../sources/source.ts';
import { intact } from './cached.ts';
import { retireSource } from './locations.ts';
import { type Index, rawStatement, statement, transaction } from './open.ts';
import { putSetting } from './settings.ts';

export function putSource(index: Index, id: string, account: string): void {
  statement(
    index,
    'INSERT INTO source (id, account) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET account = excluded.account',
  ).run(id, account);
}

/** Notes how many items of the source can't be listed yet. */
export function putWaiting(index: Index, id: string, waiting: number): void {
  statement(index, 'UPDATE source SET waiting = ? WHERE id = ?').run(waiting, id);
}

/** Notes that a scan of the source went through to its end. */
export function finishScan(index: Index, id: string): void {
  statement(index, 'UPDATE source SET last_scan = unixepoch() WHERE id = ?').run(id);
  // Also kept apart from the source, which may be removed: what was synced stays synced.
  putSetting(index, 'lastSync', String(Math.floor(Date.now() / 1000)));
}

export function recall(index: Index, source: string, key: string): Buffer | undefined {
  const row = rawStatement(index, 'SELECT value FROM memo WHERE source = ? AND key = ?').get(source, key) as
    | unknown[]
    | undefined;
  return row?.[0] as Buffer | undefined;
}

export function putMemo(index: Index, source: string, memo: Memo): void {
  if (memo.value === undefined) {
    statement(index, 'DELETE FROM memo WHERE source = ? AND key = ?').run(source, memo.key);
  } else {
    statement(index, 'INSERT OR REPLACE INTO memo (source, key, value) VALUES (?, ?, ?)').run(
      source,
      memo.key,
      memo.value,
    );
  }
}

/** What no source can give any more and no cache holds: listed, but its bytes can't be had. */
export const unavailableFiles = `
  FROM file f WHERE NOT EXISTS (SELECT 1 FROM location l WHERE l.ino = f.ino)
                AND NOT EXISTS (SELECT 1 FROM cached c WHERE c.ino = f.ino AND ${intact})`;

export function countUnavailable(index: Index): number {
  return (rawStatement(index, `SELECT count(*) ${unavailableFiles}`).get() as unknown[])[0] as number;
}

/**
 * Forgets where a source's files can be had. What is listed stays listed, what is cached stays cached.
 * @returns how many locations went, and how many files can't be read any more because of it
 */
export function dropSource(index: Index, id: string): { locations: number; unavailable: number } {
  return transaction(index, () => {
    const before = countUnavailable(index);
    const locations = retireSource(index, id);
    statement(index, 'DELETE FROM archive WHERE source = ?').run(id);
    statement(index, 'DELETE FROM memo WHERE source = ?').run(id);
    statement(index, 'DELETE FROM source WHERE id = ?').run(id);
    return { locations, unavailable: countUnavailable(index) - before };
  });
}
