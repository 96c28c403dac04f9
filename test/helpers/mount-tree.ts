/**
 * A library made by hand for mount tests: an index with any names, sizes and times, and a cache with real files.
 * Rows are written through the index's own functions, so the mount reads what a sync would have left.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { putCached } from '../../src/index/cached.ts';
import { addFile, addItem, nextItem } from '../../src/index/items.ts';
import { putArchive, putLocation } from '../../src/index/locations.ts';
import { closeIndex, type Index, openIndex, rootIno, statement, transaction } from '../../src/index/open.ts';
import { putSource } from '../../src/index/sources.ts';
import {
  addEntry,
  addInode,
  changeInode,
  getInode,
  nextCookie,
  nextIno,
  pathOf,
} from '../../src/index/tree.ts';
import { uniqueKey } from '../../src/tree/names.ts';

/** 2021-07-01, for whatever has no time of its own in a test. */
export const someTime = 1_625_097_600;

export interface TestFile {
  readonly size: number;
  readonly mtime?: number;
  readonly ctime?: number;
  /** `user.gphotosfs.description`. */
  readonly description?: string;
  /** Where its bytes are; `remote` by default. */
  readonly state?: 'remote' | 'unavailable';
}

/** A temporary folder with an index, a cache and a mount point. */
export interface TestTree {
  readonly folder: string;
  readonly indexPath: string;
  readonly cachePath: string;
  readonly mountPoint: string;
  readonly index: Index;
  addDirectory(parent: number, name: string, mtime?: number): number;
  addFile(parent: number, name: string, file: TestFile): number;
  addLink(parent: number, name: string, target: string): number;
  /** Puts a file's bytes into the cache and records them, as publishing does. */
  cacheFile(ino: number, bytes: Buffer): string;
  /** Runs many additions in one transaction. */
  inBulk(work: () => void): void;
  remove(): void;
}

export function createTestTree(): TestTree {
  const folder = mkdtempSync(join(tmpdir(), 'gphotosfs-mount-'));
  const [indexPath, cachePath] = [join(folder, 'home', 'index.db'), join(folder, 'cache')];
  const mountPoint = join(folder, 'mnt with space');
  for (const directory of [cachePath, mountPoint]) mkdirSync(directory);
  const index = openIndex(indexPath);
  putSource(index, 'test', 'test');
  const archive = putArchive(index, 'test', {
    name: 'test.zip',
    exportId: 'test',
    exportTime: someTime,
    fingerprint: 'test',
    sequential: false,
  });
  // A library that was synced has an item per photo; one for all of them will do where nobody looks.
  const items = new Map<string, number>();

  function itemOf(description: string | undefined): number {
    const key = description ?? '';
    let item = items.get(key);
    if (item === undefined) {
      item = nextItem(index);
      addItem(index, item, {
        account: 'test',
        photoId: undefined,
        title: 'test',
        takenAt: someTime,
        provisional: false,
        factsTime: someTime,
        description: description === undefined ? {} : { description },
      });
      items.set(key, item);
    }
    return item;
  }

  function add(
    kind: 'file' | 'directory' | 'symlink',
    parent: number,
    name: string,
    rest: { size: number; mtime: number; ctime: number; target?: string },
  ): number {
    const cookie = nextCookie(index);
    const nlink = kind === 'directory' ? 2 : 1;
    const ino = nextIno(index);
    addInode(index, { ino, kind, nlink, parent, cookie, ...rest });
    addEntry(index, { parent, cookie, name, key: uniqueKey(name), ino });
    const above = getInode(index, parent);
    if (kind === 'directory' && above !== undefined) changeInode(index, { ...above, nlink: above.nlink + 1 });
    return ino;
  }

  return {
    folder,
    indexPath,
    cachePath,
    mountPoint,
    index,
    addDirectory: (parent, name, mtime = someTime) =>
      add('directory', parent, name, { size: 0, mtime, ctime: mtime }),
    addFile(parent, name, { size, mtime = someTime, ctime = mtime, description, state = 'remote' }) {
      const ino = add('file', parent, name, { size, mtime, ctime });
      addFile(index, { ino, item: itemOf(description), role: 'original', name, size, crc32: undefined });
      if (state === 'remote') {
        const place = { offset: ino, address: '', seekable: true };
        putLocation(index, archive, ino, { archive: 'test.zip', ...place }, { size, crc32: undefined });
      }
      return ino;
    },
    addLink: (parent, name, target) =>
      add('symlink', parent, name, {
        size: Buffer.byteLength(target),
        mtime: someTime,
        ctime: someTime,
        target,
      }),
    cacheFile(ino, bytes) {
      const path = join(cachePath, ...(pathOf(index, ino) ?? []));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
      recordCached(index, ino, path);
      return path;
    },
    inBulk: (work) => transaction(index, work),
    remove() {
      closeIndex(index);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Records the file at `path` as the cached bytes of `ino`. */
export function recordCached(index: Index, ino: number, path: string): void {
  const stats = statSync(path);
  putCached(index, ino, {
    size: stats.size,
    sha256: Buffer.alloc(32),
    mtimeMs: stats.mtimeMs,
    ctimeMs: stats.ctimeMs,
    cacheIno: stats.ino,
  });
}

/** Takes an entry out, as `forget` will. */
export function removeEntry(index: Index, parent: number, name: string): void {
  statement(index, 'DELETE FROM entry WHERE parent = ? AND name = ?').run(parent, name);
}

export { rootIno };
