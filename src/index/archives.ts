/** Archives that were read, with what of them is not in the cache. */
import { intact } from './cached.ts';
import { type Index, statement } from './open.ts';

export interface KnownArchive {
  readonly source: string;
  /** Within its source; of archives on disk the absolute path. */
  readonly name: string;
  readonly exportId: string;
  /** Files that lie in it and are not in the cache. */
  readonly uncached: number;
}

/** An archive that is reached over a network, with what of it is kept here. */
export interface RemoteArchive {
  readonly source: string;
  readonly name: string;
  /** What its owner knows it by. */
  readonly title: string;
  readonly exportId: string;
  /** Places in it that the index knows, and the bytes at them. */
  readonly files: number;
  readonly bytes: number;
  /** The same of those whose very bytes are in the cache, verified, or set aside there. */
  readonly keptFiles: number;
  readonly keptBytes: number;
  /** Files in it that nothing keeps or lists; undefined until all of it has been read. */
  readonly unkept: number | undefined;
  /** It was deleted. */
  readonly gone: boolean;
}

/** Archives over a network, by export and title. */
export function listRemoteArchives(index: Index): RemoteArchive[] {
  const rows = statement(
    index,
    `SELECT a.source, a.name, coalesce(a.title, a.name) AS title, a.export_id AS exportId, a.gone, a.unkept, a.listed,
            count(l.offset) AS files, coalesce(sum(l.size), 0) AS bytes,
            coalesce(sum(kept), 0) AS keptFiles, coalesce(sum(kept * l.size), 0) AS keptBytes
     FROM archive a LEFT JOIN (
       SELECT l.archive, l.offset, l.size,
              EXISTS (SELECT 1 FROM cached c JOIN file f ON f.ino = c.ino
                      WHERE c.ino = l.ino AND ${intact} AND f.size = l.size AND f.crc32 IS l.crc32)
              OR EXISTS (SELECT 1 FROM superseded s WHERE s.ino = l.ino AND s.size = l.size) AS kept
       FROM location l
     ) l ON l.archive = a.id
     WHERE a.remote GROUP BY a.id ORDER BY a.export_id, title, a.name`,
  ).all() as (Omit<RemoteArchive, 'gone' | 'unkept'> & {
    gone: number;
    unkept: number | null;
    listed: number | null;
  })[];
  return rows.map(({ gone, unkept, listed, ...row }) => ({
    ...row,
    gone: gone === 1,
    // What the scan listed and the index did not take (a filter) is kept by nobody either.
    unkept: unkept === null || listed === null ? undefined : unkept + Math.max(0, listed - row.files),
  }));
}

/** Whether everything in it is kept here, so that nothing would be lost with it. */
export const isDispensable = ({
  files,
  keptFiles,
  unkept,
  gone,
}: Pick<RemoteArchive, 'files' | 'keptFiles' | 'unkept' | 'gone'>): boolean =>
  !gone && unkept === 0 && files === keptFiles;

export function listArchives(index: Index): KnownArchive[] {
  return statement(
    index,
    `SELECT a.source, a.name, a.export_id AS exportId,
            (SELECT count(*) FROM location l WHERE l.archive = a.id
               AND NOT EXISTS (SELECT 1 FROM cached c WHERE c.ino = l.ino AND ${intact})) AS uncached
     FROM archive a ORDER BY a.export_id, a.name`,
  ).all() as KnownArchive[];
}

/**
 * Archives on disk that a source had and that are not among those `present` now, with how many files can't be had
 * because of that: neither are they in the cache nor anywhere else.
 */
export function listVanished(
  index: Index,
  source: string,
  present: readonly string[],
): { readonly name: string; readonly files: number }[] {
  return statement(
    index,
    `SELECT a.name, count(DISTINCT l.ino) AS files
     FROM archive a JOIN location l ON l.archive = a.id
     WHERE a.source = @source AND NOT a.remote AND a.name NOT IN (SELECT value FROM json_each(@present))
       AND NOT EXISTS (SELECT 1 FROM cached c WHERE c.ino = l.ino AND ${intact})
       AND NOT EXISTS (
         SELECT 1 FROM location o JOIN archive b ON b.id = o.archive
         WHERE o.ino = l.ino AND (b.source <> @source OR b.name IN (SELECT value FROM json_each(@present))))
     GROUP BY a.id ORDER BY a.name`,
  ).all({ source, present: JSON.stringify(present) }) as { name: string; files: number }[];
}
