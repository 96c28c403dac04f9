/** Archives, and where in them the files' bytes can be had. */
import type { Content, Location } from '../model/words.ts';
import type { ScannedArchive, ScannedLocation } from '../sources/source.ts';
import { type Index, rawStatement, statement } from './open.ts';
import { addRow } from './waiting-rows.ts';

/** An archive's id and its fingerprint when it was last scanned. */
export function findArchive(
  index: Index,
  source: string,
  name: string,
): { readonly id: number; readonly fingerprint: string } | undefined {
  return statement(index, 'SELECT id, fingerprint FROM archive WHERE source = ? AND name = ?').get(
    source,
    name,
  ) as { id: number; fingerprint: string } | undefined;
}

/** Whether anything of the source has been read. */
export function hasArchives(index: Index, source: string): boolean {
  return rawStatement(index, 'SELECT 1 FROM archive WHERE source = ?').get(source) !== undefined;
}

/** Adds or updates an archive and gives its id. */
export function putArchive(index: Index, source: string, archive: ScannedArchive): number {
  const row = rawStatement(
    index,
    `INSERT INTO archive (source, name, export_id, export_time, fingerprint, sequential, title, remote, unkept, listed, gone)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
     ON CONFLICT (source, name) DO UPDATE SET
       export_id = excluded.export_id, export_time = excluded.export_time, fingerprint = excluded.fingerprint,
       sequential = excluded.sequential, title = excluded.title, remote = excluded.remote, unkept = excluded.unkept, listed = excluded.listed,
       gone = 0
     RETURNING id`,
  ).get(
    source,
    archive.name,
    archive.exportId,
    archive.exportTime,
    archive.fingerprint,
    archive.sequential ? 1 : 0,
    archive.title ?? null,
    archive.remote ? 1 : 0,
    archive.unkept ?? null,
    archive.listed ?? null,
  ) as unknown[];
  return row[0] as number;
}

/** Notes that an archive is surely there no more. */
export function markGone(index: Index, archive: number): void {
  statement(index, 'UPDATE archive SET gone = 1 WHERE id = ?').run(archive);
}

const retire = `INSERT OR IGNORE INTO former (ino, export_id, offset, address, size, crc32)
  SELECT l.ino, a.export_id, l.offset, l.address, l.size, l.crc32 FROM location l JOIN archive a ON a.id = l.archive`;

/**
 * The archive has changed or goes: no byte can be had at its places any more. They are remembered as former ones, by
 * which the same files are known again.
 */
export function retireArchive(index: Index, archive: number): void {
  statement(index, `${retire} WHERE a.id = ?`).run(archive);
  statement(index, 'DELETE FROM location WHERE archive = ?').run(archive);
}

/** The same for all archives of a source; gives how many places there were. */
export function retireSource(index: Index, source: string): number {
  statement(index, `${retire} WHERE a.source = ?`).run(source);
  return statement(
    index,
    'DELETE FROM location WHERE archive IN (SELECT id FROM archive WHERE source = ?)',
  ).run(source).changes;
}

/** The file at a place in an archive, with the content that the place has. */
export function fileAt(
  index: Index,
  archive: number,
  offset: number,
): (Content & { readonly ino: number; readonly address: string }) | undefined {
  const row = rawStatement(
    index,
    'SELECT ino, size, crc32, address FROM location WHERE archive = ? AND offset = ?',
  ).get(archive, offset) as unknown[] | undefined;
  if (row === undefined) return undefined;
  return {
    ino: row[0] as number,
    size: row[1] as number,
    crc32: (row[2] as number | null) ?? undefined,
    address: row[3] as string,
  };
}

/** A place in which a file of an item lies, or lay. */
export interface KnownPlace extends Content {
  readonly ino: number;
  readonly exportId: string;
  /** undefined for a former place: the archive has changed or was removed. */
  readonly archive: number | undefined;
  readonly offset: number;
  readonly address: string;
}

/** All places of all files of an item, former ones too. */
export function placesOfItem(index: Index, item: number): KnownPlace[] {
  const rows = rawStatement(
    index,
    `SELECT f.ino, a.export_id, l.archive, l.offset, l.address, l.size, l.crc32
     FROM file f JOIN location l ON l.ino = f.ino JOIN archive a ON a.id = l.archive WHERE f.item = @item
     UNION ALL
     SELECT f.ino, o.export_id, NULL, o.offset, o.address, o.size, o.crc32
     FROM file f JOIN former o ON o.ino = f.ino WHERE f.item = @item`,
  ).all({ item }) as unknown[][];
  return rows.map((row) => ({
    ino: row[0] as number,
    exportId: row[1] as string,
    archive: (row[2] as number | null) ?? undefined,
    offset: row[3] as number,
    address: row[4] as string,
    size: row[5] as number,
    crc32: (row[6] as number | null) ?? undefined,
  }));
}

const locationColumns = 'location (archive, offset, ino, address, seekable, size, crc32)';

/** Notes that a file lies at a place, where another one may have lain. */
export function putLocation(
  index: Index,
  archive: number,
  ino: number,
  { offset, address, seekable }: ScannedLocation,
  { size, crc32 }: Content,
): void {
  statement(index, `INSERT OR REPLACE INTO ${locationColumns} VALUES (?, ?, ?, ?, ?, ?, ?)`).run(
    archive,
    offset,
    ino,
    address,
    seekable ? 1 : 0,
    size,
    crc32 ?? null,
  );
}

/** The same where the index has nothing. */
export function addLocation(
  index: Index,
  archive: number,
  ino: number,
  { offset, address, seekable }: ScannedLocation,
  { size, crc32 }: Content,
): void {
  addRow(index, locationColumns, archive, offset, ino, address, seekable ? 1 : 0, size, crc32 ?? null);
}

/** Whether the archive of a place can only be read from its start. */
export function isSequential(index: Index, { source, archive }: Location): boolean {
  const sql = 'SELECT 1 FROM archive WHERE source = ? AND name = ? AND sequential';
  return rawStatement(index, sql).get(source, archive) !== undefined;
}

export function hasLocation(index: Index, ino: number): boolean {
  return rawStatement(index, 'SELECT 1 FROM location WHERE ino = ? LIMIT 1').get(ino) !== undefined;
}

/**
 * Where a file's bytes can be had, as a plan orders places: near ones first, of these what need not be read from its start, then the
 * newest export, seekable first within one.
 */
export function locationsOf(index: Index, ino: number): Location[] {
  const rows = rawStatement(
    index,
    `SELECT a.source, a.name, a.fingerprint, l.offset, l.address, l.seekable, l.size, l.crc32
     FROM location l JOIN archive a ON a.id = l.archive WHERE l.ino = ?
     ORDER BY a.remote, a.sequential, a.export_time DESC, l.seekable DESC, a.id, l.offset`,
  ).all(ino) as unknown[][];
  return rows.map((row) => ({
    source: row[0] as string,
    archive: row[1] as string,
    fingerprint: row[2] as string,
    offset: row[3] as number,
    address: row[4] as string,
    seekable: row[5] === 1,
    size: row[6] as number,
    crc32: (row[7] as number | null) ?? undefined,
  }));
}
