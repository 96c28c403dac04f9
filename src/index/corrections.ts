/**
 * Sizes put right. A source that doesn't know its files' sizes asks for them beforehand (HEAD), and may be told a wrong
 * one, or the photo is edited before it is fetched. What a whole download has is the truth.
 */
import type { Location } from '../model/words.ts';
import { getFile, setFileContent } from './items.ts';
import { type Index, rawStatement, statement } from './open.ts';

/** A place whose size was put right, as the journal has it. */
export interface CorrectedPlace {
  readonly exportId: string;
  readonly exportTime: number;
}

/** The size that was listed before it was first put right, and goes on being listed; undefined where it never was. */
export function correctedFrom(index: Index, ino: number): number | undefined {
  const row = rawStatement(index, 'SELECT was FROM correction WHERE ino = ?').get(ino) as
    | unknown[]
    | undefined;
  return row?.[0] as number | undefined;
}

/**
 * The true size of what a source lists at an address with a size that was put right when it lay elsewhere: the source
 * was removed and added again, or the index was lost.
 */
export function trueSize(
  index: Index,
  exportId: string,
  address: string,
  listed: number,
): number | undefined {
  const row = rawStatement(
    index,
    `SELECT o.size FROM correction c JOIN former o ON o.ino = c.ino
     WHERE c.was = ? AND o.export_id = ? AND o.address = ? LIMIT 1`,
  ).get(listed, exportId, address) as unknown[] | undefined;
  return row?.[0] as number | undefined;
}

/**
 * Gives a file and the place it was taken from another size, inside the caller's transaction. Its inode is the caller's.
 * @returns undefined where that can't be: the file shows bytes that were verified, or not those of this place
 */
export function correctFile(
  index: Index,
  ino: number,
  { source, archive, offset, size }: Location,
  actual: number,
): CorrectedPlace | undefined {
  const file = getFile(index, ino);
  const isListed = file?.size === size && file.crc32 === undefined;
  if (!isListed || actual <= 0 || actual === size) return undefined;
  const place = rawStatement(
    index,
    `UPDATE location SET size = ?
     WHERE archive = (SELECT id FROM archive WHERE source = ? AND name = ?) AND offset = ? AND ino = ? AND crc32 IS NULL
     RETURNING (SELECT export_id FROM archive a WHERE a.id = archive), (SELECT export_time FROM archive a WHERE a.id = archive)`,
  ).get(actual, source, archive, offset, ino) as unknown[] | undefined;
  if (place === undefined) return undefined;
  setFileContent(index, ino, { size: actual, crc32: undefined });
  statement(index, 'INSERT OR IGNORE INTO correction (ino, was) VALUES (?, ?)').run(ino, size);
  return { exportId: place[0] as string, exportTime: place[1] as number };
}
