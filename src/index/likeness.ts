/**
 * Items by title and time: how an item of an API and one of Takeout are found to be alike. Only a home with an API among its
 * sources has the index for it, for it costs every sync.
 */
import type { UnixSeconds } from '../model/words.ts';
import { type Index, rawStatement, statement } from './open.ts';

/** Pixels, the longer side first: turned or not, it is the same photo. */
export type Sides = readonly [long: number, short: number];

export interface AlikeItem {
  readonly id: number;
  /** As an API told them. */
  readonly sides: Sides | undefined;
  /** Time of the export that its facts come from; 0 where no Takeout has it. */
  readonly factsTime: UnixSeconds;
}

const indexName = 'item_by_time';

/** Makes the index that look-ups by likeness go by, inside a write transaction. */
export function makeLikeness(index: Index): void {
  index.db.exec(`CREATE INDEX IF NOT EXISTS ${indexName} ON item (taken_at)`);
}

/** Whether some source of this home is an API, or was one. */
export function hasLikeness(index: Index): boolean {
  const sql = "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?";
  return rawStatement(index, sql).get(indexName) !== undefined;
}

/** Final items of an account with this title, taken in this second. */
export function itemsAlike(index: Index, account: string, title: string, takenAt: UnixSeconds): AlikeItem[] {
  const rows = rawStatement(
    index,
    `SELECT id, long_side, short_side, facts_time FROM item
     WHERE taken_at = ? AND title = ? AND account = ? AND provisional = 0`,
  ).all(takenAt, title, account) as unknown[][];
  return rows.map((row) => ({
    id: row[0] as number,
    sides: row[1] === null || row[2] === null ? undefined : [row[1] as number, row[2] as number],
    factsTime: row[3] as number,
  }));
}

/** Notes what an API says of the pixels of the item at a place, where nothing is noted yet. */
export function noteSides(index: Index, archive: number, offset: number, [long, short]: Sides): void {
  statement(
    index,
    `UPDATE item SET long_side = ?, short_side = ? WHERE long_side IS NULL
       AND id = (SELECT f.item FROM location l JOIN file f ON f.ino = l.ino WHERE l.archive = ? AND l.offset = ?)`,
  ).run(long, short, archive, offset);
}
