/** Reading of a cache file where all bytes are there, or something is wrong. */
import { readSync } from 'node:fs';

/** Reads `length` bytes of a file from `offset` on into `bytes` at `at`; false where the file ends before. */
export function readFully(fd: number, bytes: Buffer, at: number, length: number, offset: number): boolean {
  for (let done = 0; done < length; ) {
    const got = readSync(fd, bytes, at + done, length - done, offset + done);
    if (got === 0) return false;
    done += got;
  }
  return true;
}
