/**
 * A partial file: the bytes of one fetch while they arrive. It lies on the cache's own file system, so that publishing
 * it is a rename, in a directory that is private; or, where the cache can't be written, nameless in the system's
 * temporary directory, from where it is only read; a small one in memory, where that directory is full as well.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  type Stats,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import type { Content } from '../model/words.ts';
import type { Directory } from './directories.ts';

export interface Partial {
  readonly fd: number;
  /** File name in the cache's partial directory; undefined for one that can't be published. */
  readonly name: string | undefined;
}

/** Of this process: drawn once, for the random bytes of a name each cost more than all else in it. */
const processMark = randomBytes(6).toString('hex');
let names = 0;

/** A name that no other fetch uses. It says whose bytes these are, for other processes that read along. */
export function partialName(ino: number, content: Content): string {
  names += 1;
  return `${partialOf(ino, content)}${processMark}${names}`;
}

/** Whether a partial file of this name is this file's, with this content. */
export function isPartialOf(name: string, ino: number, content: Content): boolean {
  return name.startsWith(partialOf(ino, content));
}

function partialOf(ino: number, { size, crc32 }: Content): string {
  return `${ino}-${size}-${crc32 ?? 'any'}.`;
}

const createFlags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Creates a partial file in the cache's directory of them. */
export function createPartial(directory: Directory, name: string): Partial & { readonly name: string } {
  return { fd: openSync(`${directory.path}/${name}`, createFlags, 0o644), name };
}

/** Which of all files one is, whatever has its name. */
export type FileIdentity = Pick<Stats, 'dev' | 'ino'>;

const reopenFlags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a partial file that was made by copying, or, where its bytes were looked at before, exactly that one.
 * @throws `bad-cache` where something else has its name by now
 */
export function reopenPartial(
  directory: Directory,
  name: string,
  expected?: FileIdentity,
): Partial & { readonly name: string } {
  const fd = openSync(`${directory.path}/${name}`, reopenFlags);
  const stats = fstatSync(fd);
  const isExpected = expected === undefined || (stats.dev === expected.dev && stats.ino === expected.ino);
  if (stats.isFile() && isExpected) return { fd, name };
  closeSync(fd);
  throw new GphotosfsError('bad-cache', `another file has the name of the partial file ${name}`);
}

/** Where Linux keeps files in memory. */
const memory = '/dev/shm';
/** Bytes of the largest file that is held there: some ten are at a time. */
const mostInMemory = 32 << 20;

/** Creates a nameless file for `size` bytes that the cache can't take. */
export function createLoosePartial(size: number): Partial {
  if (size > mostInMemory || hasRoom(tmpdir(), size)) return createNameless(tmpdir());
  try {
    return createNameless(memory);
  } catch {
    return createNameless(tmpdir());
  }
}

function hasRoom(directory: string, size: number): boolean {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(directory);
    // Btrfs counts no inodes.
    return bavail * bsize > size && (files === 0 || ffree > 0);
  } catch {
    return false;
  }
}

function createNameless(directory: string): Partial {
  const path = join(directory, `gphotosfs-${randomBytes(8).toString('hex')}`);
  const fd = openSync(path, createFlags, 0o600);
  unlinkSync(path);
  return { fd, name: undefined };
}

/** Removes a partial file, if it is there. */
export function removePartial(directory: Directory, name: string): void {
  try {
    unlinkSync(`${directory.path}/${name}`);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/**
 * Removes partial files that no living process works on.
 * @param live asked for after the files were listed: whoever makes one has said so before
 */
export function sweepPartials(directory: Directory, live: () => ReadonlySet<string>): void {
  const names = readdirSync(directory.path);
  const kept = live();
  for (const name of names) if (!kept.has(name)) removePartial(directory, name);
}
