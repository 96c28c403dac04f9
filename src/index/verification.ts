/** What `verify` asks of the index and notes in it: which files to look at, how far it is, which bytes proved wrong. */
import { type CacheStat, intact, noInode } from './cached.ts';
import { type Index, rawStatement, statement, transaction } from './open.ts';
import { getSetting, putSetting } from './settings.ts';
import { noteChange, pathOf } from './tree.ts';

/** A cached file: where it lies, and what was recorded of it. */
export interface RecordedFile extends CacheStat {
  readonly ino: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Names from the root, with `/` between them. */
  readonly directory: string;
  readonly name: string;
}

const select = `SELECT c.ino, c.size, c.mtime_ms, c.ctime_ms, c.cache_ino, lower(hex(c.sha256)), e.name, i.parent
  FROM cached c JOIN inode i ON i.ino = c.ino JOIN entry e ON e.parent = i.parent AND e.id = i.entry`;

function filesOf(index: Index, rows: unknown[]): RecordedFile[] {
  // Neighbours lie in the same few directories.
  const directories = new Map<number, string>();
  const directoryOf = (ino: number): string => {
    let path = directories.get(ino);
    if (path === undefined) {
      path = pathOf(index, ino)?.join('/') ?? '';
      directories.set(ino, path);
    }
    return path;
  };
  return (rows as unknown[][]).map((row) => ({
    ino: row[0] as number,
    size: row[1] as number,
    mtimeMs: row[2] as number,
    ctimeMs: row[3] as number,
    cacheIno: row[4] as number,
    sha256: row[5] as string,
    name: row[6] as string,
    directory: directoryOf(row[7] as number),
  }));
}

/** Up to `limit` cached files with an inode number greater than `after`, in the order of these. */
export function cachedAfter(index: Index, after: number, limit: number): RecordedFile[] {
  const rows = rawStatement(index, `${select} WHERE c.ino > ? ORDER BY c.ino LIMIT ?`);
  return filesOf(index, rows.all(after, limit));
}

/** So many cached files by lot, another lot each time. */
export function sampleCached(index: Index, count: number): RecordedFile[] {
  const chosen = 'SELECT ino FROM cached ORDER BY random() LIMIT ?';
  return filesOf(
    index,
    rawStatement(index, `${select} WHERE c.ino IN (${chosen}) ORDER BY c.ino`).all(count),
  );
}

/** These of the cached files. */
export function cachedAmong(index: Index, inos: readonly number[]): RecordedFile[] {
  const rows = rawStatement(
    index,
    `${select} WHERE c.ino IN (SELECT value FROM json_each(?)) ORDER BY c.ino`,
  );
  return filesOf(index, rows.all(JSON.stringify(inos)));
}

/** How many cached files there are after an inode number, and their bytes. */
export function countCachedAfter(index: Index, after: number): { files: number; bytes: number } {
  const row = rawStatement(index, 'SELECT count(*), coalesce(sum(size), 0) FROM cached WHERE ino > ?').get(
    after,
  ) as number[];
  return { files: row[0] ?? 0, bytes: row[1] ?? 0 };
}

/**
 * What lies under a file's name proved other than `sha256`, or nothing does. From here on its record fits no file, so
 * that every reader takes it for a miss; the hash stays, and by it right bytes are known again.
 * @returns whether the record was still this one
 */
export function markDamaged(index: Index, ino: number, sha256: Buffer): boolean {
  return transaction(index, () => {
    const marked = statement(
      index,
      `UPDATE cached AS c SET cache_ino = ${noInode} WHERE ino = ? AND sha256 = ? AND ${intact}`,
    ).run(ino, sha256).changes;
    // What the kernel holds of it may be wrong as well.
    if (marked > 0) noteChange(index, ino);
    return marked > 0;
  });
}

/** How far a run that was stopped had come. */
export interface VerifyCursor {
  /** All cached files up to this inode number have been looked at. */
  readonly after: number;
  readonly files: number;
  readonly bytes: number;
  /** Inode numbers of what was wrong among them. */
  readonly wrong: readonly number[];
}

const cursorKey = 'verifyCursor';

/** Where the last run stopped; undefined when it went through to its end. */
export function readVerifyCursor(index: Index): VerifyCursor | undefined {
  const text = getSetting(index, cursorKey);
  return text === undefined || text === '' ? undefined : (JSON.parse(text) as VerifyCursor);
}

/** Notes how far a run is; undefined: it is through. */
export function saveVerifyCursor(index: Index, cursor: VerifyCursor | undefined): void {
  const text = cursor === undefined ? '' : JSON.stringify(cursor);
  if ((getSetting(index, cursorKey) ?? '') !== text) putSetting(index, cursorKey, text);
}

/** Files that the index doesn't take for cached, by inode number. */
export function uncachedFiles(index: Index): number[] {
  const rows = rawStatement(
    index,
    'SELECT f.ino FROM file f WHERE NOT EXISTS (SELECT 1 FROM cached c WHERE c.ino = f.ino) ORDER BY f.ino',
  ).all() as unknown[][];
  return rows.map((row) => row[0] as number);
}
