/** One look at what lies under a file's name in the cache: its kind, its size, the hash of its bytes. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, lstatSync, readSync, type Stats } from 'node:fs';
import type { CacheStat } from '../index/cached.ts';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import { sameStat, statOf } from './cache-stat.ts';
import { closeDirectory, type Directory, openDirectory, openRegular } from './directories.ts';

export type Inspected =
  /** A regular file. `sha256` is missing where the size is not the expected one. */
  | { readonly found: 'file'; readonly stat: CacheStat; readonly sha256: Uint8Array | undefined }
  /** It was written to meanwhile, so the hash would be of nothing. */
  | { readonly found: 'changing' }
  | { readonly found: 'missing' }
  /** Something else has its name, or that of a directory on the way: `by` says what. */
  | { readonly found: 'replaced'; readonly by: string }
  /** The operating system's code, such as `EACCES` or `EIO`. */
  | { readonly found: 'unreadable'; readonly code: string };

/** Read so much at a time: the largest that stays in the processor's cache here; smaller ones were slower. */
const blockSize = 1 << 20;

/** A place for the bytes that are being hashed; one a thread. */
export function createInspectBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(blockSize);
}

/**
 * Looks at the file that `names` lead to from the cache's root; hashes it if it has the expected size. It blocks, so
 * it is made for a thread of its own.
 */
export function inspectFile(
  root: Directory,
  names: readonly string[],
  size: number,
  buffer: Buffer,
): Inspected {
  let directory: Directory | undefined;
  let fd: number | undefined;
  try {
    directory = openDirectory(root, names.slice(0, -1));
    const name = names.at(-1) ?? '';
    const other = kindOfOther(directory, name);
    if (other !== undefined) return { found: 'replaced', by: other };
    const opened = openRegular(directory, name);
    fd = opened.fd;
    const stat = statOf(opened.stats);
    if (stat.size !== size) return { found: 'file', stat, sha256: undefined };
    const sha256 = hashSync(fd, buffer);
    return sameStat(stat, statOf(fstatSync(fd))) ? { found: 'file', stat, sha256 } : { found: 'changing' };
  } catch (error) {
    if (error instanceof GphotosfsError) {
      if (error.kind === 'not-found') return { found: 'missing' };
      return { found: 'replaced', by: 'something else than a directory on the way to it' };
    }
    return { found: 'unreadable', code: errorCode(error) ?? String(error) };
  } finally {
    if (fd !== undefined) closeSync(fd);
    if (directory !== undefined) closeDirectory(directory);
  }
}

function hashSync(fd: number, buffer: Buffer): Buffer {
  const hash = createHash('sha256');
  for (;;) {
    const length = readSync(fd, buffer, 0, buffer.length, null);
    if (length === 0) return hash.digest();
    hash.update(length === buffer.length ? buffer : buffer.subarray(0, length));
  }
}

/** What has the name, where it is no regular file; undefined also where nothing has. */
function kindOfOther(directory: Directory, name: string): string | undefined {
  let stats: Stats;
  try {
    stats = lstatSync(`${directory.path}/${name}`);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  return stats.isFile() ? undefined : kindName(stats);
}

/** The kind of a file in words. */
export function kindName(
  stats: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket'>,
): string {
  if (stats.isFile()) return 'a file';
  if (stats.isDirectory()) return 'a directory';
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}
