/**
 * What a process that died has left of a fetch: another process that is there goes on with it instead of fetching the
 * first bytes again. Nothing of it is believed: it is hashed again, and size and CRC-32 of the whole decide.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Cache } from '../cache/cache.ts';
import { isPartialOf } from '../cache/partial.ts';
import type { Lease } from '../index/leases.ts';
import { locationsOf } from '../index/locations.ts';
import type { Index } from '../index/open.ts';
import type { Content } from '../model/words.ts';
import { type Hashing, hashingOf } from './hashing.ts';
import { readAt } from './read-at.ts';

export interface LeftBehind {
  /** Its name in the cache's partial directory. */
  readonly name: string;
  /** Open for reading and writing. */
  readonly fd: number;
  /** Bytes that its owner had told others of. */
  readonly prefix: number;
}

/** Less is fetched again sooner than it is hashed and asked for. */
const worthIt = 1 << 20;
const readStep = 1 << 20;

/**
 * The partial file of the dead owner of a file's lease, opened; undefined where there is none, or nothing to go on
 * with: without a CRC-32 nobody could tell that its bytes are right, and only a seekable place begins in the middle.
 */
export function openLeft(
  { index, cache }: { readonly index: Index; readonly cache: Cache },
  lease: Lease,
  ino: number,
  content: Content,
): LeftBehind | undefined {
  if (lease.prefix < worthIt || content.crc32 === undefined) return undefined;
  if (!isPartialOf(lease.partial, ino, content)) return undefined;
  if (!locationsOf(index, ino).every(({ seekable }) => seekable)) return undefined;
  let fd: number;
  try {
    const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    fd = openSync(`${cache.partial.path}/${lease.partial}`, flags);
  } catch {
    // Swept, or not to be written: it is fetched from its start.
    return undefined;
  }
  const stats = fstatSync(fd);
  const prefix = Math.min(lease.prefix, stats.size);
  if (stats.isFile() && prefix >= worthIt) return { name: lease.partial, fd, prefix };
  closeSync(fd);
  return undefined;
}

/** Whether it still has its name: a process that starts sweeps what no living one works on. */
export function isStillThere({ fd }: LeftBehind): boolean {
  return fstatSync(fd).nlink > 0;
}

/** Hashes what is there, so that the fill goes on behind it. */
export async function hashLeft({ fd, prefix }: LeftBehind): Promise<Hashing> {
  const hashing = hashingOf();
  while (hashing.size < prefix)
    hashing.add(await readAt(fd, hashing.size, Math.min(readStep, prefix - hashing.size)));
  return hashing;
}
