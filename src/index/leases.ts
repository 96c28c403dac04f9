/**
 * Leases: who, of all processes of a home, is doing a thing right now (fetching a file, syncing).
 *
 * They live in a database of their own beside the index, so that heartbeats wake no mount that watches the index,
 * and need not survive a power loss. A lease whose owner died is anyone's to take.
 */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { errorCode } from '../model/errors.ts';
import { isRunning, thisProcess } from './process-identity.ts';
import { useWal } from './wal.ts';

/** How often an owner says that it lives, and after how long without a word it counts as dead elsewhere, ms. */
const heartbeatMs = 15_000;
const deadAfterMs = 60_000;
/** Doubts are of interest to readers that were there; so long after, all of them have looked, ms. */
const doubtsKeptMs = 24 * 3600 * 1000;

/** A lease held by some process. */
export interface Lease {
  readonly pid: number;
  /** How many bytes of `partial` others may read. */
  readonly prefix: number;
  /** The file that its owner writes; empty where there is none. */
  readonly partial: string;
}

/**
 * What became of a partial file that others read from: its owner still writes it; its owner died, and nobody has gone on
 * with it or begun anew so far; all of it proved right; or it never did.
 */
export type Fate = 'underway' | 'left' | 'verified' | 'doubtful';

/** Looks at what a dead owner has left; undefined where there is nothing to go on with. */
export type GoOn = (left: Lease) => { readonly name: string; readonly prefix: number } | undefined;

/** Leases of one thing that is done, and whether its partial file proved right. */
export interface EndedLease {
  readonly keys: readonly string[];
  readonly verified: boolean;
}

export interface Leases {
  /**
   * Takes all of these leases (undefined), or none and tells who has one of them. `partial` is the file that is going to be
   * written; but what a dead owner of the first lease has left may be gone on with: `goOn` is asked, and where it gives that
   * file's name, others may read `prefix` bytes of it as before. @throws where the disk is full
   */
  acquire(keys: string | readonly string[], partial?: string, goOn?: GoOn): Lease | undefined;
  /** Who has it, if its owner is alive. */
  holder(key: string): Lease | undefined;
  /** Tells others how far the work is. */
  beat(key: string, prefix: number): void;
  /** Gives them back. `verified` is whether the partial file proved right. */
  release(keys: string | readonly string[], verified?: boolean): void;
  /** The same of several, together: a transaction for each of a group was a tenth of the main thread's work. */
  releaseAll(ended: readonly EndedLease[]): void;
  fate(key: string, partial: string): Fate;
  /** The partial files of owners that are alive. */
  livePartials(): Set<string>;
  close(): void;
}

/** A lease as it is stored. */
export interface LeaseRow {
  readonly host: string;
  readonly pid: number;
  readonly started: string;
  readonly heartbeat: number;
  readonly prefix: number;
  readonly partial: string;
}

/** Whether the lease's owner is alive. */
export const isLive = (row: LeaseRow): boolean =>
  isRunning(row) ?? Math.abs(Date.now() - row.heartbeat) < deadAfterMs;

const schema = `
  CREATE TABLE IF NOT EXISTS lease (
    key TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL,
    heartbeat INTEGER NOT NULL, prefix INTEGER NOT NULL, partial TEXT NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS doubt (partial TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID, STRICT;`;

/** Opens the leases of a home. */
export function openLeases(home: string): Leases {
  const db = openDatabase(join(home, 'leases.db'));
  const me = thisProcess();
  const columns = 'host, pid, started, heartbeat, prefix, partial';
  const mine = 'host = ? AND pid = ? AND started = ?';
  const owner = [me.host, me.pid, me.started] as const;
  const get = db.prepare(`SELECT ${columns} FROM lease WHERE key = ?`);
  const getMine = db.prepare(`SELECT ${columns} FROM lease WHERE key = ? AND ${mine}`);
  const put = db.prepare(`INSERT OR REPLACE INTO lease (key, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const progress = db.prepare(`UPDATE lease SET heartbeat = ?, prefix = ? WHERE key = ? AND ${mine}`);
  const drop = db.prepare(`DELETE FROM lease WHERE key = ? AND ${mine}`);
  const heartbeat = db.prepare(`UPDATE lease SET heartbeat = ? WHERE ${mine}`);
  const all = db.prepare(`SELECT ${columns} FROM lease WHERE partial <> ''`);
  const doubt = db.prepare('INSERT OR IGNORE INTO doubt (partial, at) VALUES (?, ?)');
  const isDoubted = db.prepare('SELECT 1 FROM doubt WHERE partial = ?');
  let held = 0;
  /** What could not be given back, for the disk was full. */
  const owed: EndedLease[] = [];
  let timer: NodeJS.Timeout | undefined;

  const rowOf = (key: string) => get.get(key) as LeaseRow | undefined;
  const keysOf = (keys: string | readonly string[]) => (typeof keys === 'string' ? [keys] : keys);
  const doubtIfRead = (row: LeaseRow | undefined) => {
    if (row !== undefined && row.prefix > 0) doubt.run(row.partial, Date.now());
  };

  const acquire = db.transaction((keys: readonly string[], own: string, goOn: GoOn | undefined) => {
    const rows = keys.map(rowOf);
    const taken = rows.find((row) => row !== undefined && isLive(row));
    if (taken !== undefined) return taken;
    const [left] = rows;
    const gone = left === undefined || left.partial === '' ? undefined : goOn?.(left);
    const { name, prefix } = gone ?? { name: own, prefix: 0 };
    for (const row of rows) if (row?.partial !== name) doubtIfRead(row);
    for (const key of keys) put.run(key, ...owner, Date.now(), prefix, name);
    return undefined;
  });
  const remove = db.transaction((ended: readonly EndedLease[]): void => {
    for (const { keys, verified } of ended) {
      for (const key of keys) {
        if (!verified) doubtIfRead(getMine.get(key, ...owner) as LeaseRow | undefined);
        drop.run(key, ...owner);
      }
    }
  });
  const giveBack = (): void => {
    if (owed.length === 0) return;
    remove.immediate(owed);
    owed.length = 0;
  };
  const releaseAll = (ended: readonly EndedLease[]): void => {
    held -= ended.length;
    owed.push(...ended);
    whereRoom(giveBack);
  };
  return {
    acquire(keys, partial = '', goOn = undefined) {
      giveBack();
      const other: Lease | undefined = acquire.immediate(keysOf(keys), partial, goOn);
      if (other !== undefined) return other;
      held += 1;
      timer ??= setInterval(() => {
        whereRoom(giveBack);
        if (held > 0) whereRoom(() => heartbeat.run(Date.now(), ...owner));
      }, heartbeatMs).unref();
      return undefined;
    },
    holder(key) {
      const row = rowOf(key);
      return row !== undefined && isLive(row) ? row : undefined;
    },
    beat: (key, prefix) => whereRoom(() => progress.run(Date.now(), prefix, key, ...owner)),
    release: (keys, verified = true) => releaseAll([{ keys: keysOf(keys), verified }]),
    releaseAll,
    fate(key, partial) {
      const row = rowOf(key);
      if (row?.partial === partial) return isLive(row) ? 'underway' : 'left';
      return isDoubted.get(partial) === undefined ? 'verified' : 'doubtful';
    },
    livePartials: () => new Set((all.all() as LeaseRow[]).filter(isLive).map((row) => row.partial)),
    close() {
      clearInterval(timer);
      db.close();
    },
  };
}

/** Does what a full disk may put off: others wait longer, or read less, and nothing else. */
function whereRoom(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errorCode(error) !== 'SQLITE_FULL') throw error;
  }
}

function openDatabase(path: string): Database.Database {
  const db = new Database(path, { timeout: 30_000 });
  try {
    chmodSync(path, 0o600);
    useWal(db);
    db.pragma('synchronous = OFF');
    db.transaction(() => {
      db.exec(schema);
      db.prepare('DELETE FROM doubt WHERE at < ?').run(Date.now() - doubtsKeptMs);
    }).immediate();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
