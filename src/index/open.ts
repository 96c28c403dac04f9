/**
 * Opens the index: one SQLite database in WAL mode, so that readers (a mount) never wait for a writer (a sync) and
 * all processes of a home meet in it. This folder is the only one that knows SQLite.
 */
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import { addonError } from './addon-error.ts';
import { makeIndexFile } from './create.ts';
import { migrations } from './schema.ts';
import { flushRows, forgetRows, noRows, type Rows } from './waiting-rows.ts';
import { useWal } from './wal.ts';

/** An open index. Only modules of this folder look inside. */
export interface Index extends Rows {
  readonly path: string;
  /** Which file it has open (`fileAt`): at `path` there may be another one by now. */
  readonly file: string | undefined;
  /** Statements, prepared once each, by their SQL. */
  readonly statements: Map<string, Database.Statement>;
  /** The same for those that give rows as arrays. */
  readonly rawStatements: Map<string, Database.Statement>;
}

/**
 * How long a writer waits for another one, ms. Transactions are short (a page, a group of files), but a checkpoint
 * on a slow disk takes seconds; restic and SQLite's own advice start at 5 s.
 */
const busyTimeoutMs = 30_000;

/** Directories, root, years and albums, exist from the start; entry cookies start above FUSE's `.` and `..`. */
const firstEntry = 1000;
export const rootIno = 1;
export const yearsIno = 2;
export const albumsIno = 3;

/**
 * Opens or creates the index at `path`. `readonly` opens an existing one for reading only (the mount's worker).
 * @throws `index-newer` for a database of a newer gphotosfs, which is left untouched; `index-corrupt` for one that
 * is no database; `not-found` for a missing one with `readonly`.
 */
export function openIndex(path: string, options: { readonly readonly?: boolean } = {}): Index {
  const readonly = options.readonly ?? false;
  if (readonly && !existsSync(path)) {
    throw new GphotosfsError('not-found', `${path} does not exist`, { hint: 'Run "gphotosfs sync" first.' });
  }
  if (!readonly) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    if (!readonly) makeIndexFile(path);
    const file = fileAt(path);
    const db = new Database(path, { readonly, timeout: busyTimeoutMs, fileMustExist: true });
    try {
      refuseNewer(db, path);
      // Directory listings walk the table once; a map of it saves a copy of each page, 5 % of a walk. A writer has no use
      // for it. 64 MB are an index of 150,000 photos; with four times that, a mount of a million had 362 MB resident.
      if (readonly) db.pragma('mmap_size = 67108864');
      else prepareForWriting(db, path);
      return { path, file, db, statements: new Map(), rawStatements: new Map(), waiting: noRows() };
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw openError(error, path);
  }
}

/**
 * Device and inode number of what lies at `path`; undefined where there is nothing. As long as a file is open no other
 * one has its number.
 */
export function fileAt(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

/**
 * The same of a file that nobody here has open: with the time of its birth, for ext4 gives the number of a deleted file to
 * the next one. (Where the kernel doesn't tell that time it may be the ctime: then each write makes it another file.)
 */
export function unopenedFileAt(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
}

/**
 * Opens what lies at the index's path now, for all who hold this index. Nothing may be under way in it.
 * @param file opens only this one (`fileAt`), as another one may have come since it was looked at
 * @throws as `openIndex`, and `busy` for another file; then it stays as it was
 */
export function reopenIndex(index: Index, file?: string): void {
  const { path, db } = index;
  const isOther = () => file !== undefined && fileAt(path) !== file;
  const other = () => new GphotosfsError('busy', `${path} was replaced by another one`);
  if (isOther()) throw other();
  const opened = openIndex(path, { readonly: db.readonly });
  if (isOther()) {
    opened.db.close();
    throw other();
  }
  Object.assign(index, opened);
  // It finds out by itself that its file was replaced, and leaves alone what is beside the new one.
  db.close();
}

export function closeIndex(index: Index): void {
  index.db.close();
}

/** A prepared statement of this index, compiled at its first use; to be run at once. */
export function statement(index: Index, sql: string): Database.Statement {
  flushRows(index);
  let prepared = index.statements.get(sql);
  if (prepared === undefined) {
    prepared = prepare(index, sql);
    index.statements.set(sql, prepared);
  }
  return prepared;
}

/** The same, giving rows as arrays: half the cost of objects where many rows are read. */
export function rawStatement(index: Index, sql: string): Database.Statement {
  flushRows(index);
  let prepared = index.rawStatements.get(sql);
  if (prepared === undefined) {
    prepared = prepare(index, sql).raw(true);
    index.rawStatements.set(sql, prepared);
  }
  return prepared;
}

/** A damaged page shows when it is read, long after opening: whatever runs the statement is told which file it is, and what to do. */
function prepare({ db, path }: Index, sql: string): Database.Statement {
  const telling =
    <A extends unknown[], T>(work: (...args: A) => T) =>
    (...args: A): T => {
      try {
        return work(...args);
      } catch (error) {
        throw indexError(error, path);
      }
    };
  const prepared = telling(() => db.prepare(sql))();
  const { get, all, run } = prepared;
  return Object.assign(prepared, {
    get: telling(get.bind(prepared)),
    all: telling(all.bind(prepared)),
    run: telling(run.bind(prepared)),
  });
}

/** Runs `work` in one write transaction: all of it is stored, or, when it throws, nothing. */
export function transaction<T>(index: Index, work: () => T): T {
  // Those of a transaction around this one don't go when this one does.
  flushRows(index);
  try {
    return index.db
      .transaction(() => {
        const result = work();
        flushRows(index);
        return result;
      })
      .immediate();
  } catch (error) {
    forgetRows(index);
    throw indexError(error, index.path);
  }
}

/**
 * Runs `work`, which only reads, in one transaction: by itself each statement takes and gives back the locks of the file,
 * which is half of a short one's time.
 */
export function reading<T>(index: Index, work: () => T): T {
  if (index.db.inTransaction) return work();
  statement(index, 'BEGIN').run();
  try {
    return work();
  } finally {
    statement(index, 'COMMIT').run();
  }
}

function refuseNewer(db: Database.Database, path: string): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version <= migrations.length) return;
  throw new GphotosfsError('index-newer', `${path} was written by a newer gphotosfs (version ${version})`, {
    hint: 'Install the newer gphotosfs again. Nothing was changed.',
  });
}

function prepareForWriting(db: Database.Database, path: string): void {
  // NORMAL: a power loss may take back the last commits, never corrupt; the cache's journal has them.
  useWal(db);
  db.pragma('synchronous = NORMAL');
  db.pragma('cache_size = -24000');
  // Pages, 32 MB: a first sync writes the same pages of the indexes again and again, and each checkpoint waits for the disk.
  db.pragma('wal_autocheckpoint = 8000');
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    if (existsSync(file)) chmodSync(file, 0o600);
  }
  const versionOf = () => db.pragma('user_version', { simple: true }) as number;
  // Nothing to do, nothing to write: each write wakes the mounts.
  if (versionOf() === migrations.length) return;
  db.transaction(() => {
    const version = versionOf();
    for (const migration of migrations.slice(version)) db.exec(migration);
    if (version === 0) makeTopDirectories(db);
    db.pragma(`user_version = ${migrations.length}`);
  }).immediate();
}

function makeTopDirectories(db: Database.Database): void {
  const now = Math.floor(Date.now() / 1000);
  const inode = db.prepare(
    'INSERT INTO inode (ino, kind, size, mtime, ctime, nlink, parent, entry) VALUES (?, 1, 0, ?, ?, ?, ?, ?)',
  );
  const entry = db.prepare('INSERT INTO entry (parent, id, name, unique_key, ino) VALUES (?, ?, ?, ?, ?)');
  inode.run(rootIno, now, now, 4, rootIno, 0);
  inode.run(yearsIno, now, now, 2, rootIno, firstEntry);
  inode.run(albumsIno, now, now, 2, rootIno, firstEntry + 1);
  entry.run(rootIno, firstEntry, 'years', 'years', yearsIno);
  entry.run(rootIno, firstEntry + 1, 'albums', 'albums', albumsIno);
}

const makeAgain =
  'Move it away, with its -wal and -shm files, and run "gphotosfs sync --rebuild": it is made again from the cache, and cached photos stay where they are.';

/** What SQLite says of the file at `path`, in words for its owner; any other error is given back as it is. */
function indexError(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code === 'SQLITE_NOTADB' || code?.startsWith('SQLITE_CORRUPT')) {
    // SQLite says the same of a page that its disk cannot read (EIO, seen), once the file is open.
    const message = `${path} is damaged, or its disk cannot read it`;
    return new GphotosfsError('index-corrupt', message, { hint: makeAgain, cause: error });
  }
  if (code?.startsWith('SQLITE_IOERR')) {
    const message = `${path} cannot be read or written: its disk reports an error (${code})`;
    const hint = `Check the disk. If the index is damaged when the disk is right again: ${makeAgain}`;
    return new GphotosfsError('index-corrupt', message, { hint, cause: error });
  }
  if (code?.startsWith('SQLITE_FULL')) {
    const message = `${path} cannot be written: its disk is full`;
    const hint = 'Free some space there, and run the command again.';
    return new GphotosfsError('no-space', message, { hint, cause: error });
  }
  return error;
}

function openError(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code === 'SQLITE_CANTOPEN' || code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new GphotosfsError('no-permission', `cannot open ${path}`, {
      hint: 'Check that the folder exists and that you may write to it.',
      cause: error,
    });
  }
  return addonError(indexError(error, path));
}
