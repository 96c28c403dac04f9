/**
 * Which way an open file is read. A cached file that nobody has open is shown to the kernel, which then reads it by
 * itself (passthrough), or, if it is small, put into the kernel's page cache at once; everything else is read through
 * this process and kept in the kernel's page cache.
 *
 * The kernel allows one of these per inode at a time, and one backing file: an open that differs from those before it
 * ends in EIO (measured on Linux 6.18). So the first open of an inode settles the way until the last one is
 * released. An open that must get other bytes than that way gives (a revision was published, a cache file was found
 * wrong) joins it by its flags, and adds DIRECT_IO, which is stronger: its reads come here and leave no pages.
 * A release is counted when the kernel tells of it, which it does after it has left the way itself; so this count is
 * never below the kernel's.
 */
import { sameContent } from '../../model/content.ts';
import type { Attributes, OpenedFile } from '../driver.ts';
import type { BackingFiles } from './backing-files.ts';
import { addToBoard, type Board } from './board.ts';
import { createKeptPages } from './kept-pages.ts';
import { openFlag } from './protocol.ts';
import { isSmall } from './stored-pages.ts';

/** How an open is answered. */
export interface Way {
  /** Of the answer to OPEN. */
  readonly flags: number;
  readonly backingId: number;
  /** The kernel reads the file by itself: no READ will come. */
  readonly byKernel: boolean;
  /**
   * What the kernel has in its page cache is to be kept; or it has nothing, as it never opened the file, which is to be filled
   * now if the file is small; or it is to be dropped with the attributes, as it may be of former bytes.
   */
  readonly pages: 'keep' | 'none' | 'fill' | 'drop';
}

export interface OpenWays {
  /** Settles the way for one more open of `ino`, to be given back by `release`. */
  open(ino: number, file: OpenedFile): Way;
  /**
   * Gives back: whether the kernel has to forget the file's size (see `shown`).
   * @param changed whether the kernel was told of any change since that open: pages read after that may be of former bytes
   */
  release(ino: number, changed: boolean): boolean;
  /**
   * The attributes to tell the kernel. While a file is open with former bytes, it is not shown shorter than these: reads
   * through the page cache end where the kernel takes the end to be, and a reader of the former bytes would miss the rest
   * without an error.
   */
  shown(attributes: Attributes): Attributes;
}

/** An inode that is open. */
interface OpenInode {
  opens: number;
  /** What its first open was given. */
  readonly file: OpenedFile;
  /** The number by which the kernel knows the file that it reads by itself; 0 where reads come here. */
  readonly backingId: number;
  /** Since then it was opened with other bytes, or something changed: pages that the earlier ones leave may be old. */
  outdated: boolean;
  /** It was shown longer than it is. */
  keptSize: boolean;
}

/** @param backingFiles undefined where the kernel has no passthrough */
export function createOpenWays(board: Board, backingFiles: BackingFiles | undefined): OpenWays {
  const inodes = new Map<number, OpenInode>();
  const kept = createKeptPages();

  function firstOpen(file: OpenedFile): OpenInode {
    const backingId = (file.fd === undefined || isSmall(file) ? undefined : backingFiles?.add(file.fd)) ?? 0;
    if (backingId !== 0) addToBoard(board, 'backingFiles', 1);
    return { opens: 0, file, backingId, outdated: false, keptSize: false };
  }

  function hasBytesOf(inode: OpenInode, { recorded, content }: OpenedFile): boolean {
    const first = inode.file;
    // The first one is held open, so its number on the cache's file system is no other file's.
    if (recorded !== undefined && first.recorded !== undefined)
      return recorded.cacheIno === first.recorded.cacheIno;
    // Only what is fetched through the page cache may go on as a cached file there, and the other way round.
    return inode.backingId === 0 && sameContent(content, first.content);
  }

  function pagesOf(ino: number, file: OpenedFile): Way['pages'] {
    const ofWhich = kept.opened(ino, file);
    if (ofWhich === 'none') return isSmall(file) ? 'fill' : 'none';
    return ofWhich === 'others' ? 'drop' : 'keep';
  }

  return {
    open(ino, file) {
      let inode = inodes.get(ino);
      if (inode === undefined) {
        inode = firstOpen(file);
        inodes.set(ino, inode);
      }
      inode.opens++;
      const { backingId } = inode;
      const way = backingId === 0 ? 0 : openFlag.passthrough;
      if (!hasBytesOf(inode, file)) {
        inode.outdated = true;
        addToBoard(board, 'directOpens', 1);
        const flags = way | openFlag.directIo | openFlag.noFlush;
        return { flags, backingId, byKernel: false, pages: 'keep' };
      }
      if (backingId !== 0) {
        addToBoard(board, 'kernelOpens', 1);
        return { flags: way, backingId, byKernel: true, pages: 'keep' };
      }
      addToBoard(board, 'pagedOpens', 1);
      // A read that finds its cache file too short says so itself, so a close need not ask.
      const pages = inode.opens > 1 ? 'keep' : pagesOf(ino, file);
      const flags = openFlag.noFlush | (pages === 'drop' ? 0 : openFlag.keepCache);
      return { flags, backingId, byKernel: false, pages };
    },
    release(ino, changed) {
      const inode = inodes.get(ino);
      if (inode === undefined) return false;
      if (changed) inode.outdated = true;
      if (--inode.opens > 0) return false;
      inodes.delete(ino);
      if (inode.backingId === 0) {
        if (inode.outdated) kept.doubt(ino);
        return inode.keptSize;
      }
      backingFiles?.remove(inode.backingId);
      addToBoard(board, 'backingFiles', -1);
      return false;
    },
    shown(attributes) {
      const inode = inodes.size === 0 ? undefined : inodes.get(attributes.ino);
      // What the kernel reads by itself ends where the backing file does.
      if (inode === undefined || inode.backingId !== 0) return attributes;
      const { size } = inode.file;
      if (size <= attributes.size) return attributes;
      inode.keptSize = true;
      return { ...attributes, size };
    },
  };
}
