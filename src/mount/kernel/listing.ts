/**
 * Listings. An entry's cookie is its place: the kernel asks for what comes after a cookie, and the index finds
 * that by key, whatever was added meanwhile. `.` and `..` have the cookies 1 and 2; entries' own start at 1000.
 *
 * A kernel asks for 4 KiB at a time before Linux 6.16 (24 entries with attributes), later for what the program
 * asked (195 in glibc's 32 KiB). Rows are read from the index in batches and kept with the open directory, so that
 * each is read once; the next batch is read after an answer was sent, while the program is busy with it.
 */
import { errno } from '../errno.ts';
import { putOpen } from './answer.ts';
import { batchLength } from './batches.ts';
import { readBoard } from './board.ts';
import { putDot, putListed, putListedPlus } from './dirent.ts';
import type { OpenDirectory } from './handles.ts';
import { answerHeaderLength, openFlag, openOutLength, readIn, readUint64 } from './protocol.ts';
import type { Request } from './request.ts';
import { fail, type Handler, ok, type Session } from './session.ts';

/** Fewer rows than this in hand, an answer's worth, and the next batch is read ahead. */
const lowWater = 200;

const dotdotCookie = 2;

export const opendir: Handler = (session, request) => {
  const { nodeid: ino } = request;
  if (session.filesystem.getattr(ino)?.kind !== 'directory') return fail(session, request, errno.ESTALE);
  const handle = session.directories.open({
    ino,
    entries: [],
    next: 0,
    cookie: -1,
    complete: false,
    seenChanged: 0,
  });
  putOpen(session.answer, handle, openFlag.cacheDir | openFlag.keepCache);
  // A handle that the kernel did not take is never released.
  if (!ok(session, request, openOutLength)) session.directories.release(handle);
};

export const releasedir: Handler = (session, request) => {
  session.directories.release(readUint64(request.bytes, readIn.handle));
  ok(session, request, 0);
};

export const readdir: Handler = (session, request) => list(session, request, false);
export const readdirplus: Handler = (session, request) => list(session, request, true);

function list(session: Session, request: Request, plus: boolean): void {
  const { answer, presentation, ways } = session;
  const directory = session.directories.get(readUint64(request.bytes, readIn.handle));
  if (directory === undefined) {
    fail(session, request, errno.EBADF);
    return;
  }
  const after = readUint64(request.bytes, readIn.offset);
  const room = answerHeaderLength + Math.min(request.bytes.readUInt32LE(readIn.size), 1 << 20);

  let end = putDots(session, directory, after, room, plus);
  seek(session, directory, Math.max(after, dotdotCookie));
  const listed: number[] = [];
  for (;;) {
    const entry = directory.entries[directory.next];
    if (entry === undefined) {
      if (directory.complete) break;
      readBatch(session, directory);
      continue;
    }
    const next = plus
      ? putListedPlus(answer, end, entry, ways.shown(entry.attributes), presentation)
      : putListed(answer, end, entry);
    if (next > room) break;
    end = next;
    directory.next++;
    directory.cookie = entry.cookie;
    if (plus) listed.push(entry.attributes.ino);
  }
  if (!ok(session, request, end - answerHeaderLength)) return;
  session.lookups.addAll(listed);
  if (!directory.complete && directory.entries.length - directory.next < lowWater)
    readBatch(session, directory);
}

/** Puts `.` and `..` where the listing is at its start; gives the byte behind them. */
function putDots(
  session: Session,
  directory: OpenDirectory,
  after: number,
  room: number,
  plus: boolean,
): number {
  const { answer, filesystem } = session;
  let end = answerHeaderLength;
  if (after < 1) end = putDot(answer, end, directory.ino, 1, plus);
  if (after < 2) {
    const withParent = putDot(answer, end, filesystem.parentOf(directory.ino), 2, plus);
    if (withParent <= room) end = withParent;
  }
  return end;
}

/**
 * Sets the directory to the entry after `cookie`. A listing that goes straight on keeps its rows, unless the
 * tree changed since they were read: attributes from before an invalidation must not follow it.
 */
function seek(session: Session, directory: OpenDirectory, cookie: number): void {
  const changed = readBoard(session.board, 'changed');
  if (directory.cookie === cookie && directory.seenChanged === changed) return;
  directory.entries = [];
  directory.next = 0;
  directory.cookie = cookie;
  directory.complete = false;
  directory.seenChanged = changed;
}

/** Reads more rows behind those in hand. */
function readBatch(session: Session, directory: OpenDirectory): void {
  const inHand = directory.entries.slice(directory.next);
  const last = inHand.at(-1)?.cookie ?? directory.cookie;
  const rows = session.batches.read(directory.ino, last <= dotdotCookie ? 0 : last);
  directory.entries = inHand.length === 0 ? rows : [...inHand, ...rows];
  directory.next = 0;
  directory.complete = rows.length < batchLength;
}
