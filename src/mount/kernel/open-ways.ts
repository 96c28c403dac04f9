/**
 * Which way an open file is read. A cached file that nobody has open is shown to the kernel, which then reads it by
 * itself (passthrough); everything else is read through this process and kept in the kernel's page cache.
 *
 * The kernel allows one of these per inode at a time, and one backing file: an open that differs from those before it
 * ends in EIO (measured on Linux 6.18). So the first open of an inode settles the way until the last one is
 * released. An open that must get other bytes than that way gives (a revision was published, a cache file was found
 * wrong) joins it by its flags, and adds DIRECT_IO, which is stronger: its reads come here and leave no pages.
 * A release is counted when the kernel tells of it, which it does after it has left the way itself; so this count is
 * never below the kernel's.
 */
import { sameContent } from '../../model/content.ts';
import type { OpenedFile } from '../driver.ts';
import type { BackingFiles } from './backing-files.ts';
import { addToBoard, type Board } from './board.ts';
import { openFlag } from './protocol.ts';

/** How an open is answered. */
export interface Way {
  /** Of the answer to OPEN. */
  readonly flags: number;
  readonly backingId: number;
  /** The kernel reads the file by itself: no READ will come. */
  readonly byKernel: boolean;
}

export interface OpenWays {
  /** Settles the way for one more open of `ino`, to be given back by `release`. */
  open(ino: number, file: OpenedFile): Way;
  release(ino: number): void;
}

/** An inode that is open. */
interface OpenInode {
  opens: number;
  /** What its first open was given. */
  readonly file: OpenedFile;
  /** The number by which the kernel knows the file that it reads by itself; 0 where reads come here. */
  readonly backingId: number;
  /** Since then it was opened with other bytes, so pages that the earlier ones leave are old. */
  outdated: boolean;
}

/** @param backingFiles undefined where the kernel has no passthrough */
export function createOpenWays(board: Board, backingFiles: BackingFiles | undefined): OpenWays {
  const inodes = new Map<number, OpenInode>();
  /** Inodes of which the kernel keeps pages with former bytes. */
  const oldPages = new Set<number>();

  function firstOpen(file: OpenedFile): OpenInode {
    const backingId = (file.fd === undefined ? undefined : backingFiles?.add(file.fd)) ?? 0;
    if (backingId !== 0) addToBoard(board, 'backingFiles', 1);
    return { opens: 0, file, backingId, outdated: false };
  }

  function hasBytesOf(inode: OpenInode, { recorded, content }: OpenedFile): boolean {
    const first = inode.file;
    // The first one is held open, so its number on the cache's file system is no other file's.
    if (recorded !== undefined && first.recorded !== undefined)
      return recorded.cacheIno === first.recorded.cacheIno;
    // Only what is fetched through the page cache may go on as a cached file there, and the other way round.
    return inode.backingId === 0 && sameContent(content, first.content);
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
        return { flags: way | openFlag.directIo, backingId, byKernel: false };
      }
      if (backingId !== 0) {
        addToBoard(board, 'kernelOpens', 1);
        return { flags: way, backingId, byKernel: true };
      }
      addToBoard(board, 'pagedOpens', 1);
      return { flags: oldPages.delete(ino) ? 0 : openFlag.keepCache, backingId, byKernel: false };
    },
    release(ino) {
      const inode = inodes.get(ino);
      if (inode === undefined || --inode.opens > 0) return;
      inodes.delete(ino);
      if (inode.outdated) oldPages.add(ino);
      if (inode.backingId === 0) return;
      backingFiles?.remove(inode.backingId);
      addToBoard(board, 'backingFiles', -1);
    },
  };
}
