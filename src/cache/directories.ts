/**
 * The cache's directories, reached without following links: a cache on a share that others can write must not
 * lead outside of itself.
 *
 * Node has no openat(2). On Linux a name below `/proc/self/fd/N` is looked up in the directory that is open as N,
 * which gives the same: each directory is opened inside its parent, with O_NOFOLLOW. Elsewhere the path is checked
 * part by part, which a swap at the right moment can beat.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
} from 'node:fs';
import { errorCode, GphotosfsError } from '../model/errors.ts';

/** A directory of the cache, open. */
export interface Directory {
  readonly fd: number;
  /** Path under which names in this directory are reached. */
  readonly path: string;
}

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY;

function opened(fd: number, path: string): Directory {
  return { fd, path: process.platform === 'linux' ? `/proc/self/fd/${fd}` : path };
}

/** Where an open file can be opened once more by its descriptor's number. */
export const descriptorPath = (fd: number): string =>
  `${process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd'}/${fd}`;

/** Opens the cache's root. The owner named it, so links on the way to it are followed. */
export function openRoot(path: string): Directory {
  return opened(openSync(path, directoryFlags), path);
}

export function closeDirectory(directory: Directory): void {
  closeSync(directory.fd);
}

/** What is done about a directory that is missing. */
export interface OpenOptions {
  /** Makes it, with these permissions (the umask is taken off). */
  readonly create?: number;
}

/** Permissions of what people shall see. */
export const publicMode = 0o777;

/**
 * Opens the directory that `names` lead to from `root`; with `create`, makes what is missing.
 * @throws `not-found` where one is missing, `bad-cache` where something else than a directory has its name
 */
export function openDirectory(
  root: Directory,
  names: readonly string[],
  options: OpenOptions = {},
): Directory {
  let at = root;
  try {
    for (const name of names) {
      const next = openBelow(at, name, options.create);
      if (at !== root) closeDirectory(at);
      at = next;
    }
    return at === root ? opened(openSync(`${root.path}/.`, directoryFlags), root.path) : at;
  } catch (error) {
    if (at !== root) closeDirectory(at);
    throw error;
  }
}

function openBelow(parent: Directory, name: string, create: number | undefined): Directory {
  const path = `${parent.path}/${name}`;
  try {
    if (process.platform !== 'linux' && lstatSync(path).isSymbolicLink()) throw notADirectory(name);
    return opened(openSync(path, directoryFlags | constants.O_NOFOLLOW), path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' && create !== undefined) {
      makeDirectory(parent, path, create);
      return openBelow(parent, name, undefined);
    }
    if (code === 'ENOENT')
      throw new GphotosfsError('not-found', `the cache has no "${name}"`, { cause: error });
    if (code === 'ENOTDIR' || code === 'ELOOP') throw notADirectory(name);
    throw error;
  }
}

/** Its name is on disk before anything is put into it. */
function makeDirectory(parent: Directory, path: string, mode: number): void {
  try {
    mkdirSync(path, mode);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  fsyncSync(parent.fd);
}

function notADirectory(name: string): GphotosfsError {
  return new GphotosfsError(
    'bad-cache',
    `"${name}" in the cache is a link or a file where a directory belongs`,
    {
      hint: 'Find out who put it there and move it away; gphotosfs does not touch it.',
    },
  );
}

/** A regular file, open for reading. */
export interface OpenedRegular {
  readonly fd: number;
  readonly stats: Stats;
}

/**
 * Opens a regular file of a directory for reading. Nothing is waited for.
 * @throws `not-found`; `bad-cache` for a link, directory, FIFO or device
 */
export function openRegular(directory: Directory, name: string): OpenedRegular {
  // O_NONBLOCK: opening a FIFO that someone put there must not wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let fd: number;
  try {
    fd = openSync(`${directory.path}/${name}`, flags);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT')
      throw new GphotosfsError('not-found', `the cache has no "${name}"`, { cause: error });
    if (code === 'ELOOP' || code === 'ENXIO') throw notRegular(name);
    throw error;
  }
  const stats = fstatSync(fd);
  if (stats.isFile()) return { fd, stats };
  closeSync(fd);
  throw notRegular(name);
}

function notRegular(name: string): GphotosfsError {
  return new GphotosfsError('bad-cache', `"${name}" in the cache is no regular file`, {
    hint: 'Find out who put it there and move it away; gphotosfs does not touch it.',
  });
}
