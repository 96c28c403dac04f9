/**
 * The file system as plain functions over the index and the cache: no FUSE in here, so it is tested unmounted.
 * Nothing here waits on a network or writes. Drivers translate what it gives to their protocol.
 */
import { statfsSync } from 'node:fs';
import { createCachedFiles } from '../cache/cached-file.ts';
import { closeDirectory, openRoot } from '../cache/directories.ts';
import { wantedContent } from '../fetch/locate.ts';
import { getCached } from '../index/cached.ts';
import { getFile } from '../index/items.ts';
import { hasLocation } from '../index/locations.ts';
import { closeIndex, openIndex, reopenIndex } from '../index/open.ts';
import {
  type Attributes,
  type DirectoryEntry,
  findEntry,
  getInode,
  listEntries,
  parentOf,
  readTarget,
} from '../index/tree.ts';
import { GphotosfsError } from '../model/errors.ts';
import { uniqueKey } from '../tree/names.ts';
import type { OpenedFile } from './driver.ts';
import { createExtendedAttributes } from './xattr.ts';

export interface StatFs {
  /** Bytes. */
  readonly blockSize: number;
  readonly blocks: number;
  readonly blocksFree: number;
  readonly files: number;
}

export interface Filesystem {
  /** The entry `name` of directory `parent`, or undefined where there is none. Names agree byte for byte. */
  lookup(parent: number, name: string): Attributes | undefined;
  getattr(ino: number): Attributes | undefined;
  /** Up to `limit` entries whose cookie is greater than `after` (0 for all), in cookie order; without `.` and `..`. */
  readdir(ino: number, after: number, limit: number): DirectoryEntry[];
  /** The inode number of the directory that holds `ino` (the root for the root). */
  parentOf(ino: number): number;
  /** A symlink's target. Throws `not-found` where `ino` is none. */
  readlink(ino: number): string;
  /** Names of the extended attributes, `user.gphotosfs.…`. */
  listxattr(ino: number): string[];
  getxattr(ino: number, name: string): Buffer | undefined;
  /**
   * Opens a file for reading. With bytes in the cache that are as recorded: a descriptor, the caller's to close.
   * Otherwise, where a source may give them, or what lies in the cache may turn out to be right: no descriptor. Throws
   * `unavailable` where none is so, `not-found` for no file.
   */
  open(ino: number): OpenedFile;
  statfs(): StatFs;
  /** Opens the index that lies at its path now, if it is `file`. @throws as `reopenIndex`; then all stays as it was */
  reopen(file: string): void;
  close(): void;
}

/** Opens the file system of a home: its index, for reading only, and its cache. */
export function openFilesystem(indexPath: string, cachePath: string): Filesystem {
  const index = openIndex(indexPath, { readonly: true });
  const root = openRoot(cachePath);
  const cached = createCachedFiles(index, root);
  const attributes = createExtendedAttributes(index);
  return {
    lookup(parent, name) {
      const entry = findEntry(index, parent, uniqueKey(name));
      return entry?.name === name ? entry.attributes : undefined;
    },
    getattr: (ino) => getInode(index, ino),
    readdir: (ino, after, limit) => listEntries(index, ino, after, limit),
    parentOf: (ino) => parentOf(index, ino),
    readlink(ino) {
      const target = readTarget(index, ino);
      if (target === undefined) throw new GphotosfsError('not-found', `inode ${ino} is no symlink`);
      return target;
    },
    listxattr: attributes.list,
    getxattr: attributes.get,
    open(ino) {
      const opened = cached.openSized(ino);
      if (opened !== undefined) return opened;
      const file = getFile(index, ino);
      if (file === undefined) throw new GphotosfsError('not-found', `inode ${ino} is no file`);
      // One with a record may be right with other times than recorded, as a copied cache has them: the fetcher looks.
      if (!hasLocation(index, ino) && getCached(index, ino) === undefined) {
        throw new GphotosfsError(
          'unavailable',
          `"${file.name}" is in no source any more, and not in the cache`,
          {
            hint: 'Add the archive it came from again, then run "gphotosfs sync".',
          },
        );
      }
      const wanted = wantedContent(index, ino, false);
      // What is shown can't always be had; then these bytes come instead.
      const { size, crc32 } = wanted.size === file.size ? wanted : file;
      return { fd: undefined, size, content: { size, crc32 } };
    },
    statfs() {
      const stats = statfsSync(cachePath);
      return {
        blockSize: stats.bsize,
        blocks: stats.blocks,
        blocksFree: stats.bavail,
        files: stats.files,
      };
    },
    reopen(file) {
      reopenIndex(index, file);
      cached.close();
    },
    close() {
      cached.close();
      closeDirectory(root);
      closeIndex(index);
    },
  };
}
