/**
 * Restoring the library from the journal's records. They are staged in temporary tables, where of several records of
 * one thing the last one holds, and then merged (`restore-merge.ts`).
 */
import type { Content, Role, UnixSeconds } from '../model/words.ts';
import { roles } from './items.ts';
import { type Index, transaction } from './open.ts';
import { mergeStaged, type Restored } from './restore-merge.ts';
import { type Attributes, type InodeKind, inodeKinds } from './tree.ts';

/** A cached file by its record, with where it lies. */
export interface KnownFile {
  readonly ino: number;
  readonly size: number;
  readonly sha256: Buffer;
  /** Inode number of its directory. */
  readonly parent: number;
  readonly name: string;
  readonly mtime: UnixSeconds;
}

/** Takes records, then merges them. */
export interface Restoring {
  /** Runs `work`, which hands in some records: together they are stored in a fraction of the time. */
  together<T>(work: () => T): T;
  inode(inode: {
    ino: number;
    kind: InodeKind;
    parent: number;
    cookie: number;
    target?: string | undefined;
  }): void;
  attributes(attributes: Omit<Attributes, 'kind'>): void;
  /** @param key `uniqueKey` of the name */
  entry(entry: { parent: number; cookie: number; name: string; key: string; ino: number }): void;
  file(file: Content & { ino: number; item: number; role: Role; name: string }): void;
  /** @param description as JSON; undefined when empty */
  item(item: {
    id: number;
    account: string;
    photoId: string | undefined;
    title: string;
    takenAt: UnixSeconds | undefined;
    provisional: boolean;
    factsTime: UnixSeconds;
    description: string | undefined;
  }): void;
  album(album: {
    directory: number;
    account: string;
    folder: string;
    title: string;
    date: number | null;
  }): void;
  member(member: { ino: number; directory: number; cookie: number }): void;
  place(
    place: Content & {
      ino: number;
      exportId: string;
      exportTime: UnixSeconds;
      offset: number;
      address: string;
    },
  ): void;
  correction(correction: { ino: number; was: number }): void;
  cached(cached: { ino: number; size: number; sha256: Buffer }): void;
  superseded(superseded: { ino: number; sha256: Buffer; size: number; path: string }): void;
  merge(): Restored;
  /**
   * Cached files by their records, of those that the index has now and has no such record of. One whose length isn't the
   * file's is of other bytes than it shows; what lies there is known again by its CRC-32.
   */
  cachedFiles(): KnownFile[];
  close(): void;
}

const tables: Readonly<Record<string, string>> = {
  r_inode: 'ino INTEGER PRIMARY KEY, kind INTEGER, parent INTEGER, entry INTEGER, target TEXT',
  r_attributes: 'ino INTEGER PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER, nlink INTEGER',
  r_entry: 'parent INTEGER, id INTEGER PRIMARY KEY, name TEXT, unique_key TEXT, ino INTEGER',
  r_file: 'ino INTEGER PRIMARY KEY, item INTEGER, role INTEGER, name TEXT, size INTEGER, crc32 INTEGER',
  r_item:
    'id INTEGER PRIMARY KEY, account TEXT, photo_id TEXT, title TEXT, taken_at INTEGER, provisional INTEGER, facts_time INTEGER, description TEXT',
  r_album: 'directory INTEGER PRIMARY KEY, account TEXT, folder TEXT, title TEXT, date INTEGER',
  r_member: 'ino INTEGER, directory INTEGER, entry INTEGER, PRIMARY KEY (ino, directory)',
  r_place:
    'ino INTEGER, export_id TEXT, export_time INTEGER, offset INTEGER, address TEXT, size INTEGER, crc32 INTEGER, PRIMARY KEY (ino, export_id, offset, address)',
  r_correction: 'ino INTEGER PRIMARY KEY, was INTEGER',
  r_cached: 'ino INTEGER PRIMARY KEY, size INTEGER, sha256 BLOB',
  r_superseded: 'ino INTEGER, sha256 BLOB, size INTEGER, path TEXT, PRIMARY KEY (ino, sha256)',
};

/** Starts to take records. `close` it in any case. */
export function beginRestore(index: Index): Restoring {
  const { db } = index;
  drop(index);
  for (const [name, columns] of Object.entries(tables)) db.exec(`CREATE TEMP TABLE ${name} (${columns})`);
  const put = Object.fromEntries(
    Object.entries(tables).map(([name, columns]) => {
      const marks = columns
        .replace(/, PRIMARY KEY \(.*\)$/, '')
        .split(', ')
        .map(() => '?');
      return [name, db.prepare(`INSERT OR REPLACE INTO temp.${name} VALUES (${marks.join(', ')})`)];
    }),
  );
  const insert = (table: keyof typeof tables, ...values: unknown[]) => void put[table]?.run(...values);
  return {
    // Temporary tables are of this connection only: a transaction of theirs keeps nobody waiting.
    together: (work) => db.transaction(work).deferred(),
    inode: ({ ino, kind, parent, cookie, target }) =>
      insert('r_inode', ino, inodeKinds.indexOf(kind), parent, cookie, target ?? null),
    attributes: ({ ino, size, mtime, ctime, nlink }) =>
      insert('r_attributes', ino, size, mtime, ctime, nlink),
    entry: ({ parent, cookie, name, key, ino }) => insert('r_entry', parent, cookie, name, key, ino),
    file: ({ ino, item, role, name, size, crc32 }) =>
      insert('r_file', ino, item, roles.indexOf(role), name, size, crc32 ?? null),
    item: ({ id, account, photoId, title, takenAt, provisional, factsTime, description }) =>
      insert(
        'r_item',
        id,
        account,
        photoId ?? null,
        title,
        takenAt ?? null,
        provisional ? 1 : 0,
        factsTime,
        description ?? null,
      ),
    album: ({ directory, account, folder, title, date }) =>
      insert('r_album', directory, account, folder, title, date),
    member: ({ ino, directory, cookie }) => insert('r_member', ino, directory, cookie),
    place: ({ ino, exportId, exportTime, offset, address, size, crc32 }) =>
      insert('r_place', ino, exportId, exportTime, offset, address, size, crc32 ?? null),
    correction: ({ ino, was }) => insert('r_correction', ino, was),
    cached: ({ ino, size, sha256 }) => insert('r_cached', ino, size, sha256),
    superseded: ({ ino, sha256, size, path }) => insert('r_superseded', ino, sha256, size, path),
    merge: () => transaction(index, () => mergeStaged(index)),
    cachedFiles() {
      return db
        .prepare(
          `SELECT r.ino, r.size, r.sha256, i.parent, e.name, i.mtime FROM temp.r_cached r
           JOIN file f ON f.ino = r.ino AND f.size = r.size JOIN inode i ON i.ino = r.ino
           JOIN entry e ON e.parent = i.parent AND e.id = i.entry
           WHERE NOT EXISTS (SELECT 1 FROM cached c WHERE c.ino = r.ino AND c.sha256 = r.sha256) ORDER BY r.ino`,
        )
        .all() as KnownFile[];
    },
    close: () => drop(index),
  };
}

function drop({ db }: Index): void {
  for (const name of Object.keys(tables)) db.exec(`DROP TABLE IF EXISTS temp.${name}`);
}
