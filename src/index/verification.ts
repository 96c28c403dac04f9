/** What `verify` asks of the index and notes in it: which files to look at, how far it is, which bytes proved wrong. */
import { type CachedRow, intact, noInode } from './cached.ts';
import { type Index, rawStatement, statement, transaction } from './open.ts';
import { getSetting, putSetting } from './settings.ts';
import { noteChange } from './tree.ts';

/** A cached file with what was recorded of it. */
export interface RecordedRow extends CachedRow {
  readonly ino: number;
}

const columns = 'ino, size, mtime_ms, ctime_ms, cache_ino, sha256';

function recordedOf(row: readonly unknown[]): RecordedRow {
  return {
    ino: row[0] as number,
    size: row[1] as number,
    mtimeMs: row[2] as number,
    ctimeMs: row[3] as number,
    cacheIno: row[4] as number,
    sha256: row[5] as Buffer,
  };
}

/** Up to `limit` cached files with an inode number greater than `after`, in the order of these. */
export function cachedAfter(index: Index, after: number, limit: number): RecordedRow[] {
  const rows = rawStatement(index, `SELECT ${columns} FROM cached WHERE ino > ? ORDER BY ino LIMIT ?`);
  return (rows.all(after, limit) as unknown[][]).map(recordedOf);
}

/** So many cached files by lot, another lot each time. */
export function sampleCached(index: Index, count: number): RecordedRow[] {
  const rows = rawStatement(
    index,
    `SELECT ${columns} FROM cached WHERE ino IN (SELECT ino FROM cached ORDER BY random() LIMIT ?) ORDER BY ino`,
  );
  return (rows.all(count) as unknown[][]).map(recordedOf);
}

/** These of the cached files. */
export function cachedAmong(index: Index, inos: readonly number[]): RecordedRow[] {
  const rows = rawStatement(
    index,
    `SELECT ${columns} FROM cached WHERE ino IN (SELECT value FROM json_each(?)) ORDER BY ino`,
  );
  return (rows.all(JSON.stringify(inos)) as unknown[][]).map(recordedOf);
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
