/**
 * The journal: an append-only file beside the cache with what no source could tell again — which name and inode
 * number a file was given, its final time, what its bytes hash to. It is on disk before the names are visible, so
 * an index that is lost can be made again without renaming a photo.
 *
 * One JSON object a line; of several records of one inode the last holds. A last line that was cut off by a crash
 * is no record.
 */
import { closeSync, constants, fstatSync, fsync, fsyncSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import { cacheError } from './cache-error.ts';
import type { Directory } from './directories.ts';
import { type JournalLines, journalLines } from './journal-lines.ts';
import type { JournalRecord } from './journal-record.ts';

export interface Journal {
  /** Appends records and waits until they are on disk. */
  append(records: readonly JournalRecord[]): void;
  /** The same, while others go on: of a busy disk the wait may be 100 ms. */
  settle(records: readonly JournalRecord[]): Promise<void>;
  /** The same for lines that were made before; takes them. */
  write(lines: JournalLines): void;
  close(): void;
}

const fsyncFile = promisify(fsync);

/** O_NONBLOCK: a FIFO that someone put there must not keep us waiting for a reader. */
const journalFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The journal in the cache's private directory; opened, and made, when it is first written to. */
export function openJournal(directory: Directory): Journal {
  let fd: number | undefined;
  /** Writes the lines; gives the descriptor that is to be synced, where there are any. */
  const put = (lines: JournalLines): number | undefined => {
    const pieces = lines.take();
    if (pieces.length === 0) return undefined;
    fd ??= openForAppending(directory);
    // Several writes, each of whole lines, for other processes append as well.
    for (const piece of pieces) writeAll(fd, piece);
    return fd;
  };
  const write = (lines: JournalLines): void => {
    try {
      const written = put(lines);
      if (written !== undefined) fsyncSync(written);
    } catch (error) {
      throw notWritten(error);
    }
  };
  return {
    append: (records) => write(linesOf(records)),
    async settle(records) {
      try {
        const written = put(linesOf(records));
        if (written !== undefined) await fsyncFile(written);
      } catch (error) {
        throw notWritten(error);
      }
    },
    write,
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

const notWritten = (error: unknown): unknown =>
  cacheError(error, 'the journal of the cache cannot be written');

function linesOf(records: readonly JournalRecord[]): JournalLines {
  const lines = journalLines();
  for (const record of records) lines.push(record);
  return lines;
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written);
}

function openForAppending(directory: Directory): number {
  const fd = openOrMake(directory);
  if (fstatSync(fd).isFile()) return fd;
  // What is written to a FIFO or a device is lost.
  closeSync(fd);
  throw notRegular();
}

const notRegular = (): GphotosfsError =>
  new GphotosfsError('bad-cache', 'the journal of the cache is no regular file', {
    hint: 'Find out who put something else in the place of ".gphotosfs/journal", and bring the journal back from a backup; gphotosfs does not touch it.',
  });

function openOrMake(directory: Directory): number {
  const path = `${directory.path}/journal`;
  try {
    return openSync(path, journalFlags);
  } catch (error) {
    const code = errorCode(error);
    // ENXIO: a FIFO without a reader, a socket.
    if (code === 'ENXIO' || code === 'ELOOP') throw notRegular();
    if (code !== 'ENOENT') throw error;
    const fd = openSync(path, journalFlags | constants.O_CREAT, 0o600);
    fsyncSync(directory.fd);
    return fd;
  }
}
