/**
 * The journal: an append-only file beside the cache with what no source could tell again — which name and inode
 * number a file was given, its final time, what its bytes hash to. It is on disk before the names are visible, so
 * an index that is lost can be made again without renaming a photo.
 *
 * One JSON object a line; of several records of one inode the last holds. A last line that was cut off by a crash
 * is no record.
 */
import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs';
import { errorCode } from '../model/errors.ts';
import type { Filter } from '../model/filter.ts';
import type { Role } from '../model/words.ts';
import type { Description } from '../sources/source.ts';
import { cacheError } from './cache-error.ts';
import type { Directory } from './directories.ts';
import { type JournalLines, journalLines } from './journal-lines.ts';
import type { NewItemRecord } from './new-item-record.ts';

/** JSON leaves out what is undefined. */
export type JournalRecord =
  | NewItemRecord
  /** An inode and its first name. */
  | {
      readonly type: 'inode';
      readonly ino: number;
      readonly kind: 'file' | 'directory' | 'symlink';
      readonly parent: number;
      readonly cookie: number;
      readonly name: string;
      readonly size: number;
      readonly mtime: number;
      readonly ctime: number;
      readonly target?: string | undefined;
    }
  /** A further name of an inode (a hard link in an album). */
  | {
      readonly type: 'entry';
      readonly ino: number;
      readonly parent: number;
      readonly cookie: number;
      readonly name: string;
    }
  /** What the file with this inode is: its item's identity. */
  | {
      readonly type: 'file';
      readonly ino: number;
      readonly item: number;
      readonly role: Role;
      readonly name: string;
      readonly size: number;
      readonly crc32?: number | undefined;
    }
  | {
      readonly type: 'item';
      readonly item: number;
      readonly account: string;
      readonly photoId?: string | undefined;
      readonly title: string;
      readonly takenAt?: number | undefined;
      readonly provisional: boolean;
      readonly factsTime: number;
      readonly description: Description;
    }
  | {
      readonly type: 'album';
      readonly directory: number;
      readonly account: string;
      readonly folder: string;
      readonly title: string;
      readonly date: number | null;
    }
  | { readonly type: 'member'; readonly ino: number; readonly directory: number; readonly cookie: number }
  /** Where a file's bytes lie, or lay: by this it is known again, with or without a sidecar. */
  | {
      readonly type: 'place';
      readonly ino: number;
      readonly exportId: string;
      readonly exportTime: number;
      readonly offset: number;
      readonly address: string;
      readonly size: number;
      readonly crc32?: number | undefined;
    }
  /** New attributes of an inode. */
  | {
      readonly type: 'attributes';
      readonly ino: number;
      readonly size: number;
      readonly mtime: number;
      readonly ctime: number;
      readonly nlink: number;
    }
  /** The file's bytes are in the cache at `path`, and hash to `sha256` (hexadecimal). */
  | {
      readonly type: 'cached';
      readonly ino: number;
      readonly path: string;
      readonly size: number;
      readonly sha256: string;
    }
  /** Former bytes of the file are kept as `path` among what was superseded. */
  | {
      readonly type: 'superseded';
      readonly ino: number;
      readonly path: string;
      readonly size: number;
      readonly sha256: string;
    }
  /** How the tree is laid out, and what a sync lists (without: everything); written before the first name that follows it. */
  | {
      readonly type: 'layout';
      readonly years: 'yearly' | 'monthly';
      readonly albums: 'symlink' | 'hardlink';
      readonly filter?: Filter;
    };

export interface Journal {
  /** Appends records and waits until they are on disk. */
  append(records: readonly JournalRecord[]): void;
  /** The same for lines that were made before; takes them. */
  write(lines: JournalLines): void;
  close(): void;
}

/** O_NONBLOCK: a FIFO that someone put there must not keep us waiting for a reader. */
const journalFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The journal in the cache's private directory; opened, and made, when it is first written to. */
export function openJournal(directory: Directory): Journal {
  let fd: number | undefined;
  const write = (lines: JournalLines): void => {
    const pieces = lines.take();
    if (pieces.length === 0) return;
    try {
      fd ??= openForAppending(directory);
      // Several writes, each of whole lines, for other processes append as well.
      for (const piece of pieces) writeAll(fd, piece);
      fsyncSync(fd);
    } catch (error) {
      throw cacheError(error, 'the journal of the cache cannot be written');
    }
  };
  return {
    append(records) {
      const lines = journalLines();
      for (const record of records) lines.push(record);
      write(lines);
    },
    write,
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written);
}

function openForAppending(directory: Directory): number {
  const path = `${directory.path}/journal`;
  try {
    return openSync(path, journalFlags);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    const fd = openSync(path, journalFlags | constants.O_CREAT, 0o600);
    fsyncSync(directory.fd);
    return fd;
  }
}
