/**
 * Album links in the cache: a file that is there stands in its albums too, as a relative symlink or, with
 * `albums: hardlink`, as a second name. A link appears with its file, so that none ever dangles.
 *
 * A link that can't be made is no reason to keep a photo out: completing the cache tries again, and says why not.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, lutimesSync, renameSync, symlinkSync } from 'node:fs';
import { type AlbumEntry, albumEntriesOf } from '../index/albums.ts';
import { listSuperseded } from '../index/cached.ts';
import { albumsIno, type Index } from '../index/open.ts';
import { getInode, pathOf } from '../index/tree.ts';
import { errorCode } from '../model/errors.ts';
import type { Cache } from './cache.ts';
import { cacheError } from './cache-error.ts';
import { closeDirectory, type Directory, openDirectory, publicMode } from './directories.ts';

export interface Linked {
  /** The file itself got a name: its link count and ctime are others now. */
  readonly named: boolean;
  /** Links that could not be made, by path in the tree. */
  readonly failures: ReadonlyMap<string, unknown>;
}

/** Makes the links of one cached file; those that are there stay. */
export function linkAlbums(index: Index, cache: Cache, ino: number): Linked {
  const entries = albumEntriesOf(index, ino);
  const failures = new Map<string, unknown>();
  let named = false;
  const albums = entries.length === 0 ? [] : (pathOf(index, albumsIno) ?? []);
  for (const entry of entries) {
    try {
      const names = [...albums, entry.directoryName];
      const directory = openDirectory(cache.root, names, { create: publicMode });
      try {
        if (entry.target === undefined) named = makeHardLink(index, cache, ino, directory, entry) || named;
        else makeSymlink(index, ino, `${directory.path}/${entry.name}`, entry.target);
      } finally {
        closeDirectory(directory);
      }
    } catch (error) {
      const path = [...albums, entry.directoryName, entry.name].join('/');
      failures.set(path, cacheError(error, `"${path}" cannot be linked in the cache`));
    }
  }
  return { named, failures };
}

/** File systems without links (exFAT, some shares): the album is missing there, the photo isn't. */
const noLinks: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK']);

/** Something else under the name stays as it is: it isn't ours to remove, and `verify` tells of it. */
function makeSymlink(index: Index, ino: number, path: string, target: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST' || noLinks.has(code)) return;
    throw error;
  }
  const mtime = getInode(index, ino)?.mtime;
  if (mtime !== undefined) lutimesSync(path, new Date(), new Date(mtime * 1000));
}

/** A second name of the same file; one that a revision left behind at the old bytes moves to the new ones. */
function makeHardLink(index: Index, cache: Cache, ino: number, album: Directory, entry: AlbumEntry): boolean {
  const names = pathOf(index, ino);
  if (names === undefined) return false;
  const path = `${album.path}/${entry.name}`;
  const directory = openDirectory(cache.root, names.slice(0, -1));
  try {
    const file = `${directory.path}/${names.at(-1)}`;
    try {
      linkSync(file, path);
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (noLinks.has(code)) return false;
      if (code !== 'EEXIST') throw error;
    }
    const present = lstatSync(path).ino;
    if (present === lstatSync(file).ino || !isOurFormer(index, cache, ino, present)) return false;
    const temporary = `${cache.partial.path}/link.${randomBytes(6).toString('hex')}`;
    linkSync(file, temporary);
    renameSync(temporary, path);
    return true;
  } finally {
    closeDirectory(directory);
  }
}

/** Whether this inode of the cache's file system is one of the file's former revisions. */
function isOurFormer(index: Index, cache: Cache, ino: number, present: number): boolean {
  return listSuperseded(index, ino).some(({ path }) => {
    try {
      return lstatSync(`${cache.superseded.path}/${path}`).ino === present;
    } catch {
      return false;
    }
  });
}
