/**
 * From paths to inodes. libfuse's high-level interface names everything by its path from the root, so each request
 * would look up every directory on the way; these are remembered, as a name once given is never taken back.
 */
import { LRUCache } from 'lru-cache';
import { rootIno } from '../../index/open.ts';
import type { Attributes } from '../driver.ts';
import { errno } from '../errno.ts';
import type { Filesystem } from '../filesystem.ts';
import { Refusal } from './refusal.ts';
import { nameMax } from './stat.ts';

/** Directories remembered: all years and some thousand albums. */
const remembered = 4096;

export interface Paths {
  /** @throws Refusal: ENOENT, ENOTDIR, ENAMETOOLONG */
  resolve(path: string): Attributes;
}

/**
 * Names agree byte for byte, with one exception that the package makes: bytes that are no UTF-8 arrive as U+FFFD, so
 * such a name finds an entry that has U+FFFD in the same places, if there is one.
 */
export function createPaths(filesystem: Filesystem): Paths {
  const directories = new LRUCache<string, number>({ max: remembered });

  function directoryIno(path: string): number {
    if (path === '') return rootIno;
    const known = directories.get(path);
    if (known !== undefined) return known;
    const { ino, kind } = find(path);
    // Links on the way are followed by the kernel, never here.
    if (kind !== 'directory') throw new Refusal(errno.ENOTDIR);
    directories.set(path, ino);
    return ino;
  }

  function find(path: string): Attributes {
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    // At most three bytes a UTF-16 unit, so most names need no counting.
    if (name.length > nameMax / 3 && Buffer.byteLength(name) > nameMax) throw new Refusal(errno.ENAMETOOLONG);
    return present(filesystem.lookup(directoryIno(path.slice(0, slash)), name));
  }

  return {
    resolve(path) {
      if (path === '/') return present(filesystem.getattr(rootIno));
      const known = directories.get(path);
      const attributes = known === undefined ? undefined : filesystem.getattr(known);
      return attributes ?? find(path);
    },
  };
}

function present(attributes: Attributes | undefined): Attributes {
  if (attributes === undefined) throw new Refusal(errno.ENOENT);
  return attributes;
}
