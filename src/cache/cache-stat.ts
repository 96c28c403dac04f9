/** What is compared between the record of a cached file and the file. */
import type { Stats } from 'node:fs';
import type { CacheStat } from '../index/cached.ts';

/** What is compared between the record and the file. */
export function statOf(stats: Stats): CacheStat {
  // Some shares give inode numbers beyond what SQLite stores; comparing needs no more than their rest.
  const cacheIno = stats.ino % Number.MAX_SAFE_INTEGER;
  return { size: stats.size, mtimeMs: stats.mtimeMs, ctimeMs: stats.ctimeMs, cacheIno };
}

export function sameStat(a: CacheStat, b: CacheStat): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.cacheIno === b.cacheIno;
}
