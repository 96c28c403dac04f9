/** Albums and who is in them. */
import type { UnixSeconds } from '../model/words.ts';
import { type Index, rawStatement, statement } from './open.ts';

export interface AlbumRow {
  readonly id: number;
  readonly account: string;
  readonly folder: string;
  readonly title: string;
  readonly date: UnixSeconds | null;
  /** Inode number of its directory. */
  readonly directory: number;
}

export function albumsByFolder(index: Index, account: string, folder: string): AlbumRow[] {
  return statement(
    index,
    'SELECT id, account, folder, title, date, directory FROM album WHERE account = ? AND folder = ? ORDER BY id',
  ).all(account, folder) as AlbumRow[];
}

export function allAlbums(index: Index): AlbumRow[] {
  return statement(
    index,
    'SELECT id, account, folder, title, date, directory FROM album ORDER BY id',
  ).all() as AlbumRow[];
}

export function addAlbum(index: Index, album: Omit<AlbumRow, 'id'>): number {
  const result = statement(
    index,
    'INSERT INTO album (account, folder, title, date, directory) VALUES (?, ?, ?, ?, ?)',
  ).run(album.account, album.folder, album.title, album.date, album.directory);
  return Number(result.lastInsertRowid);
}

export function setAlbumDate(index: Index, id: number, date: UnixSeconds): void {
  statement(index, 'UPDATE album SET date = ? WHERE id = ?').run(date, id);
}

export function isMember(index: Index, ino: number, album: number): boolean {
  return (
    rawStatement(index, 'SELECT 1 FROM membership WHERE ino = ? AND album = ?').get(ino, album) !== undefined
  );
}

/** What a link to a file is made from: the file's own name, and where in the tree it stands under which name. */
export interface Standing {
  readonly name: string;
  readonly mtime: UnixSeconds;
  readonly parent: number;
  readonly entryName: string;
}

export function standingOf(index: Index, ino: number): Standing | undefined {
  const row = rawStatement(
    index,
    `SELECT f.name, i.mtime, i.parent, e.name FROM file f JOIN inode i ON i.ino = f.ino
     JOIN entry e ON e.parent = i.parent AND e.id = i.entry WHERE f.ino = ?`,
  ).get(ino) as unknown[] | undefined;
  if (row === undefined) return undefined;
  return {
    name: row[0] as string,
    mtime: row[1] as number,
    parent: row[2] as number,
    entryName: row[3] as string,
  };
}

export function addMember(index: Index, ino: number, album: number, entry: number): void {
  statement(index, 'INSERT INTO membership (ino, album, entry) VALUES (?, ?, ?)').run(ino, album, entry);
}

/** Where a file stands in albums: the album's directory, and the name there. */
export interface AlbumEntry {
  readonly title: string;
  readonly directory: number;
  readonly directoryName: string;
  readonly name: string;
  /** The link's target; undefined for a hard link. */
  readonly target: string | undefined;
}

export function albumEntriesOf(index: Index, ino: number): AlbumEntry[] {
  const rows = rawStatement(
    index,
    `SELECT a.title, a.directory, d.name, e.name, i.target
     FROM membership m
     JOIN album a ON a.id = m.album
     JOIN inode di ON di.ino = a.directory
     JOIN entry d ON d.parent = di.parent AND d.id = di.entry
     JOIN entry e ON e.parent = a.directory AND e.id = m.entry
     JOIN inode i ON i.ino = e.ino
     WHERE m.ino = ? ORDER BY a.id`,
  ).all(ino) as unknown[][];
  return rows.map((row) => ({
    title: row[0] as string,
    directory: row[1] as number,
    directoryName: row[2] as string,
    name: row[3] as string,
    target: (row[4] as string | null) ?? undefined,
  }));
}
