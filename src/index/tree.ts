/** Directories and entries: what a listing, a look-up and a path ask of the index, and how they come into it. */
import type { UnixSeconds } from '../model/words.ts';
import { type Index, rawStatement, rootIno, statement } from './open.ts';
import { addRow } from './waiting-rows.ts';

/** Kinds of inodes as stored. */
export const inodeKinds = ['file', 'directory', 'symlink'] as const;
export type InodeKind = (typeof inodeKinds)[number];

/** An inode's attributes, as a mount shows them. */
export interface Attributes {
  readonly ino: number;
  readonly kind: InodeKind;
  /** Bytes; exact. */
  readonly size: number;
  readonly mtime: UnixSeconds;
  readonly ctime: UnixSeconds;
  readonly nlink: number;
}

/** A name in a directory. Cookies ascend within a directory and stay valid for ever. */
export interface DirectoryEntry {
  readonly name: string;
  readonly cookie: number;
  readonly attributes: Attributes;
}

const attributeColumns = 'i.ino, i.kind, i.size, i.mtime, i.ctime, i.nlink';

function attributesOf(row: readonly unknown[]): Attributes {
  return {
    ino: row[0] as number,
    kind: inodeKinds[row[1] as number] ?? 'file',
    size: row[2] as number,
    mtime: row[3] as number,
    ctime: row[4] as number,
    nlink: row[5] as number,
  };
}

export function getInode(index: Index, ino: number): Attributes | undefined {
  const row = rawStatement(index, `SELECT ${attributeColumns} FROM inode i WHERE i.ino = ?`).get(ino);
  return row === undefined ? undefined : attributesOf(row as unknown[]);
}

/** The entry whose unique key is `key`, whatever its exact name. */
export function findEntry(index: Index, parent: number, key: string): DirectoryEntry | undefined {
  const row = rawStatement(
    index,
    `SELECT ${attributeColumns}, e.name, e.id FROM entry e JOIN inode i ON i.ino = e.ino
     WHERE e.parent = ? AND e.unique_key = ?`,
  ).get(parent, key) as unknown[] | undefined;
  if (row === undefined) return undefined;
  return { name: row[6] as string, cookie: row[7] as number, attributes: attributesOf(row) };
}

/** Inode numbers of the directories in a directory. */
export function directoriesIn(index: Index, parent: number): number[] {
  const rows = rawStatement(
    index,
    'SELECT ino FROM inode WHERE kind = 1 AND ino IN (SELECT ino FROM entry WHERE parent = ?)',
  ).all(parent) as unknown[][];
  return rows.map(([ino]) => ino as number);
}

/** Up to `limit` entries of a directory with a cookie greater than `after`, in cookie order. */
export function listEntries(index: Index, parent: number, after: number, limit: number): DirectoryEntry[] {
  const rows = rawStatement(
    index,
    `SELECT ${attributeColumns}, e.name, e.id FROM entry e JOIN inode i ON i.ino = e.ino
     WHERE e.parent = ? AND e.id > ? ORDER BY e.id LIMIT ?`,
  ).all(parent, after, limit) as unknown[][];
  return rows.map((row) => ({
    name: row[6] as string,
    cookie: row[7] as number,
    attributes: attributesOf(row),
  }));
}

export function readTarget(index: Index, ino: number): string | undefined {
  const row = rawStatement(index, 'SELECT target FROM inode WHERE ino = ?').get(ino) as unknown[] | undefined;
  return (row?.[0] as string | null | undefined) ?? undefined;
}

/** The directory of an inode's first entry; the root's is the root. */
export function parentOf(index: Index, ino: number): number {
  const row = rawStatement(index, 'SELECT parent FROM inode WHERE ino = ?').get(ino) as unknown[] | undefined;
  return (row?.[0] as number | undefined) ?? rootIno;
}

/** The names that lead from the root to an inode's first entry; empty for the root, undefined for none such. */
export function pathOf(index: Index, ino: number): string[] | undefined {
  const names: string[] = [];
  for (let at = ino; at !== rootIno; ) {
    const row = rawStatement(
      index,
      `SELECT e.name, i.parent FROM inode i JOIN entry e ON e.parent = i.parent AND e.id = i.entry WHERE i.ino = ?`,
    ).get(at) as unknown[] | undefined;
    if (row === undefined) return undefined;
    names.unshift(row[0] as string);
    at = row[1] as number;
  }
  return names;
}

export function hasKey(index: Index, parent: number, key: string): boolean {
  return (
    rawStatement(index, 'SELECT 1 FROM entry WHERE parent = ? AND unique_key = ?').get(parent, key) !==
    undefined
  );
}

/** The cookie that the next entry gets. Call inside the transaction that adds it. */
export function nextCookie(index: Index): number {
  const row = rawStatement(index, 'SELECT max(id) FROM entry').get() as unknown[];
  return (row[0] as number) + 1;
}

/** The number that the next inode gets: none is used twice. Call inside the transaction that adds it. */
export function nextIno(index: Index): number {
  const row = rawStatement(index, "SELECT seq FROM sqlite_sequence WHERE name = 'inode'").get() as unknown[];
  return (row[0] as number) + 1;
}

/** Adds an inode; `parent` and `cookie` are those of its first entry. */
export function addInode(
  index: Index,
  inode: Attributes & {
    readonly parent: number;
    readonly cookie: number;
    readonly target?: string | undefined;
  },
): void {
  const { ino, kind, size, mtime, ctime, nlink, parent, cookie, target } = inode;
  const into = 'inode (ino, kind, size, mtime, ctime, nlink, parent, entry, target)';
  const stored = inodeKinds.indexOf(kind);
  addRow(index, into, ino, stored, size, mtime, ctime, nlink, parent, cookie, target ?? null);
}

export function addEntry(
  index: Index,
  {
    parent,
    cookie,
    name,
    key,
    ino,
  }: { parent: number; cookie: number; name: string; key: string; ino: number },
): void {
  addRow(index, 'entry (parent, id, name, unique_key, ino)', parent, cookie, name, key, ino);
}

/** Changes an inode's attributes and notes it for mounts that have told them to the kernel. */
export function changeInode(index: Index, inode: Omit<Attributes, 'kind'>): void {
  statement(index, 'UPDATE inode SET size = ?, mtime = ?, ctime = ?, nlink = ? WHERE ino = ?').run(
    inode.size,
    inode.mtime,
    inode.ctime,
    inode.nlink,
    inode.ino,
  );
  noteChange(index, inode.ino);
}

export function noteChange(index: Index, ino: number): void {
  statement(index, 'INSERT INTO change (ino) VALUES (?)').run(ino);
}

/** How far a reader has followed the tree's changes. */
export interface ChangeMark {
  readonly entry: number;
  readonly change: number;
}

/** @param schema the index itself, or the one that is attached to it under this name */
export function changeMark(index: Index, schema: 'main' | 'fresh' = 'main'): ChangeMark {
  const entry = rawStatement(index, `SELECT max(id) FROM ${schema}.entry`).get() as unknown[];
  const change = rawStatement(index, `SELECT max(seq) FROM ${schema}.change`).get() as unknown[];
  return { entry: (entry[0] as number | null) ?? 0, change: (change[0] as number | null) ?? 0 };
}

/** What changed in the tree since someone last looked. */
export interface TreeChange {
  /** Inodes whose attributes, content or (for a directory) listing changed. */
  readonly inodes: readonly number[];
  /** Names that came, or went. */
  readonly entries: readonly { readonly parent: number; readonly name: string }[];
}

/** The names that came and the inodes that changed after `mark`. */
export function changesSince(index: Index, mark: ChangeMark): TreeChange & { readonly mark: ChangeMark } {
  return index.db.transaction(() => {
    const entries = statement(index, 'SELECT parent, name FROM entry WHERE id > ? ORDER BY id').all(
      mark.entry,
    );
    const inodes = rawStatement(index, 'SELECT DISTINCT ino FROM change WHERE seq > ?').all(mark.change);
    return {
      entries: entries as { parent: number; name: string }[],
      inodes: (inodes as unknown[][]).map((row) => row[0] as number),
      mark: changeMark(index),
    };
  })();
}
