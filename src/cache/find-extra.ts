/**
 * Walks the cache's directories for what doesn't belong there: names that the tree hasn't, and other things in place
 * of album folders and links. It only looks.
 */
import { type Dirent, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { getCached } from '../index/cached.ts';
import { albumsIno, type Index, rootIno } from '../index/open.ts';
import { type DirectoryEntry, listEntries, parentOf, readTarget } from '../index/tree.ts';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import { privateName } from './binding.ts';
import type { Cache } from './cache.ts';
import { closeDirectory, type Directory, openDirectory } from './directories.ts';
import { kindName } from './inspect.ts';

/** Something in the cache that is no cached file. */
export interface Stray {
  /** In the cache; a directory's ends in `/`. */
  readonly path: string;
  readonly problem: 'extra' | 'replaced' | 'unreadable';
  readonly detail: string;
}

/** What a file system makes for itself in its topmost directory. */
const ofTheFileSystem: ReadonlySet<string> = new Set(['lost+found']);

/** Names looked at in one go: a few milliseconds. */
const atOnce = 256;

/** Everything in the cache that isn't of the tree; now and then undefined, when whoever asks may let others have a turn. */
export function* findExtra(index: Index, cache: Cache): Generator<Stray | undefined> {
  yield* walk({ index, root: cache.root }, rootIno, []);
}

interface Walk {
  readonly index: Index;
  readonly root: Directory;
}

/** @param ino the directory's inode number; undefined for one that the tree hasn't */
function* walk(
  walked: Walk,
  ino: number | undefined,
  names: readonly string[],
): Generator<Stray | undefined> {
  const directory = tryOpen(walked.root, names);
  // Missing or replaced: its files are, and that is told of each of them.
  if (directory === undefined) return;
  const path = names.map((name) => `${name}/`).join('');
  try {
    if (directory instanceof Error) return yield unreadable(path, directory);
    const entries = ino === undefined ? new Map() : entriesOf(walked.index, ino);
    const present = look(path, () => readdirSync(directory.path, { withFileTypes: true }));
    // What else is wrong is told all the same.
    if (!Array.isArray(present)) return yield present;
    if (ino === undefined && present.length === 0) {
      yield { path, problem: 'extra', detail: 'a directory that gphotosfs did not make' };
    }
    for (const [at, one] of present.entries()) {
      if (at % atOnce === 0) yield undefined;
      const isOwn = ino === rootIno && (one.name === privateName || ofTheFileSystem.has(one.name));
      if (!isOwn) yield* judge(walked, directory, one, entries.get(one.name.normalize('NFC')), names, ino);
    }
  } finally {
    if (!(directory instanceof Error)) closeDirectory(directory);
  }
}

function* judge(
  walked: Walk,
  directory: Directory,
  present: Dirent,
  entry: DirectoryEntry | undefined,
  names: readonly string[],
  parent: number | undefined,
): Generator<Stray | undefined> {
  const below = [...names, present.name];
  const path = below.join('/');
  if (entry === undefined) {
    if (present.isDirectory()) yield* walk(walked, undefined, below);
    else yield { path, problem: 'extra', detail: `${kindName(present)} that gphotosfs did not put there` };
    return;
  }
  const { kind, ino, nlink } = entry.attributes;
  const replaced: Stray = { path, problem: 'replaced', detail: `${kindName(present)} is in its place` };
  if (kind === 'directory') {
    if (present.isDirectory()) yield* walk(walked, ino, below);
    // Of years and months the files in them tell.
    else if (parent === albumsIno) yield replaced;
  } else if (kind === 'symlink') {
    if (!present.isSymbolicLink()) yield replaced;
    else {
      const target = look(path, () => readlinkSync(`${directory.path}/${present.name}`));
      if (typeof target === 'object') yield target;
      else if (target !== undefined && target !== readTarget(walked.index, ino))
        yield { path, problem: 'replaced', detail: 'the link leads elsewhere' };
    }
  } else if (nlink > 1 && parentOf(walked.index, ino) !== parent) {
    const recorded = getCached(walked.index, ino)?.cacheIno;
    const isKnown = recorded !== undefined && recorded >= 0;
    const number = look(path, () => lstatSync(`${directory.path}/${present.name}`).ino);
    if (!present.isFile()) yield replaced;
    else if (typeof number === 'object') yield number;
    else if (isKnown && number !== undefined && number !== recorded)
      yield { path, problem: 'replaced', detail: 'it is no link to its photo' };
  }
}

/** What is there, or that it can't be read; undefined where it has gone since its directory was listed. */
function look<T>(path: string, work: () => T): T | Stray | undefined {
  try {
    return work();
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? undefined : unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): Stray {
  return { path, problem: 'unreadable', detail: `it can't be read (${errorCode(error) ?? error})` };
}

/** What is in a directory of the tree, by name. */
function entriesOf(index: Index, ino: number): Map<string, DirectoryEntry> {
  const entries = new Map<string, DirectoryEntry>();
  for (let after = 0; ; ) {
    const batch = listEntries(index, ino, after, 1000);
    for (const entry of batch) entries.set(entry.name, entry);
    const last = batch.at(-1);
    if (last === undefined) return entries;
    after = last.cookie;
  }
}

function tryOpen(root: Directory, names: readonly string[]): Directory | Error | undefined {
  try {
    return openDirectory(root, names);
  } catch (error) {
    if (error instanceof GphotosfsError) return undefined;
    return error instanceof Error ? error : new Error(String(error));
  }
}
