/**
 * Growing the tree: new directories, files and links get a name for ever and an inode number for ever.
 * A `Growth` is one transaction's work; `finish` settles what it means for the directories, and what it collected
 * for the journal must be on disk before the transaction commits.
 */
import type { JournalRecord } from '../cache/journal.ts';
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
  pathOf,
} from '../index/tree.ts';
import type { UnixSeconds } from '../model/words.ts';
import { giveName, uniqueKey } from './names.ts';

export interface Growth {
  readonly index: Index;
  /** The sync's time: ctime and mtime of what changes. */
  readonly now: UnixSeconds;
  readonly records: JournalRecord[];
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

/** Starts to grow the tree; call it inside a write transaction. */
export function beginGrowth(index: Index, now: UnixSeconds): Growth {
  return {
    index,
    now,
    records: [],
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
  const name = giveName(wanted, identity, (key) => hasKey(growth.index, parent, key));
  const cookie = growth.cookie++;
  const { kind, size, mtime, ctime, nlink, target } = inode;
  const ino = addInode(growth.index, { kind, size, mtime, ctime, nlink, parent, cookie, target });
  addEntry(growth.index, { parent, cookie, name, key: uniqueKey(name), ino });
  growth.grown.set(parent, (growth.grown.get(parent) ?? 0) + (kind === 'directory' ? 1 : 0));
  growth.records.push({ type: 'inode', ino, kind, parent, cookie, name, size, mtime, ctime, target });
  return { ino, cookie, name };
}

export function addDirectory(growth: Growth, parent: number, wanted: string, identity: string): Given {
  const inode = { kind: 'directory', size: 0, mtime: growth.now, ctime: growth.now, nlink: 2 } as const;
  return grow(growth, parent, wanted, identity, inode);
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
  return grow(growth, parent, wanted, identity, {
    kind: 'symlink',
    size,
    mtime,
    ctime: mtime,
    nlink: 1,
    target,
  });
}

/** Gives a file a further name: a hard link. */
export function addHardLink(
  growth: Growth,
  parent: number,
  wanted: string,
  identity: string,
  ino: number,
): Given {
  const name = giveName(wanted, identity, (key) => hasKey(growth.index, parent, key));
  const cookie = growth.cookie++;
  addEntry(growth.index, { parent, cookie, name, key: uniqueKey(name), ino });
  growth.grown.set(parent, growth.grown.get(parent) ?? 0);
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
export function finishGrowth(growth: Growth): readonly JournalRecord[] {
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
