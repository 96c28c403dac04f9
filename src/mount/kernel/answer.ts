/**
 * Answers, written straight into one buffer that is used again for every request. The buffer is also seen as
 * 32-bit words, since every field of the protocol is aligned: storing a word costs a fraction of
 * `Buffer.writeUInt32LE`, and a listing stores forty of them per entry.
 */
import { writeSync } from 'node:fs';
import { errorCode } from '../../model/errors.ts';
import type { Attributes, DirectoryEntry } from '../driver.ts';
import type { StatFs } from '../filesystem.ts';
import type { Presentation } from './messages.ts';
import {
  answerHeaderLength,
  direntLength,
  entryOutLength,
  invalidateInodeOutLength,
  maxRead,
  nameMax,
  notification,
  storeOutLength,
} from './protocol.ts';

/**
 * Seconds for which the kernel may keep an entry (also that there is none) and attributes without asking.
 * Changes are told at once by invalidation; the limit only bounds what a lost one could do.
 */
export const validSeconds = 3600;
const blockSize = 4096;
/** `DT_…` of <dirent.h> for each kind. */
const direntType = { file: 8, directory: 4, symlink: 10 } as const;
const two32 = 0x1_0000_0000;
const bodyWord = answerHeaderLength / 4;

export interface AnswerBuffer {
  readonly bytes: Buffer;
  readonly words: Uint32Array;
}

/** A buffer for the longest answer: a READ of `maxRead`, or a listing and the one entry that no longer fits. */
export function createAnswerBuffer(): AnswerBuffer {
  const oneEntry = entryOutLength + direntLength + nameMax + 1;
  const memory = new ArrayBuffer(answerHeaderLength + maxRead + oneEntry);
  return { bytes: Buffer.from(memory), words: new Uint32Array(memory) };
}

/**
 * Sends the answer to request `unique`: one write(2) of the header and `length` bytes of body that already
 * stand in the buffer, or an error (positive errno) without body.
 * Gives false when the kernel no longer waits for it (ENOENT: the request was interrupted or the mount is gone).
 */
export function sendAnswer(
  device: number,
  answer: AnswerBuffer,
  uniqueLow: number,
  uniqueHigh: number,
  error: number,
  length: number,
): boolean {
  const { words } = answer;
  words[0] = answerHeaderLength + length;
  words[1] = -error;
  words[2] = uniqueLow;
  words[3] = uniqueHigh;
  try {
    writeSync(device, answer.bytes, 0, answerHeaderLength + length);
    return true;
  } catch (failure) {
    const code = errorCode(failure);
    if (code === 'ENOENT' || code === 'ENODEV') return false;
    throw failure;
  }
}

/**
 * The notification that the attributes of an inode are to be asked for again. Unlike one of pages (`invalidate.ts`) it waits for
 * nothing, so it may be sent while a request is answered.
 */
export function sendOutdated(device: number, answer: AnswerBuffer, ino: number): boolean {
  const { words } = answer;
  put64(words, bodyWord, ino);
  // A negative offset says attributes only.
  put64(words, bodyWord + 2, -1);
  put64(words, bodyWord + 4, 0);
  return sendAnswer(device, answer, 0, 0, -notification.invalidateInode, invalidateInodeOutLength);
}

/** The notification of `length` bytes that start a file and already stand in the buffer behind room for this. */
export function sendStored(device: number, answer: AnswerBuffer, ino: number, length: number): boolean {
  const { words } = answer;
  put64(words, bodyWord, ino);
  put64(words, bodyWord + 2, 0);
  words[bodyWord + 4] = length;
  words[bodyWord + 5] = 0;
  // A notification is an answer to no request, with its code in the place of the error.
  return sendAnswer(device, answer, 0, 0, -notification.store, storeOutLength + length);
}

/** Writes a whole number of up to 53 bits and its sign as a 64-bit field at word `at`. */
function put64(words: Uint32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = Math.floor(value / two32);
}

/** `struct fuse_attr` at word `at`: 22 words. */
function putAttributes(words: Uint32Array, at: number, attributes: Attributes, as: Presentation): void {
  const { ino, size, mtime, ctime } = attributes;
  const mtimeSeconds = Math.floor(mtime);
  const ctimeSeconds = Math.floor(ctime);
  const mtimeNanoseconds = Math.floor((mtime - mtimeSeconds) * 1e9);
  put64(words, at, ino);
  put64(words, at + 2, size);
  put64(words, at + 4, Math.ceil(size / 512));
  put64(words, at + 6, mtimeSeconds);
  put64(words, at + 8, mtimeSeconds);
  put64(words, at + 10, ctimeSeconds);
  words[at + 12] = mtimeNanoseconds;
  words[at + 13] = mtimeNanoseconds;
  words[at + 14] = Math.floor((ctime - ctimeSeconds) * 1e9);
  words[at + 15] = as.mode[attributes.kind];
  words[at + 16] = attributes.nlink;
  words[at + 17] = as.uid;
  words[at + 18] = as.gid;
  words[at + 19] = 0;
  words[at + 20] = blockSize;
  words[at + 21] = 0;
}

/** `struct fuse_entry_out` at word `at`: 32 words. The generation is always 0, as inode numbers are never reused. */
function putEntry(words: Uint32Array, at: number, attributes: Attributes, as: Presentation): void {
  put64(words, at, attributes.ino);
  words[at + 2] = 0;
  words[at + 3] = 0;
  words[at + 4] = validSeconds;
  words[at + 5] = 0;
  words[at + 6] = validSeconds;
  words[at + 7] = 0;
  words[at + 8] = 0;
  words[at + 9] = 0;
  putAttributes(words, at + 10, attributes, as);
}

/** The body of an answer to LOOKUP: an entry. */
export function putLookup(answer: AnswerBuffer, attributes: Attributes, as: Presentation): void {
  putEntry(answer.words, bodyWord, attributes, as);
}

/** The body of an answer to LOOKUP where there is no entry: node id 0, so that the kernel keeps the absence. */
export function putAbsence(answer: AnswerBuffer): void {
  answer.words.fill(0, bodyWord, bodyWord + entryOutLength / 4);
  answer.words[bodyWord + 4] = validSeconds;
}

/** The body of an answer to GETATTR: `struct fuse_attr_out`. */
export function putGetattr(answer: AnswerBuffer, attributes: Attributes, as: Presentation): void {
  const { words } = answer;
  words[bodyWord] = validSeconds;
  words[bodyWord + 1] = 0;
  words[bodyWord + 2] = 0;
  words[bodyWord + 3] = 0;
  putAttributes(words, bodyWord + 4, attributes, as);
}

/** The body of an answer to OPEN and OPENDIR: `struct fuse_open_out`. */
export function putOpen(answer: AnswerBuffer, handle: number, flags: number, backingId = 0): void {
  const { words } = answer;
  put64(words, bodyWord, handle);
  words[bodyWord + 2] = flags;
  words[bodyWord + 3] = backingId;
}

/** The body of an answer to STATFS: `struct fuse_kstatfs`. */
export function putStatfs(answer: AnswerBuffer, statfs: StatFs): void {
  const { words } = answer;
  words.fill(0, bodyWord, bodyWord + 20);
  put64(words, bodyWord, statfs.blocks);
  put64(words, bodyWord + 2, statfs.blocksFree);
  put64(words, bodyWord + 4, statfs.blocksFree);
  put64(words, bodyWord + 6, statfs.files);
  words[bodyWord + 10] = statfs.blockSize;
  words[bodyWord + 11] = nameMax;
  words[bodyWord + 12] = statfs.blockSize;
}

/** The body of an answer to GETXATTR and LISTXATTR that asked for the length only. */
export function putXattrSize(answer: AnswerBuffer, size: number): void {
  answer.words[bodyWord] = size;
  answer.words[bodyWord + 1] = 0;
}

/**
 * `struct fuse_dirent` at byte `at`, name and padding included.
 * Gives the byte behind it, which may lie behind the room that the kernel offered: then the record is not sent.
 */
function putDirent(
  answer: AnswerBuffer,
  at: number,
  name: string,
  ino: number,
  cookie: number,
  kind: Attributes['kind'],
): number {
  const { words, bytes } = answer;
  const word = at >> 2;
  const nameAt = at + direntLength;
  const length = putName(bytes, nameAt, name);
  const end = (nameAt + length + 7) & ~7;
  put64(words, word, ino);
  put64(words, word + 2, cookie);
  words[word + 4] = length;
  words[word + 5] = direntType[kind];
  for (let padding = nameAt + length; padding < end; padding++) bytes[padding] = 0;
  return end;
}

/** Writes a name as UTF-8 and gives its bytes. Most names are ASCII, which a loop copies faster than a call into C++. */
function putName(bytes: Buffer, at: number, name: string): number {
  const { length } = name;
  if (length > nameMax) return bytes.write(name, at, nameMax, 'utf8');
  for (let index = 0; index < length; index++) {
    const unit = name.charCodeAt(index);
    if (unit > 0x7f) return bytes.write(name, at, nameMax, 'utf8');
    bytes[at + index] = unit;
  }
  return length;
}

/** An entry of READDIR at byte `at`; gives the byte behind it. */
export function putListed(answer: AnswerBuffer, at: number, entry: DirectoryEntry): number {
  const { ino, kind } = entry.attributes;
  return putDirent(answer, at, entry.name, ino, entry.cookie, kind);
}

/** An entry of READDIRPLUS at byte `at`; gives the byte behind it. */
export function putListedPlus(
  answer: AnswerBuffer,
  at: number,
  entry: DirectoryEntry,
  as: Presentation,
): number {
  const { ino, kind } = entry.attributes;
  putEntry(answer.words, at >> 2, entry.attributes, as);
  return putDirent(answer, at + entryOutLength, entry.name, ino, entry.cookie, kind);
}

/** `.` or `..` at byte `at`; in READDIRPLUS with node id 0, so that it counts as no lookup. Gives the byte behind it. */
export function putDot(answer: AnswerBuffer, at: number, ino: number, cookie: 1 | 2, plus: boolean): number {
  if (plus) answer.words.fill(0, at >> 2, (at + entryOutLength) >> 2);
  const direntAt = plus ? at + entryOutLength : at;
  return putDirent(answer, direntAt, cookie === 1 ? '.' : '..', ino, cookie, 'directory');
}
