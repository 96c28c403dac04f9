/**
 * Opening a cached file: only if it is what was recorded when its bytes were last known to be right. Size, times and
 * inode number together change with every write, replacement or copy, so comparing them costs one fstat a read
 * session; bits that rot silently are `verify`'s to find.
 */
import { closeSync, lstatSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { CachedPlace, CacheStat } from '../index/cached.ts';
import type { Index } from '../index/open.ts';
import { pathOf } from '../index/tree.ts';
import type { Content } from '../model/words.ts';
import { sameStat, statOf } from './cache-stat.ts';
import { closeDirectory, type Directory, openDirectory, openRegular } from './directories.ts';
import { createNextPlaces } from './next-places.ts';

export { sameStat, statOf } from './cache-stat.ts';

/** The cache's files, for reading. */
export interface CachedFiles {
  /**
   * A descriptor of the cached file of `ino`; undefined where it isn't cached, or where what lies there isn't what
   * was recorded. The caller closes it.
   */
  open(ino: number): number | undefined;
  /** The same, with the file's size, its bytes, and what else it was compared with, all of one moment. */
  openSized(ino: number): OpenedCacheFile | undefined;
  /** Lets go of all that is held: at the end, or where another index took the place of this one. */
  close(): void;
}

export interface OpenedCacheFile {
  readonly fd: number;
  readonly size: number;
  readonly recorded: CacheStat;
  /** Which bytes it shows. */
  readonly content: Content;
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
  const places = createNextPlaces(index);
  const directories = new LRUCache<number, Directory>({
    max: openDirectories,
    dispose: (directory) => closeDirectory(directory),
  });

  function directoryOf(ino: number): Directory {
    let directory = directories.get(ino);
    if (directory === undefined) {
      directory = openDirectory(root, pathOf(index, ino) ?? []);
      directories.set(ino, directory);
    }
    return directory;
  }

  /** Opens what lies at a place, if it is as recorded. */
  function openAt({ parent, name, recorded, content }: CachedPlace): OpenedCacheFile | undefined {
    // A held directory may have been moved away or replaced since: then once more from the root.
    for (const held of directories.has(parent) ? [true, false] : [false]) {
      if (!held) directories.delete(parent);
      try {
        const { fd, stats } = openRegular(directoryOf(parent), name);
        if (sameStat(statOf(stats), recorded)) return { fd, size: recorded.size, recorded, content };
        closeSync(fd);
      } catch {
        // Missing, a link, unreadable: not the recorded file. Whoever fetches it again says so.
      }
    }
    return undefined;
  }

  function openSized(ino: number): OpenedCacheFile | undefined {
    const place = places.get(ino);
    const opened = place && openAt(place);
    if (place === undefined || opened !== undefined) return opened;
    const now = places.getNow(ino);
    return now && !sameStat(now.recorded, place.recorded) ? openAt(now) : undefined;
  }

  return {
    open: (ino) => openSized(ino)?.fd,
    openSized,
    close() {
      places.clear();
      directories.clear();
    },
  };
}
