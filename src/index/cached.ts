/** Which files' bytes are in the cache, and what they looked like when they were known to be right. */
import type { Content } from '../model/words.ts';
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

export function isCached(index: Index, ino: number): boolean {
  return rawStatement(index, `SELECT 1 FROM cached c WHERE c.ino = ? AND ${intact}`).get(ino) !== undefined;
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
