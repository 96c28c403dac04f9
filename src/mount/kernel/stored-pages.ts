/**
 * Small files go into the kernel's page cache whole, while they are being opened: their reader then asks nothing more,
 * which is half the way of a small photo (each request costs two switches of threads).
 */

import type { OpenedFile } from '../driver.ts';
import { type AnswerBuffer, sendStored } from './answer-buffer.ts';
import { answerHeaderLength, storeOutLength } from './protocol.ts';
import { readFully } from './read-fully.ts';

/**
 * Up to here a file is read whole, wanted or not. It is what the kernel reads ahead at first, so that hardly anything is
 * read that would not have been.
 */
const smallFile = 128 * 1024;

export function isSmall({ fd, size }: OpenedFile): boolean {
  return fd !== undefined && size > 0 && size <= smallFile;
}

/**
 * Gives the kernel all bytes of a file that nobody has open: a page that somebody waits for would be waited for here, too.
 * Where it doesn't work out, which is said, the reader asks, and is told what is wrong.
 */
export function storePages(
  device: number,
  answer: AnswerBuffer,
  ino: number,
  fd: number,
  size: number,
): boolean {
  try {
    const isWhole = readFully(fd, answer.bytes, answerHeaderLength + storeOutLength, size, 0);
    return isWhole && sendStored(device, answer, ino, size);
  } catch {
    // No memory, or a disk that fails.
    return false;
  }
}
