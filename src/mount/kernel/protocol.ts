/**
 * The kernel's FUSE protocol as far as a read-only file system speaks it: numbers and layouts of
 * <linux/fuse.h>, protocol 7.40. Offsets are bytes from the start of the message unless a name says otherwise.
 *
 * A request is a 40-byte header (`fuse_in_header`) and arguments; an answer is a 16-byte header
 * (`fuse_out_header`) and data. Integers are in the machine's byte order; all machines that Node and this
 * code support are little-endian, and `kernel-driver.ts` refuses others.
 */

/** The protocol version spoken. The lower minor of both sides applies. */
export const major = 7;
export const minor = 40;
/** The oldest minor whose layouts are the ones below: 7.23 (Linux 3.15) gave INIT its present length. */
export const oldestMinor = 23;

/** `enum fuse_opcode`. */
export const opcode = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  setxattr: 21,
  getxattr: 22,
  listxattr: 23,
  removexattr: 24,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  access: 34,
  create: 35,
  interrupt: 36,
  destroy: 38,
  ioctl: 39,
  batchForget: 42,
  fallocate: 43,
  readdirplus: 44,
  rename2: 45,
  copyFileRange: 47,
  tmpfile: 51,
} as const;

/** `struct fuse_in_header`: length u32, opcode u32, unique u64, nodeid u64, uid, gid, pid u32. */
export const request = { opcode: 4, unique: 8, nodeid: 16, body: 40 } as const;

/** `struct fuse_out_header`: length u32, error i32 (negative errno, or a notification's code), unique u64. */
export const answerHeaderLength = 16;

/** `struct fuse_init_in`. */
export const initIn = { major: 40, minor: 44, maxReadahead: 48, flags: 52, flags2: 56 } as const;

/** Bits of the 32-bit flags of INIT. */
export const initFlag = {
  /** Several reads of one file at once. */
  asyncRead: 1 << 0,
  /** Listings with attributes. */
  doReaddirplus: 1 << 13,
  /** Lookups and listings of one directory at once. */
  parallelDirops: 1 << 18,
  /** `max_pages` in the answer says how long one read may be. */
  maxPages: 1 << 22,
  /** The kernel keeps link targets. */
  cacheSymlinks: 1 << 23,
  /** Both sides have a second word of flags. */
  initExt: 1 << 30,
} as const;

/** Bits of the second word, which a kernel since 5.17 has. */
export const initFlag2 = {
  /** The kernel can read a file that it is shown by itself (Linux 6.9). */
  passthrough: 1 << 5,
} as const;

/** `struct fuse_getxattr_in`: size u32, padding, then the name. */
export const getxattrIn = { size: 40, name: 48 } as const;

/** `struct fuse_open_in`. */
export const openIn = { flags: 40 } as const;

/** Flags of the answer to OPEN and OPENDIR. */
export const openFlag = {
  directIo: 1 << 0,
  keepCache: 1 << 1,
  cacheDir: 1 << 3,
  /** Its close asks nothing (Linux 5.16; ignored by older ones). */
  noFlush: 1 << 5,
  passthrough: 1 << 7,
} as const;

/** `struct fuse_backing_map`, of which the descriptor is not 0; and the ioctls that take it, and what it gave, back. */
export const backingMapLength = 16;
export const ioctlBackingOpen = 0x4010_e501;
export const ioctlBackingClose = 0x4004_e502;

/** `struct fuse_read_in`, for READ, READDIR and READDIRPLUS; FLUSH, RELEASE and RELEASEDIR also start with the handle. */
export const readIn = { handle: 40, offset: 48, size: 56 } as const;

/** `struct fuse_access_in`. */
export const accessIn = { mask: 40 } as const;

/** `struct fuse_forget_in`, and `struct fuse_batch_forget_in` with its `struct fuse_forget_one`s. */
export const forgetIn = { count: 40 } as const;
export const batchForgetIn = { count: 40, first: 48, length: 16 } as const;

/** `struct fuse_interrupt_in`: the `unique` of the request that is given up. */
export const interruptIn = { unique: 40 } as const;

/** Lengths of answers' bodies. */
export const initOutLength = 64;
export const entryOutLength = 128;
export const attrOutLength = 104;
export const openOutLength = 16;
export const statfsOutLength = 80;
export const xattrSizeOutLength = 8;
/** `struct fuse_dirent` before the name; a record is padded to 8 bytes. */
export const direntLength = 24;

/** `enum fuse_notify_code`. */
export const notification = { invalidateInode: 2, invalidateEntry: 3, store: 4 } as const;

/** `struct fuse_notify_inval_inode_out`: inode u64, offset i64, length i64. */
export const invalidateInodeOutLength = 24;
/** `struct fuse_notify_store_out` before the data: inode u64, offset u64, size u32, padding. */
export const storeOutLength = 24;

/** One READ at most: 256 pages, the most a kernel grants (`FUSE_MAX_MAX_PAGES`). Also the mount option `max_read`. */
export const maxPages = 256;
export const maxRead = maxPages * 4096;

/**
 * The longest request: names, and extended attributes of up to 64 KiB. The kernel wants at least 8 KiB
 * (`FUSE_MIN_READ_BUFFER`) and packs as many forgets into one request as fit.
 */
export const requestCapacity = 128 * 1024;

/** The longest name in a directory, bytes. */
export const nameMax = 255;

/**
 * A 64-bit unsigned field. Exact below 2^53: inode numbers and file offsets are smaller, and `unique` counts
 * up from 2 by 2, so it gets there after a century at a million requests a second.
 */
export function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
}

/** Writes a whole number of up to 53 bits as a 64-bit field, two's complement. */
export function writeInt64(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32LE(value >>> 0, at);
  bytes.writeInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}
