/** Positioned reads that give all that was asked for. */
import { closeSync, constants, fstatSync, openSync, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { errorCode, GphotosfsError } from '../model/errors.ts';

const readFile = promisify(read);
const writeFile = promisify(write);

/** `length` bytes at `offset`. @throws `bad-content` when the file ends before */
export async function readAt(fd: number, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  for (let got = 0; got < length; ) {
    const { bytesRead } = await readFile(fd, buffer, got, length - got, offset + got);
    if (bytesRead === 0) throw endedEarly(offset + got);
    got += bytesRead;
  }
  return buffer;
}

const endedEarly = (at: number): GphotosfsError =>
  new GphotosfsError('bad-content', `a file of the cache ended at byte ${at}`, {
    hint: 'Something shortened it while it was read: "gphotosfs verify" tells what else is wrong.',
  });

/**
 * The same of a file by path; undefined where there is none any more. Nothing is waited for.
 * @throws `bad-cache` where something else than a regular file has the name
 */
export async function readPath(path: string, offset: number, length: number): Promise<Buffer | undefined> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    if (!fstatSync(fd).isFile()) throw new GphotosfsError('bad-cache', `${path} is no regular file`);
    return await readAt(fd, offset, length);
  } finally {
    closeSync(fd);
  }
}

/** Writes all of `bytes` at `position`. */
export async function writeAt(fd: number, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await writeFile(fd, bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Copies the first `length` bytes of one file to another. */
export async function copyBytes(from: number, to: number, length: number): Promise<void> {
  const step = 1 << 20;
  for (let at = 0; at < length; at += step)
    await writeAt(to, await readAt(from, at, Math.min(step, length - at)), at);
}
