/**
 * The buffer that every answer is written into, and sending it. It is used again for every request, and also seen as 32-bit words,
 * since every field of the protocol is aligned: storing a word costs a fraction of `Buffer.writeUInt32LE`, and a
 * listing stores forty of them per entry.
 */
import { writeSync } from 'node:fs';
import { errorCode } from '../../model/errors.ts';
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

const two32 = 0x1_0000_0000;
/** The word at which an answer's body begins. */
export const bodyWord = answerHeaderLength / 4;

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
export function put64(words: Uint32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = Math.floor(value / two32);
}
