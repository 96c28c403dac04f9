/** The bodies of answers, as structures of the protocol (`include/uapi/linux/fuse.h`), written word by word into the answer's buffer. */
import type { Attributes } from '../driver.ts';
import type { StatFs } from '../filesystem.ts';
import { type AnswerBuffer, bodyWord, put64 } from './answer-buffer.ts';
import type { Presentation } from './messages.ts';
import { entryOutLength, nameMax } from './protocol.ts';

/**
 * Seconds for which the kernel may keep an entry (also that there is none) and attributes without asking.
 * Changes are told at once by invalidation; the limit only bounds what a lost one could do.
 */
export const validSeconds = 3600;
const blockSize = 4096;

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
export function putEntry(words: Uint32Array, at: number, attributes: Attributes, as: Presentation): void {
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
