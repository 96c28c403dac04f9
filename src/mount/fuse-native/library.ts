/**
 * The package `fuse-native`: loaded when a mount asks for it, and typed as far as it is used. It is an addon on
 * libfuse 2 whose last release is of 2020; what it lacks is added here from outside (`native-notes/fuse-native.md`).
 */
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { errorCode, GphotosfsError } from '../../model/errors.ts';

/** 0 or more on success (for reads and attributes: how many bytes), a negated errno on failure; then the result. */
export type Answer<Result extends unknown[] = []> = (status: number, ...result: Result) => void;

/** What `stat` shows; times in milliseconds since 1970, which the package stores unsigned. */
export interface FuseStat {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly nlink: number;
  /** Cut to 32 bits by the package. */
  readonly ino: number;
  readonly blksize: number;
  readonly blocks: number;
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
}

/** `struct statvfs`; every field is cut to 32 bits by the package. */
export interface FuseStatfs {
  readonly bsize: number;
  readonly frsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly namemax: number;
}

/** The operations that this program answers. What is left out, libfuse answers with ENOSYS or a sensible default. */
export interface FuseOperations {
  getattr(path: string, answer: Answer<[FuseStat?]>): void;
  readdir(path: string, answer: Answer<[(readonly string[])?, (readonly FuseStat[])?]>): void;
  readlink(path: string, answer: Answer<[string?]>): void;
  open(path: string, flags: number, answer: Answer<[number?]>): void;
  /** `buffer` is libfuse's own memory: it is detached when the answer is given, and must not be touched after. */
  read(path: string, handle: number, buffer: Buffer, length: number, offset: number, answer: Answer): void;
  release(path: string, handle: number, answer: Answer): void;
  statfs(path: string, answer: Answer<[FuseStatfs?]>): void;
  /** Only says that there are such attributes: the package calls `_op_getxattr` and `_op_listxattr`. */
  readonly getxattr: true;
  readonly listxattr: true;
}

/** Takes the status and the memory it was given, which is detached then. */
export type XattrSignal = (status: number, memory: ArrayBufferLike) => void;

/** The package's class, also what of it is not documented but has to be replaced. */
export interface Fuse {
  open(done: (error?: Error | null) => void): void;
  close(done: (error?: Error | null) => void): void;
  /** Gives the argument that libfuse's fuse_mount and fuse_new take. */
  _fuseOptions: () => string;
  _op_getxattr: (signal: XattrSignal, path: string, name: string, room: Buffer, position: number) => void;
  _op_listxattr: (signal: XattrSignal, path: string, room: Buffer) => void;
  /** One for every libfuse thread there has ever been: the package frees none (see `threadsSeen`). */
  readonly _threads: ReadonlySet<unknown>;
}

export interface FuseClass {
  new (mountPoint: string, operations: unknown, options: { readonly timeout: false }): Fuse;
  unmount: (mountPoint: string, done: (error: Error | null) => void) => void;
}

/** `char mnt[1024]` and `char mntopts[1024]` in the addon, which cuts what is longer. */
export const longestArgument = 1023;

/** Loads the package. @throws `mount`, saying what to install, where it or its library is missing. */
export function loadFuseNative(): FuseClass {
  if (!isMainThread) {
    // Measured: the addon aborts the whole process from a worker's request.
    throw new GphotosfsError('internal', 'the fuse-native driver works on the main thread only');
  }
  let Class: FuseClass;
  try {
    Class = createRequire(import.meta.url)('fuse-native') as FuseClass;
  } catch (error) {
    throw loadError(error);
  }
  // It runs `fusermount -uz "PATH"` in a shell, which would act on $ and ` in the path. Unmounting is done by
  // `unmountPath`, before the package is told, so here is nothing left to do.
  Class.unmount = (_mountPoint, done) => done(null);
  return Class;
}

let leavesAtOnce = false;

/**
 * To be called before a mount is made: the process then leaves by `exit` when nothing is left to do. Node's own
 * teardown frees memory that libfuse's threads go on using, as nothing can end them while a program holds a file of
 * the mount open: 31 of 40 processes ended by SIGSEGV (measured).
 */
export function leaveAtOnce(): void {
  if (leavesAtOnce) return;
  leavesAtOnce = true;
  process.on('beforeExit', () => process.exit());
}

/** Why the package can't be loaded, and what to do. Exported for its test. */
export function loadError(
  error: unknown,
  { platform, arch }: { platform: string; arch: string } = process,
): GphotosfsError {
  const said = error instanceof Error ? error.message : String(error);
  const otherwise = platform === 'linux' ? ', or use --driver kernel, which needs neither' : '';
  if (arch !== 'x64') {
    return new GphotosfsError('mount', `the package fuse-native has no build for ${platform} on ${arch}`, {
      hint:
        platform === 'linux'
          ? 'Use --driver kernel: as root it needs nothing, for ordinary users install the package fuse3.'
          : 'There is no driver for this machine; "gphotosfs prefetch" fills the cache with the same folders.',
      cause: error,
    });
  }
  if (errorCode(error) === 'MODULE_NOT_FOUND' && said.includes("'fuse-native'")) {
    return new GphotosfsError('mount', 'the package fuse-native is not installed', {
      hint: `Install it beside gphotosfs: npm install fuse-native${otherwise}.`,
      cause: error,
    });
  }
  if (said.includes('libfuse.so.2') || said.includes('libosxfuse')) {
    const library = platform === 'darwin' ? 'macFUSE' : 'the library libfuse.so.2';
    const install =
      platform === 'darwin'
        ? 'Install macFUSE from https://macfuse.github.io'
        : 'Install libfuse 2: apt install libfuse2 (libfuse2t64 on newer Debian and Ubuntu), dnf install fuse-libs, or pacman -S fuse2';
    return new GphotosfsError('mount', `fuse-native needs ${library}, which is not installed`, {
      hint: `${install}${otherwise}.`,
      cause: error,
    });
  }
  return new GphotosfsError('mount', `the package fuse-native cannot be loaded: ${said}`, {
    hint: `Install it anew: npm install fuse-native${otherwise}.`,
    cause: error,
  });
}
