/**
 * Rows that wait for more of their table and go in together: sixteen in one statement take less than half the time of
 * sixteen statements (measured: the five rows of each of 100,000 photos, 2.0 s and 0.9 s).
 *
 * Nobody has to know of it: whatever else is asked of the index, what waits goes in first (`open.ts`). So it helps
 * where many rows are added and nothing is asked in between.
 */
import type Database from 'better-sqlite3';

/** More gains nothing, and takes longer to compile. */
const together = 16;

/** The rows of one table, value after value. */
interface Waiting {
  readonly values: unknown[];
  rows: number;
  /** For one row, and for `together`. */
  readonly one: Database.Statement;
  readonly many: Database.Statement;
}

export interface WaitingRows {
  readonly tables: Map<string, Waiting>;
  /** In all tables. */
  rows: number;
}

/** The database with what waits for it: an `Index`. */
export interface Rows {
  readonly db: Database.Database;
  readonly waiting: WaitingRows;
}

export const noRows = (): WaitingRows => ({ tables: new Map(), rows: 0 });

/**
 * Adds a row that the table doesn't have; outside a transaction at once.
 * @param into the table and its columns, such as `setting (key, value)`
 */
export function addRow({ db, waiting }: Rows, into: string, ...values: readonly unknown[]): void {
  let table = waiting.tables.get(into);
  if (table === undefined) {
    const row = `(${values.map(() => '?').join(', ')})`;
    const one = db.prepare(`INSERT INTO ${into} VALUES ${row}`);
    // OR FAIL: what rows before a bad one did goes with the transaction. To take it back by itself, SQLite would copy each page
    // that sixteen rows touch, into a file where these are many: 29 MB and 14,000 writes for the places of 100,000 photos.
    const many = db.prepare(`INSERT OR FAIL INTO ${into} VALUES ${Array(together).fill(row).join(', ')}`);
    table = { values: [], rows: 0, one, many };
    waiting.tables.set(into, table);
  }
  table.values.push(...values);
  table.rows += 1;
  waiting.rows += 1;
  if (table.rows === together || !db.inTransaction) insertRows(waiting, table);
}

/** Puts in all that wait. */
export function flushRows({ waiting }: Rows): void {
  if (waiting.rows === 0) return;
  for (const table of waiting.tables.values()) insertRows(waiting, table);
}

/** Forgets all that wait: the transaction that they belong to is taken back. */
export function forgetRows({ waiting }: Rows): void {
  for (const table of waiting.tables.values()) {
    table.values.length = 0;
    table.rows = 0;
  }
  waiting.rows = 0;
}

function insertRows(waiting: WaitingRows, table: Waiting): void {
  const { values, rows, one, many } = table;
  if (rows === 0) return;
  const width = values.length / rows;
  if (rows === together) many.run(...values);
  else for (let at = 0; at < values.length; at += width) one.run(...values.slice(at, at + width));
  values.length = 0;
  table.rows = 0;
  waiting.rows -= rows;
}
