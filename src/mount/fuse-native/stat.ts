/** The index's attributes as the package wants them, inside its limits: unsigned times, 32-bit counts. */
import type { Attributes } from '../driver.ts';
import type { StatFs } from '../filesystem.ts';
import type { FuseStat, FuseStatfs } from './library.ts';

/** Owner and permissions of everything in the mount. */
export interface Presentation {
  readonly uid: number;
  readonly gid: number;
  readonly umask: number;
}

const blockSize = 4096;
const two32 = 0x1_0000_0000;
/** Linux's NAME_MAX, which the kernel also holds names to. */
export const nameMax = 255;

/** `S_IF…` of <sys/stat.h> with permissions; a link has none of its own. */
function modeOf(kind: Attributes['kind'], umask: number): number {
  if (kind === 'directory') return 0o040000 | (0o555 & ~umask);
  if (kind === 'symlink') return 0o120777;
  return 0o100000 | (0o444 & ~umask);
}

/** What `stat` shows. A time before 1970 becomes 1970: the package would show the year 584556014 (measured). */
export function statOf(attributes: Attributes, { uid, gid, umask }: Presentation): FuseStat {
  const { ino, kind, size, nlink } = attributes;
  const mtime = milliseconds(attributes.mtime);
  const ctime = milliseconds(attributes.ctime);
  const blocks = Math.ceil(size / 512);
  const mode = modeOf(kind, umask);
  return { mode, uid, gid, size, nlink, ino, blksize: blockSize, blocks, atime: mtime, mtime, ctime };
}

function milliseconds(seconds: number): number {
  return Math.max(0, Math.floor(seconds * 1000));
}

/** What `statfs` shows: where the blocks are too many to count in 32 bits, fewer and bigger ones. */
export function statfsOf(statfs: StatFs): FuseStatfs {
  let scale = 1;
  while (statfs.blocks / scale >= two32) scale *= 2;
  const size = statfs.blockSize * scale;
  const free = Math.floor(statfs.blocksFree / scale);
  return {
    bsize: size,
    frsize: size,
    blocks: Math.floor(statfs.blocks / scale),
    bfree: free,
    bavail: free,
    files: Math.min(statfs.files, two32 - 1),
    namemax: nameMax,
  };
}
