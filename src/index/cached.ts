/** Which files' bytes are in the cache, and what they looked like when they were known to be right. */
import type { Content } from '../model/words.ts';
import { roles } from './items.ts';
import { type Index, rawStatement, statement } from './open.ts';

/** What `stat` says of a cache file, as far as a change of its bytes would show in it. */
export interface CacheStat {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  /** The cache file system's own inode number. */
  readonly cacheIno: number;
}

export interface CachedRow extends CacheStat {
  readonly sha256: Buffer;
}

/** No file has this inode number, so a record with it fits no file: its bytes proved wrong, or were not there. */
export const noInode = -1;

/** SQL: `c`, of the table `cached`, is not known to be wrong. */
export const intact = `c.cache_ino <> ${noInode}`;

export function getCached(index: Index, ino: number): CachedRow | undefined {
  const row = rawStatement(
    index,
    'SELECT size, mtime_ms, ctime_ms, cache_ino, sha256 FROM cached WHERE ino = ?',
  ).get(ino) as unknown[] | undefined;
  if (row === undefined) return undefined;
  return {
    size: row[0] as number,
    mtimeMs: row[1] as number,
    ctimeMs: row[2] as number,
    cacheIno: row[3] as number,
    sha256: row[4] as Buffer,
  };
}

/** All that it takes to open a cached file, of one moment. */
export interface CachedPlace {
  readonly ino: number;
  readonly recorded: CacheStat;
  /** Its first entry: the directory, the cookie there, and the name. */
  readonly parent: number;
  readonly entry: number;
  readonly name: string;
  /** Which bytes it shows. */
  readonly content: Content;
}

const placeColumns =
  'c.ino, c.size, c.mtime_ms, c.ctime_ms, c.cache_ino, e.parent, e.id, e.name, f.size, f.crc32';

function placeOf(row: readonly unknown[]): CachedPlace {
  return {
    ino: row[0] as number,
    recorded: {
      size: row[1] as number,
      mtimeMs: row[2] as number,
      ctimeMs: row[3] as number,
      cacheIno: row[4] as number,
    },
    parent: row[5] as number,
    entry: row[6] as number,
    name: row[7] as string,
    content: { size: row[8] as number, crc32: (row[9] as number | null) ?? undefined },
  };
}

export function getCachedPlace(index: Index, ino: number): CachedPlace | undefined {
  const row = rawStatement(
    index,
    `SELECT ${placeColumns} FROM cached c JOIN file f ON f.ino = c.ino JOIN inode i ON i.ino = c.ino
       JOIN entry e ON e.parent = i.parent AND e.id = i.entry
     WHERE c.ino = ?`,
  ).get(ino) as unknown[] | undefined;
  return row === undefined ? undefined : placeOf(row);
}

/** The places of the cached files among the next `limit` entries of a directory. */
export function cachedPlacesAfter(index: Index, parent: number, entry: number, limit: number): CachedPlace[] {
  const rows = rawStatement(
    index,
    `SELECT ${placeColumns}
     FROM (SELECT * FROM entry WHERE parent = ? AND id > ? ORDER BY id LIMIT ?) e
       JOIN inode i ON i.ino = e.ino AND i.parent = e.parent AND i.entry = e.id
       JOIN cached c ON c.ino = e.ino JOIN file f ON f.ino = e.ino`,
  ).all(parent, entry, limit) as unknown[][];
  return rows.map(placeOf);
}

export function isCached(index: Index, ino: number): boolean {
  return rawStatement(index, `SELECT 1 FROM cached c WHERE c.ino = ? AND ${intact}`).get(ino) !== undefined;
}

/** Photos and videos that were cached, or recorded anew, at that time or later, Unix seconds. */
export function listCachedSince(index: Index, since: number): number[] {
  const rows = rawStatement(
    index,
    `SELECT c.ino FROM cached c JOIN file f ON f.ino = c.ino
     WHERE c.at >= ? AND ${intact} AND f.role <> ${roles.indexOf('sidecar')} ORDER BY c.ino`,
  ).all(since) as unknown[][];
  return rows.map((row) => row[0] as number);
}

export function putCached(index: Index, ino: number, cached: CachedRow): void {
  statement(
    index,
    `INSERT OR REPLACE INTO cached (ino, size, sha256, mtime_ms, ctime_ms, cache_ino, at)
     VALUES (?, ?, ?, ?, ?, ?, unixepoch())`,
  ).run(ino, cached.size, cached.sha256, cached.mtimeMs, cached.ctimeMs, cached.cacheIno);
}

export function dropCached(index: Index, ino: number): void {
  statement(index, 'DELETE FROM cached WHERE ino = ?').run(ino);
}

export function countCached(index: Index): number {
  return (rawStatement(index, 'SELECT count(*) FROM cached').get() as unknown[])[0] as number;
}

/**
 * Another cached file that surely holds the same bytes: size and CRC-32 agree, and title or time taken as well, for
 * size and CRC-32 alone agree by chance in one of four thousand million pairs of equal size.
 */
export function cachedTwins(index: Index, ino: number, content: Content): number[] {
  if (content.crc32 === undefined) return [];
  const rows = rawStatement(
    index,
    `SELECT f.ino FROM file f JOIN cached c ON c.ino = f.ino JOIN item i ON i.id = f.item,
            file g JOIN item j ON j.id = g.item
     WHERE g.ino = @ino AND f.size = @size AND f.crc32 = @crc32 AND f.ino <> @ino
       AND (i.title = j.title OR i.taken_at = j.taken_at)`,
  ).all({ ino, size: content.size, crc32: content.crc32 }) as unknown[][];
  return rows.map((row) => row[0] as number);
}

/** The bytes that were shown before a revision took their place. */
export function addSuperseded(index: Index, ino: number, sha256: Buffer, size: number, path: string): void {
  statement(
    index,
    'INSERT OR REPLACE INTO superseded (ino, sha256, size, path, at) VALUES (?, ?, ?, ?, unixepoch())',
  ).run(ino, sha256, size, path);
}

export interface SupersededRow {
  readonly sha256: Buffer;
  readonly size: number;
  /** File name in the cache's directory for them. */
  readonly path: string;
}

/** A file's former bytes. */
export function listSuperseded(index: Index, ino: number): SupersededRow[] {
  const rows = rawStatement(index, 'SELECT sha256, size, path FROM superseded WHERE ino = ? ORDER BY at').all(
    ino,
  );
  return (rows as unknown[][]).map((row) => ({
    sha256: row[0] as Buffer,
    size: row[1] as number,
    path: row[2] as string,
  }));
}
