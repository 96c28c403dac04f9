/**
 * The operations, each answered exactly once whatever happens: an exception that got out of a handler would end the
 * process, and a request without an answer leaves its program in a sleep that even SIGKILL cannot end (measured).
 */
import { setImmediate as otherWork } from 'node:timers/promises';
import type { DirectoryEntry, MountRequest } from '../driver.ts';
import { errno, errnoOf } from '../errno.ts';
import type { Filesystem } from '../filesystem.ts';
import { foreignSpaces } from '../xattr.ts';
import type { FuseOperations, FuseStat, XattrSignal } from './library.ts';
import type { OpenFiles } from './open-files.ts';
import { createPaths } from './paths.ts';
import { Refusal } from './refusal.ts';
import { type Presentation, statfsOf, statOf } from './stat.ts';

export interface Operations {
  readonly operations: FuseOperations;
  /** In the package's own terms, for its versions would write over the end of the caller's room. */
  readonly getxattr: (signal: XattrSignal, path: string, name: string, room: Buffer) => void;
  readonly listxattr: (signal: XattrSignal, path: string, room: Buffer) => void;
}

export interface OperationsRequest {
  readonly filesystem: Filesystem;
  readonly files: OpenFiles;
  readonly presentation: Presentation;
  readonly log: MountRequest['log'];
}

/** `O_ACCMODE` of <fcntl.h>; reading is 0. */
const accessMode = 3;
/** Rows of a listing read at once, 1 to 2 ms: other requests come in between. */
const batch = 512;
/** What `getxattr` says where there is no such attribute; macOS has a number of its own that Node doesn't name. */
const noAttribute = process.platform === 'darwin' ? 93 : errno.ENODATA;
/** Requests that change something. The mount is `ro`, so a kernel sends none; if one does, this is the answer. */
const writing =
  'truncate ftruncate utimens chown chmod mknod setxattr removexattr write create unlink rename link symlink mkdir rmdir'.split(
    ' ',
  );

export function createOperations({ filesystem, files, presentation, log }: OperationsRequest): Operations {
  const paths = createPaths(filesystem);

  /** The negated errno of what a request ended with; what isn't by the rules is logged. */
  function failure(operation: string, path: string, error: unknown): number {
    if (error instanceof Refusal) return -error.errno;
    const reason = error instanceof Error ? error.message : String(error);
    log('warn', `${operation} ${path}: ${reason}`);
    return -errnoOf(error);
  }

  const operations: FuseOperations = {
    getattr(path, answer) {
      let stat: FuseStat;
      try {
        stat = statOf(paths.resolve(path), presentation);
      } catch (error) {
        return answer(failure('getattr', path, error));
      }
      answer(0, stat);
    },

    readdir(path, answer) {
      list(path).then(
        ({ names, stats }) => answer(0, names, stats),
        (error: unknown) => answer(failure('readdir', path, error)),
      );
    },

    readlink(path, answer) {
      let target: string;
      try {
        target = filesystem.readlink(paths.resolve(path).ino);
      } catch (error) {
        return answer(failure('readlink', path, error));
      }
      answer(0, target);
    },

    open(path, flags, answer) {
      let handle: number;
      try {
        if ((flags & accessMode) !== 0) throw new Refusal(errno.EROFS);
        handle = files.open(paths.resolve(path).ino);
      } catch (error) {
        return answer(failure('open', path, error));
      }
      answer(0, handle);
    },

    read(path, handle, buffer, length, offset, answer) {
      files.read(handle, buffer.subarray(0, length), offset).then(answer, (error: unknown) => {
        answer(failure('read', path, error));
      });
    },

    release(path, handle, answer) {
      try {
        files.release(handle);
      } catch (error) {
        return answer(failure('release', path, error));
      }
      answer(0);
    },

    statfs(path, answer) {
      let statfs: ReturnType<typeof statfsOf>;
      try {
        statfs = statfsOf(filesystem.statfs());
      } catch (error) {
        return answer(failure('statfs', path, error));
      }
      answer(0, statfs);
    },

    getxattr: true,
    listxattr: true,
  };

  /** A whole directory, as the package wants it. The stats give each entry its inode number and kind. */
  async function list(path: string): Promise<{ names: string[]; stats: FuseStat[] }> {
    const directory = paths.resolve(path);
    const above = filesystem.getattr(filesystem.parentOf(directory.ino)) ?? directory;
    const names = ['.', '..'];
    const stats = [statOf(directory, presentation), statOf(above, presentation)];
    for (let after = 0; ; await otherWork()) {
      const entries: readonly DirectoryEntry[] = filesystem.readdir(directory.ino, after, batch);
      for (const { name, attributes, cookie } of entries) {
        names.push(name);
        stats.push(statOf(attributes, presentation));
        after = cookie;
      }
      if (entries.length < batch) return { names, stats };
    }
  }

  /** Answers with bytes, or only with their number where the caller gives no room; ERANGE where too little (xattr(7)). */
  function answerXattr(
    operation: string,
    path: string,
    signal: XattrSignal,
    room: Buffer,
    get: () => Buffer,
  ) {
    let status: number;
    try {
      const value = get();
      if (room.length > 0 && value.length > room.length) throw new Refusal(errno.ERANGE);
      value.copy(room);
      status = value.length;
    } catch (error) {
      status = failure(operation, path, error);
    }
    signal(status, room.buffer);
  }

  return {
    operations: { ...operations, ...refusingWrites() },
    getxattr: (signal, path, name, room) =>
      answerXattr('getxattr', path, signal, room, () => {
        if (foreignSpaces.some((space) => name.startsWith(space))) throw new Refusal(errno.EOPNOTSUPP);
        const value = filesystem.getxattr(paths.resolve(path).ino, name);
        if (value === undefined) throw new Refusal(noAttribute);
        return value;
      }),
    listxattr: (signal, path, room) =>
      answerXattr('listxattr', path, signal, room, () => {
        const names = filesystem.listxattr(paths.resolve(path).ino);
        return Buffer.from(names.map((name) => `${name}\0`).join(''));
      }),
  };
}

/** An operation for each writing request; the answer is its last argument. */
function refusingWrites(): Record<string, (...args: unknown[]) => void> {
  const refuse = (...args: unknown[]) => (args.at(-1) as (status: number) => void)(-errno.EROFS);
  return Object.fromEntries(writing.map((name) => [name, refuse]));
}
