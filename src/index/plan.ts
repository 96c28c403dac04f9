/** What a prefetch has to do: which files are selected, which of them are not in the cache, and where they lie. */
import { type Filter, nothing } from '../model/filter.ts';
import { videoExtensions } from '../model/media-kind.ts';
import { type CacheStat, intact } from './cached.ts';
import { albumsIno, type Index, rawStatement, yearsIno } from './open.ts';

/** Years by the names of their directories, albums by title or directory. */
export type Selection = Filter;

/** The inode numbers of the directories `years/NAME`, with their months; the names are a JSON list. */
const yearDirectories = (names: string) => `
  SELECT e.ino FROM entry e WHERE e.parent = ${yearsIno} AND e.name IN (SELECT value FROM json_each(${names}))
  UNION ALL
  SELECT m.ino FROM entry e JOIN entry m ON m.parent = e.ino JOIN inode i ON i.ino = m.ino
  WHERE e.parent = ${yearsIno} AND i.kind = 1 AND e.name IN (SELECT value FROM json_each(${names}))`;

/** The members of albums, which are named by their directory or by title, and the sidecars of these (role 3). */
const albumFiles = (names: string) => `
  WITH member AS (
    SELECT m.ino FROM membership m WHERE m.album IN (
      SELECT a.id FROM album a JOIN inode d ON d.ino = a.directory JOIN entry e ON e.parent = d.parent AND e.id = d.entry
      WHERE e.name IN (SELECT value FROM json_each(${names})) OR a.title IN (SELECT value FROM json_each(${names}))))
  SELECT ino FROM member
  UNION ALL
  SELECT s.ino FROM member m JOIN inode i ON i.ino = m.ino JOIN entry e ON e.parent = i.parent AND e.id = i.entry
    JOIN file f ON f.ino = m.ino JOIN file s ON s.item = f.item AND s.role = 3 AND s.name = e.name || '.xmp'`;

/** As model/media-kind.ts tells it: role 2 is the clip of a live photo, 3 a sidecar. */
const kindOfFile = `
  CASE WHEN f.role = 2 THEN 'motion'
       WHEN EXISTS (SELECT 1 FROM json_each(?7) x WHERE f.name LIKE '%.' || x.value || CASE f.role WHEN 3 THEN '.xmp' ELSE '' END) THEN 'video'
       ELSE 'photo' END`;

const isIn = (names: string) => `IN (SELECT value FROM json_each(${names}))`;

const selected = `
  FROM file f JOIN inode i ON i.ino = f.ino
  WHERE ((?1 = '[]' AND ?2 = '[]')
      OR (?1 <> '[]' AND i.parent IN (${yearDirectories('?1')}))
      OR (?2 <> '[]' AND f.ino IN (${albumFiles('?2')})))
    AND (?3 = '[]' OR ${kindOfFile} ${isIn('?3')})
    AND (?4 = '[]' OR i.parent NOT IN (${yearDirectories('?4')}))
    AND (?5 = '[]' OR f.ino NOT IN (${albumFiles('?5')}))
    AND (?6 = '[]' OR NOT ${kindOfFile} ${isIn('?6')})`;

/** SQLite's numbered parameters are bound by their number: better-sqlite3 takes them for names. */
function parameters({ only, skip }: Selection): Record<number, string> {
  const lists = [only.years, only.albums, only.kinds, skip.years, skip.albums, skip.kinds, videoExtensions];
  return Object.fromEntries(lists.map((list, at) => [at + 1, JSON.stringify(list)]));
}

/** Newer bytes of a file that some source can give: they are what is wanted of it. */
export const obtainable = `
  SELECT r.ino, r.size FROM revision r
  WHERE EXISTS (SELECT 1 FROM location l
                WHERE l.ino = r.ino AND l.size = r.size AND coalesce(l.crc32 = r.crc32, 1))`;

export interface SelectedTotals {
  readonly files: number;
  readonly bytes: number;
  readonly cachedFiles: number;
  readonly cachedBytes: number;
}

/** Counts what is selected and what of it is in the cache with its newest bytes. */
export function countSelected(index: Index, selection: Selection): SelectedTotals {
  const row = rawStatement(
    index,
    `SELECT count(*), coalesce(sum(f.size), 0), coalesce(sum(cached), 0), coalesce(sum(cached * f.size), 0)
     FROM (SELECT f.size,
             EXISTS (SELECT 1 FROM cached c WHERE c.ino = f.ino AND ${intact})
             AND f.ino NOT IN (SELECT ino FROM (${obtainable})) AS cached ${selected}) f`,
  ).get(parameters(selection)) as number[];
  const [files = 0, bytes = 0, cachedFiles = 0, cachedBytes = 0] = row;
  return { files, bytes, cachedFiles, cachedBytes };
}

/** A file to fetch, and the place that is cheapest to take it from. */
export interface MissingFile {
  readonly ino: number;
  readonly size: number;
  /** undefined where no source has it. */
  readonly source: string | undefined;
  readonly archive: string | undefined;
  readonly sequential: boolean;
  /** The archive is reached over a network: its files are wanted together. */
  readonly remote: boolean;
}

/** Files (`ino`, `size`) with their cheapest places, in the order of these: archive by archive, ascending. */
const placed = (files: string) => `
  SELECT w.ino, w.size, a.source, a.name, a.sequential, a.remote
  FROM (
    SELECT f.ino, f.size,
      (SELECT l.archive FROM location l JOIN archive a ON a.id = l.archive
       WHERE l.ino = f.ino AND l.size = f.size
       ORDER BY a.remote, a.sequential, a.export_time DESC, l.archive, l.offset LIMIT 1) AS archive
    FROM (${files}) f
  ) w
  LEFT JOIN archive a ON a.id = w.archive
  LEFT JOIN location l ON l.archive = w.archive AND l.ino = w.ino
  GROUP BY w.ino ORDER BY a.id, min(l.offset)`;

function missingOf(row: readonly unknown[]): MissingFile {
  return {
    ino: row[0] as number,
    size: row[1] as number,
    source: (row[2] as string | null) ?? undefined,
    archive: (row[3] as string | null) ?? undefined,
    sequential: row[4] === 1,
    remote: row[5] === 1,
  };
}

/** Selected files whose newest bytes are not in the cache, in the order of their places. */
export function listMissing(index: Index, selection: Selection): MissingFile[] {
  const missing = `
    SELECT f.ino, coalesce(r.size, f.size) AS size
    FROM (SELECT f.ino, f.size ${selected}) f LEFT JOIN (${obtainable}) r ON r.ino = f.ino
    WHERE r.ino IS NOT NULL OR NOT EXISTS (SELECT 1 FROM cached c WHERE c.ino = f.ino AND ${intact})`;
  const rows = rawStatement(index, placed(missing)).all(parameters(selection)) as unknown[][];
  return rows.map(missingOf);
}

/** The same of given files, cached or not. */
export function listPlaces(index: Index, inos: readonly number[]): MissingFile[] {
  if (inos.length === 0) return [];
  const given = 'SELECT f.ino, f.size FROM file f WHERE f.ino IN (SELECT value FROM json_each(?))';
  const rows = rawStatement(index, placed(given)).all(JSON.stringify(inos)) as unknown[][];
  return rows.map(missingOf);
}

/** A file that the index takes for cached. */
export interface RecordedFile {
  readonly ino: number;
  /** Its directory. */
  readonly parent: number;
  readonly name: string;
  readonly recorded: CacheStat;
}

/** Selected files whose newest bytes the index takes for cached, directory by directory. */
export function listRecorded(index: Index, selection: Selection): RecordedFile[] {
  const rows = rawStatement(
    index,
    `SELECT f.ino, f.parent, e.name, c.size, c.mtime_ms, c.ctime_ms, c.cache_ino
     FROM (SELECT f.ino, i.parent, i.entry ${selected}) f
     JOIN cached c ON c.ino = f.ino JOIN entry e ON e.parent = f.parent AND e.id = f.entry
     WHERE ${intact} AND f.ino NOT IN (SELECT ino FROM (${obtainable})) ORDER BY f.parent`,
  ).all(parameters(selection)) as unknown[][];
  return rows.map((row) => ({
    ino: row[0] as number,
    parent: row[1] as number,
    name: row[2] as string,
    recorded: {
      size: row[3] as number,
      mtimeMs: row[4] as number,
      ctimeMs: row[5] as number,
      cacheIno: row[6] as number,
    },
  }));
}

/** Which of the wanted years and albums do not exist. What is to be skipped need not be there. */
export function unknownSelection(index: Index, { only }: Selection): Selection {
  const missing = (sql: string, names: readonly string[]) =>
    names.filter((name) => rawStatement(index, sql).get({ name }) === undefined);
  const years = missing(`SELECT 1 FROM entry WHERE parent = ${yearsIno} AND name = @name`, only.years);
  const albums = missing(
    `SELECT 1 FROM entry WHERE parent = ${albumsIno} AND name = @name
     UNION ALL SELECT 1 FROM album WHERE title = @name`,
    only.albums,
  );
  return { only: { years, albums, kinds: [] }, skip: nothing };
}

/** Cached files whose time became final after they were cached. A second's difference is a coarse file system's. */
export function listUnsettled(index: Index): number[] {
  const rows = rawStatement(
    index,
    `SELECT c.ino FROM cached c JOIN inode i ON i.ino = c.ino WHERE abs(c.mtime_ms - i.mtime * 1000.0) > 2000`,
  ).all() as unknown[][];
  return rows.map((row) => row[0] as number);
}

/** Cached files that are in albums. */
export function listCachedMembers(index: Index): number[] {
  const rows = rawStatement(
    index,
    'SELECT DISTINCT m.ino FROM membership m JOIN cached c ON c.ino = m.ino',
  ).all() as unknown[][];
  return rows.map((row) => row[0] as number);
}
