/** Items, and the files they consist of. */
import type { Content, Role, UnixSeconds } from '../model/words.ts';
import type { Description } from '../sources/source.ts';
import { type Index, rawStatement, statement } from './open.ts';
import { addRow } from './waiting-rows.ts';

/** Roles as stored. */
export const roles = ['original', 'edited', 'motion', 'sidecar'] as const satisfies readonly Role[];

export interface ItemRow {
  readonly id: number;
  readonly photoId: string | undefined;
  readonly title: string;
  readonly takenAt: UnixSeconds | undefined;
  readonly provisional: boolean;
  /** Time of the export that title and description come from. */
  readonly factsTime: UnixSeconds;
}

export interface FileRow extends Content {
  readonly ino: number;
  readonly item: number;
  readonly role: Role;
  /** As the source has it. */
  readonly name: string;
}

function itemOf(row: readonly unknown[]): ItemRow {
  return {
    id: row[0] as number,
    photoId: (row[1] as string | null) ?? undefined,
    title: row[2] as string,
    takenAt: (row[3] as number | null) ?? undefined,
    provisional: row[4] === 1,
    factsTime: row[5] as number,
  };
}
const itemColumns = 'i.id, i.photo_id, i.title, i.taken_at, i.provisional, i.facts_time';

function fileOf(row: readonly unknown[]): FileRow {
  return {
    ino: row[0] as number,
    item: row[1] as number,
    role: roles[row[2] as number] ?? 'original',
    name: row[3] as string,
    size: row[4] as number,
    crc32: (row[5] as number | null) ?? undefined,
  };
}
const fileColumns = 'f.ino, f.item, f.role, f.name, f.size, f.crc32';

export function getItem(index: Index, id: number): ItemRow | undefined {
  const row = rawStatement(index, `SELECT ${itemColumns} FROM item i WHERE i.id = ?`).get(id);
  return row === undefined ? undefined : itemOf(row as unknown[]);
}

export function hasItems(index: Index): boolean {
  return rawStatement(index, 'SELECT 1 FROM item LIMIT 1').get() !== undefined;
}

export function itemsByPhotoId(index: Index, account: string, photoId: string): ItemRow[] {
  const rows = rawStatement(
    index,
    `SELECT ${itemColumns} FROM item i WHERE i.photo_id = ? AND i.account = ?`,
  ).all(photoId, account);
  return (rows as unknown[][]).map(itemOf);
}

/** What the item of a file with some content must be like: of this file name, or of this title and time. */
export interface Likeness {
  readonly name: string;
  readonly title: string;
  readonly takenAt: UnixSeconds | undefined;
}

/**
 * Items of an account that have a file in this role which shows this content, and that are alike; one with two such
 * files comes twice. A CRC-32 that isn't
 * known matches any, so what is found that way proves little.
 */
export function itemsByContent(
  index: Index,
  account: string,
  role: Role,
  content: Content,
  like: Likeness,
): ItemRow[] {
  const { size, crc32 } = content;
  const rows = rawStatement(
    index,
    `SELECT ${itemColumns} FROM file f JOIN item i ON i.id = f.item
     WHERE f.size = ? ${crc32 === undefined ? '' : 'AND f.crc32 = ?'} AND f.role = ? AND i.account = ?
       AND (f.name = ? OR (i.title = ? AND i.taken_at = ?))`,
  ).all(
    size,
    ...(crc32 === undefined ? [] : [crc32]),
    roles.indexOf(role),
    account,
    like.name,
    like.title,
    like.takenAt ?? null,
  );
  return (rows as unknown[][]).map(itemOf);
}

/** Whether an item of the account has a file with surely these bytes, shown or to come. */
export function hasContent(index: Index, account: string, { size, crc32 }: Content): boolean {
  if (crc32 === undefined) return false;
  const row = rawStatement(
    index,
    `SELECT 1 FROM file f JOIN item i ON i.id = f.item WHERE f.size = ?1 AND f.crc32 = ?2 AND i.account = ?3
     UNION ALL
     SELECT 1 FROM revision r JOIN file f ON f.ino = r.ino JOIN item i ON i.id = f.item
     WHERE r.size = ?1 AND r.crc32 = ?2 AND i.account = ?3 LIMIT 1`,
  ).get({ 1: size, 2: crc32, 3: account });
  return row !== undefined;
}

export function filesOfItem(index: Index, item: number): FileRow[] {
  const rows = rawStatement(index, `SELECT ${fileColumns} FROM file f WHERE f.item = ? ORDER BY f.ino`).all(
    item,
  );
  return (rows as unknown[][]).map(fileOf);
}

export function getFile(index: Index, ino: number): FileRow | undefined {
  const row = rawStatement(index, `SELECT ${fileColumns} FROM file f WHERE f.ino = ?`).get(ino);
  return row === undefined ? undefined : fileOf(row as unknown[]);
}

/** What people read of an item, through the inode of one of its files. */
export function describeFile(
  index: Index,
  ino: number,
): { item: ItemRow; account: string; description: Description } | undefined {
  const row = rawStatement(
    index,
    `SELECT ${itemColumns}, i.account, i.description FROM file f JOIN item i ON i.id = f.item WHERE f.ino = ?`,
  ).get(ino) as unknown[] | undefined;
  if (row === undefined) return undefined;
  return {
    item: itemOf(row),
    account: row[6] as string,
    description: row[7] === null ? {} : (JSON.parse(row[7] as string) as Description),
  };
}

export interface NewItem extends Omit<ItemRow, 'id'> {
  readonly account: string;
  readonly description: Description;
}

function columnsOf(item: Omit<NewItem, 'account'>) {
  return [
    item.photoId ?? null,
    item.title,
    item.takenAt ?? null,
    item.provisional ? 1 : 0,
    item.factsTime,
    saysNothing(item.description) ? null : JSON.stringify(item.description),
  ];
}

function saysNothing(description: Description): boolean {
  for (const _ in description) return false;
  return true;
}

/** The id that the next item gets; further ones count up from it. Only a sync adds items. */
export function nextItem(index: Index): number {
  const row = rawStatement(index, 'SELECT max(id) FROM item').get() as unknown[];
  return ((row[0] as number | null) ?? 0) + 1;
}

export function addItem(index: Index, id: number, item: NewItem): void {
  const into = 'item (id, account, photo_id, title, taken_at, provisional, facts_time, description)';
  addRow(index, into, id, item.account, ...columnsOf(item));
}

export function updateItem(index: Index, id: number, item: Omit<NewItem, 'account'>): void {
  statement(
    index,
    `UPDATE item SET photo_id = ?, title = ?, taken_at = ?, provisional = ?, facts_time = ?, description = ?
     WHERE id = ?`,
  ).run(...columnsOf(item), id);
}

/** Drops an item whose files have all become another item's. */
export function dropItemWithoutFiles(index: Index, id: number): void {
  statement(
    index,
    'DELETE FROM item WHERE id = @id AND NOT EXISTS (SELECT 1 FROM file WHERE item = @id)',
  ).run({
    id,
  });
}

/** @param contentTime the export that its content is from */
export function addFile(index: Index, file: FileRow, contentTime: UnixSeconds = 0): void {
  const { ino, item, role, name, size, crc32 } = file;
  const into = 'file (ino, item, role, name, size, crc32, content_time)';
  addRow(index, into, ino, item, roles.indexOf(role), name, size, crc32 ?? null, contentTime);
}

/** Gives a file another role, maybe in another item. */
export function moveFile(index: Index, ino: number, item: number, role: Role): void {
  statement(index, 'UPDATE file SET item = ?, role = ? WHERE ino = ?').run(item, roles.indexOf(role), ino);
}

/** Sets the content that a file shows: learnt while fetching, or a revision that was published. */
export function setFileContent(index: Index, ino: number, content: Content): void {
  statement(index, 'UPDATE file SET size = ?, crc32 = ? WHERE ino = ?').run(
    content.size,
    content.crc32 ?? null,
    ino,
  );
}
