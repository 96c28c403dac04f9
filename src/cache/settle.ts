/**
 * Settling a file whose bytes are complete: its time is set, and all of it is on the disk before it gets its name. It may be
 * done where the bytes were written, so this needs no index.
 */
import { fsync, futimesSync } from 'node:fs';
import { promisify } from 'node:util';
import type { UnixSeconds } from '../model/words.ts';

export const fsyncFile = promisify(fsync);

/** @param mtime the time that the file is to show; undefined: it keeps the one it has */
export async function settle(fd: number, mtime: UnixSeconds | undefined): Promise<void> {
  // A Date, for Node takes a negative number of seconds (before 1970) for "now". At once: it waits for no disk.
  if (mtime !== undefined) futimesSync(fd, new Date(), new Date(mtime * 1000));
  await fsyncFile(fd);
}
