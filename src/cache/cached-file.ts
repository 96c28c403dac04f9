/**
 * Opening a cached file: only if it is what was recorded when its bytes were last known to be right. Size, times and
 * inode number together change with every write, replacement or copy, so comparing them costs one fstat a read
 * session; bits that rot silently are `verify`'s to find.
 */
import { closeSync, lstatSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { type CacheStat, getCached } from '../index/cached.ts';
import type { Index } from '../index/open.ts';
import { pathOf } from '../index/tree.ts';
import { sameStat, statOf } from './cache-stat.ts';
import { closeDirectory, type Directory, openDirectory, openRegular } from './directories.ts';

export { sameStat, statOf } from './cache-stat.ts';

/** The cache's files, for reading. */
export interface CachedFiles {
  /**
   * A descriptor of the cached file of `ino`; undefined where it isn't cached, or where what lies there isn't what
   * was recorded. The caller closes it.
   */
  open(ino: number): number | undefined;
  /** The same, with the file's size, bytes, and what else it was compared with. */
  openSized(ino: number): OpenedCacheFile | undefined;
  close(): void;
}

export interface OpenedCacheFile {
  readonly fd: number;
  readonly size: number;
  readonly recorded: CacheStat;
}

/** Whether what has this name looks as it did when its bytes were known to be right. */
export function isAsRecorded(directory: Directory, name: string, recorded: CacheStat): boolean {
  try {
    const stats = lstatSync(`${directory.path}/${name}`);
    return stats.isFile() && sameStat(statOf(stats), recorded);
  } catch {
    return false;
  }
}

/** Years and months, hardly ever more than a hundred; each held descriptor saves two opens per file. */
const openDirectories = 64;

export function createCachedFiles(index: Index, root: Directory): CachedFiles {
  const directories = new LRUCache<string, Directory>({
    max: openDirectories,
    dispose: (directory) => closeDirectory(directory),
  });

  function directoryOf(names: readonly string[]): Directory {
    const key = names.join('/');
    let directory = directories.get(key);
    if (directory === undefined) {
      directory = openDirectory(root, names);
      directories.set(key, directory);
    }
    return directory;
  }

  function openRecorded(names: readonly string[], recorded: CacheStat): number | undefined {
    const { fd, stats } = openRegular(directoryOf(names.slice(0, -1)), names.at(-1) ?? '');
    if (sameStat(statOf(stats), recorded)) return fd;
    closeSync(fd);
    return undefined;
  }

  function openSized(ino: number): OpenedCacheFile | undefined {
    const recorded = getCached(index, ino);
    const names = recorded === undefined ? undefined : pathOf(index, ino);
    if (recorded === undefined || names === undefined) return undefined;
    const key = names.slice(0, -1).join('/');
    // A held directory may have been moved away or replaced since: then once more from the root.
    for (const held of directories.has(key) ? [true, false] : [false]) {
      if (!held) directories.delete(key);
      try {
        const fd = openRecorded(names, recorded);
        if (fd !== undefined) return { fd, size: recorded.size, recorded };
      } catch {
        // Missing, a link, unreadable: not the recorded file. Whoever fetches it again says so.
      }
    }
    return undefined;
  }

  return {
    open: (ino) => openSized(ino)?.fd,
    openSized,
    close: () => directories.clear(),
  };
}
