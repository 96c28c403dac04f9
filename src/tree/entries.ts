/**
 * Growing the tree: new directories, files and links get a name for ever and an inode number for ever.
 * A `Growth` is one transaction's work; `finish` settles what it means for the directories, and what it collected
 * for the journal must be on disk before the transaction commits.
 */
import { type JournalLines, journalLines } from '../cache/journal-lines.ts';
import type { Index } from '../index/open.ts';
import {
  type Attributes,
  addEntry,
  addInode,
  changeInode,
  findEntry,
  getInode,
  hasKey,
  nextCookie,
  nextIno,
  pathOf,
} from '../index/tree.ts';
import type { UnixSeconds } from '../model/words.ts';
import { addKey, beginKeys, type FreshKeys, hasFreshKey, noKeys } from './fresh-keys.ts';
import { giveName, uniqueKey } from './names.ts';

export interface Growth {
  readonly index: Index;
  /** The sync's time: ctime and mtime of what changes. */
  readonly now: UnixSeconds;
  readonly freshKeys: FreshKeys;
  /** For the journal. */
  readonly records: JournalLines;
  ino: number;
  cookie: number;
  /** Directories that got entries, with how many of them are directories. */
  readonly grown: Map<number, number>;
  /** Directories that were asked for by name, by parent and name. */
  readonly named: Map<string, number>;
  /** Paths of directories, by inode number. */
  readonly paths: Map<number, readonly string[]>;
}

/** A name that was given. */
export interface Given {
  readonly ino: number;
  readonly cookie: number;
  readonly name: string;
}

/**
 * Starts to grow the tree; call it inside a write transaction.
 * @param freshKeys of the transactions before, if this is one of several
 */
export function beginGrowth(index: Index, now: UnixSeconds, freshKeys: FreshKeys = noKeys()): Growth {
  return {
    index,
    now,
    freshKeys,
    records: journalLines(),
    ino: nextIno(index),
    cookie: nextCookie(index),
    grown: new Map(),
    named: new Map(),
    paths: new Map(),
  };
}

type NewInode = Pick<Attributes, 'kind' | 'size' | 'mtime' | 'ctime' | 'nlink'> & {
  readonly target?: string;
};

/** Gives a name in a directory to a new inode. `identity` makes the suffix when the name is taken. */
function grow(growth: Growth, parent: number, wanted: string, identity: string, inode: NewInode): Given {
  const ino = growth.ino++;
  const { cookie, name } = addName(growth, parent, wanted, identity, ino);
  const { kind, size, mtime, ctime, nlink, target } = inode;
  addInode(growth.index, { ino, kind, size, mtime, ctime, nlink, parent, cookie, target });
  if (kind !== 'directory') return { ino, cookie, name };
  growth.grown.set(parent, (growth.grown.get(parent) ?? 0) + 1);
  beginKeys(growth.freshKeys, ino);
  return { ino, cookie, name };
}

function addName(growth: Growth, parent: number, wanted: string, identity: string, ino: number) {
  let key = '';
  const name = giveName(wanted, identity, (wantedKey) => {
    key = wantedKey;
    return isTaken(growth, parent, key);
  });
  const cookie = growth.cookie++;
  addEntry(growth.index, { parent, cookie, name, key, ino });
  addKey(growth.freshKeys, parent, key);
  if (!growth.grown.has(parent)) growth.grown.set(parent, 0);
  return { cookie, name };
}

const isTaken = ({ index, freshKeys }: Growth, parent: number, key: string): boolean =>
  hasFreshKey(freshKeys, parent, key) ?? hasKey(index, parent, key);

function recordInode(growth: Growth, { ino, cookie, name }: Given, parent: number, inode: NewInode): void {
  const { kind, size, mtime, ctime, target } = inode;
  growth.records.push({ type: 'inode', ino, kind, parent, cookie, name, size, mtime, ctime, target });
}

export function addDirectory(growth: Growth, parent: number, wanted: string, identity: string): Given {
  const inode = { kind: 'directory', size: 0, mtime: growth.now, ctime: growth.now, nlink: 2 } as const;
  const given = grow(growth, parent, wanted, identity, inode);
  recordInode(growth, given, parent, inode);
  return given;
}

/** The directory with just this name, made if need be: for names that we choose ourselves (years, months). */
export function directoryNamed(growth: Growth, parent: number, name: string): number {
  const key = `${parent}/${name}`;
  let ino = growth.named.get(key);
  if (ino === undefined) {
    const attributes = findEntry(growth.index, parent, uniqueKey(name))?.attributes;
    // A photo without a date may be called "05" in a year's folder, and keeps its name.
    if (attributes !== undefined && attributes.kind !== 'directory')
      ino = directoryNamed(growth, parent, `_${name}`);
    else ino = attributes?.ino ?? addDirectory(growth, parent, name, name).ino;
    growth.named.set(key, ino);
  }
  return ino;
}

/** Gives a name to a new file's inode; what tells the journal of it is the caller's, who knows what file it is. */
export function addFileEntry(
  growth: Growth,
  parent: number,
  wanted: string,
  identity: string,
  file: { readonly size: number; readonly mtime: UnixSeconds },
): Given {
  const { size, mtime } = file;
  return grow(growth, parent, wanted, identity, { kind: 'file', size, mtime, ctime: mtime, nlink: 1 });
}

export function addSymlink(
  growth: Growth,
  parent: number,
  wanted: string,
  identity: string,
  link: { readonly target: string; readonly mtime: UnixSeconds },
): Given {
  const size = Buffer.byteLength(link.target);
  const { target, mtime } = link;
  const inode = { kind: 'symlink', size, mtime, ctime: mtime, nlink: 1, target } as const;
  const given = grow(growth, parent, wanted, identity, inode);
  recordInode(growth, given, parent, inode);
  return given;
}

/** Gives a file a further name: a hard link. */
export function addHardLink(
  growth: Growth,
  parent: number,
  wanted: string,
  identity: string,
  ino: number,
): Given {
  const { cookie, name } = addName(growth, parent, wanted, identity, ino);
  growth.records.push({ type: 'entry', ino, parent, cookie, name });
  const inode = getInode(growth.index, ino);
  if (inode !== undefined) changeAttributes(growth, { ...inode, nlink: inode.nlink + 1, ctime: growth.now });
  return { ino, cookie, name };
}

/** Changes what an inode shows, for mounts and for the journal. */
export function changeAttributes(growth: Growth, { kind: _, ...inode }: Attributes): void {
  changeInode(growth.index, inode);
  growth.records.push({ type: 'attributes', ...inode });
}

/** Settles the directories: mtime is when the newest entry came, nlink counts subdirectories. */
export function finishGrowth(growth: Growth): JournalLines {
  for (const [ino, directories] of growth.grown) {
    const inode = getInode(growth.index, ino);
    if (inode === undefined) continue;
    const nlink = inode.nlink + directories;
    changeAttributes(growth, { ...inode, nlink, mtime: growth.now, ctime: growth.now });
  }
  return growth.records;
}

/** The path of a directory from the root, as names. */
export function directoryPath(growth: Growth, ino: number): readonly string[] {
  let path = growth.paths.get(ino);
  if (path === undefined) {
    path = pathOf(growth.index, ino) ?? [];
    growth.paths.set(ino, path);
  }
  return path;
}
