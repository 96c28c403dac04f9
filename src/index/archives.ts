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

export function listArchives(index: Index): KnownArchive[] {
  return statement(
    index,
    `SELECT a.source, a.name, a.export_id AS exportId,
            (SELECT count(*) FROM location l WHERE l.archive = a.id
               AND NOT EXISTS (SELECT 1 FROM cached c WHERE c.ino = l.ino AND ${intact})) AS uncached
     FROM archive a ORDER BY a.export_id, a.name`,
  ).all() as KnownArchive[];
}
