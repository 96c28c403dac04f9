/**
 * Files: open, read, release. A file in the cache is read here, straight into the answer; one that must be
 * fetched is left to the main thread. A file that gets published while it is open moves over with its next read.
 */
import { closeSync, fstatSync } from 'node:fs';
import { monotonicMs } from '../../model/clock.ts';
import { sameContent } from '../../model/content.ts';
import { errno } from '../errno.ts';
import { putOpen, validSeconds } from './answer.ts';
import { sendOutdated } from './answer-buffer.ts';
import { readBoard } from './board.ts';
import type { OpenFile } from './handles.ts';
import type { Way } from './open-ways.ts';
import {
  answerHeaderLength,
  maxRead,
  openFlag,
  openIn,
  openOutLength,
  readIn,
  readUint64,
} from './protocol.ts';
import { readFully } from './read-fully.ts';
import { type Request, uniqueOf } from './request.ts';
import { fail, type Handler, ok, type Session } from './session.ts';
import { storePages } from './stored-pages.ts';

/** The bits of `open(2)`'s flags that say reading or writing; reading is 0 (`O_ACCMODE`). */
const accessMode = 3;

export const open: Handler = (session, request) => {
  if ((request.bytes.readUInt32LE(openIn.flags) & accessMode) !== 0)
    return fail(session, request, errno.EROFS);
  const openedAt = monotonicMs();
  const changedAtOpen = readBoard(session.board, 'changed');
  const seenPublished = readBoard(session.board, 'published');
  const { nodeid: ino } = request;
  const opened = session.filesystem.open(ino);
  const { fd, size, content } = opened;
  const way = session.ways.open(ino, opened);
  const { byKernel } = way;
  const direct = (way.flags & openFlag.directIo) !== 0;
  const file: OpenFile = { ino, openedAt, changedAtOpen, fd, size, content, byKernel, direct, seenPublished };
  const handle = session.files.open(file);
  let isTaken = false;
  try {
    isTaken = answerOpen(session, request, file, handle, way);
  } finally {
    // A handle that the kernel did not take is never released, and what it has of the file is not known.
    if (!isTaken) give(session, handle, true);
  }
};

/** Whether the kernel took the handle. */
function answerOpen(session: Session, request: Request, file: OpenFile, handle: number, way: Way): boolean {
  const { ino, fd, size } = file;
  // What is stored makes the file as long as it is, for the kernel too.
  const isFilled =
    way.pages === 'fill' && fd !== undefined && storePages(session.device, session.answer, ino, fd, size);
  // Reads end where the kernel takes the end to be.
  if (way.pages === 'drop' || (way.pages !== 'keep' && !isFilled && mayHaveOldSize(session, ino)))
    sendOutdated(session.device, session.answer, ino);
  // The kernel may have been told to forget other bytes before it was given these: then it drops what it has.
  const flags = hasChangedSince(session, file) ? way.flags & ~openFlag.keepCache : way.flags;
  putOpen(session.answer, handle, flags, way.backingId);
  return ok(session, request, openOutLength);
}

/** A revision or a corrected size, which set the ctime, may have come after the kernel got the attributes that it goes by. */
function mayHaveOldSize(session: Session, ino: number): boolean {
  const ctime = session.filesystem.getattr(ino)?.ctime ?? 0;
  return Date.now() / 1000 - ctime <= validSeconds;
}

export const release: Handler = (session, request) => {
  give(session, readUint64(request.bytes, readIn.handle));
  ok(session, request, 0);
};

/** Gives a handle back, with all that it holds. @param inDoubt pages that the kernel has may be of other bytes */
function give(session: Session, handle: number, inDoubt = false): void {
  const file = session.files.release(handle);
  if (file === undefined) return;
  if (session.ways.release(file.ino, inDoubt || hasChangedSince(session, file)))
    sendOutdated(session.device, session.answer, file.ino);
  close(file);
}

function hasChangedSince(session: Session, file: OpenFile): boolean {
  return readBoard(session.board, 'changed') !== file.changedAtOpen;
}

/**
 * FLUSH: a program closes a file, and gets what is answered here from close(2). No read of a file that the kernel
 * reads came by here, so only now it shows if the cache file was cut short meanwhile and its reader got less than all.
 */
export const flush: Handler = (session, request) => {
  const file = session.files.get(readUint64(request.bytes, readIn.handle));
  if (file?.fd === undefined || !file.byKernel || fstatSync(file.fd).size === file.size) {
    ok(session, request, 0);
  } else {
    failShort(session, request, file);
  }
};

function failShort(session: Session, request: Request, file: OpenFile): void {
  const message = `the cache file of inode ${file.ino} is not as long as it was when it was opened`;
  session.post({ type: 'log', level: 'warn', message });
  fail(session, request, errno.EIO);
}

export const read: Handler = (session, request) => {
  const { bytes } = request;
  const file = session.files.get(readUint64(bytes, readIn.handle));
  const size = bytes.readUInt32LE(readIn.size);
  if (file === undefined) return fail(session, request, errno.EBADF);
  if (size > maxRead) return fail(session, request, errno.EINVAL);
  const offset = readUint64(bytes, readIn.offset);
  if (file.fd === undefined) {
    lookAgain(session, file);
    // Its size was put right, or a revision came: what this reader takes for the end is not the end.
    const isOther = session.filesystem.getattr(file.ino)?.size !== file.size;
    if (file.fd === undefined && isOther) return fail(session, request, errno.EIO);
  }
  const length = Math.min(size, file.size - offset);
  if (length < size && !file.direct && isLongerNow(session, file)) {
    fail(session, request, errno.EIO);
  } else if (length <= 0) {
    ok(session, request, 0);
  } else if (file.fd === undefined) {
    request.answered = true;
    const { ino, openedAt, content } = file;
    const opening = { openedAt, content };
    session.post({ type: 'read', unique: uniqueOf(request), ino, offset, length, opening });
  } else if (readFully(file.fd, session.answer.bytes, answerHeaderLength, length, offset)) {
    ok(session, request, length);
  } else {
    // The kernel would fill what is missing with zeros, or shorten the file.
    failShort(session, request, file);
  }
};

/**
 * Whether a longer revision came. The kernel fills the page behind a reader's end with zeros, and gives them out as soon as anybody asks
 * how long the file is now (seen: 20,480 bytes of a file of 20,000), so this reader is told that it can't have its end.
 */
function isLongerNow(session: Session, file: OpenFile): boolean {
  return (session.filesystem.getattr(file.ino)?.size ?? 0) > file.size;
}

/**
 * Opens the cache file of a file that was not cached when it was opened, if anything was published since. Where
 * something changed as well, this reader may hold bytes that proved wrong: then the main thread, which knows, serves it
 * to its end.
 */
function lookAgain(session: Session, file: OpenFile): void {
  const published = readBoard(session.board, 'published');
  if (file.seenPublished === published) return;
  file.seenPublished = published;
  if (hasChangedSince(session, file)) return;
  try {
    const { fd, size, content } = session.filesystem.open(file.ino);
    // A revision: `changed` may not tell of it yet, and what this reader was given before is of the former bytes.
    if (!sameContent(content, file.content)) {
      if (fd !== undefined) closeSync(fd);
      return;
    }
    file.fd = fd;
    file.size = size;
  } catch (error) {
    // The main thread has the fetch under way and knows better what became of it.
    const message = `inode ${file.ino} cannot be opened again: ${error instanceof Error ? error.message : error}`;
    session.post({ type: 'log', level: 'debug', message });
  }
}

function close(file: OpenFile): void {
  if (file.fd !== undefined) closeSync(file.fd);
}

/** Closes what programs still hold open when the mount goes away. */
export function closeAll(session: Session): void {
  for (const file of session.files.all()) close(file);
}
