/**
 * A home with a memory source that was really synced, and a cache: what fetch, prefetch and mount tests work on.
 * `openFds` and the logs let a test prove that nothing is left behind.
 */
import { setMaxListeners } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Cache, openCache } from '../../src/cache/cache.ts';
import { createFetcher, type Fetcher, type FetcherRequest } from '../../src/fetch/fetcher.ts';
import type { Opening } from '../../src/fetch/reader-content.ts';
import { getFile } from '../../src/index/items.ts';
import { closeIndex, type Index, openIndex, rootIno } from '../../src/index/open.ts';
import { defaultLayout, type Layout } from '../../src/index/settings.ts';
import { findEntry } from '../../src/index/tree.ts';
import { monotonicMs } from '../../src/model/clock.ts';
import { GphotosfsError } from '../../src/model/errors.ts';
import type { Source } from '../../src/sources/source.ts';
import { sync } from '../../src/sync/sync.ts';
import { uniqueKey } from '../../src/tree/names.ts';
import {
  type MemoryExport,
  type MemoryFile,
  type MemoryItem,
  type MemorySource,
  memorySource,
} from './memory-source.ts';

/** Of readers that never give up. */
export const signal = new AbortController().signal;
setMaxListeners(0, signal);

/** Compares bytes in one step: vitest's `toEqual` takes seconds for a megabyte. */
export function expectBytes(got: Buffer, wanted: Buffer): void {
  expect(got.length).toBe(wanted.length);
  expect(Buffer.compare(got, wanted), 'bytes differ').toBe(0);
}

export async function kindOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof GphotosfsError ? error.kind : String(error)),
  );
}

export interface TestHome {
  readonly folder: string;
  readonly home: string;
  readonly cachePath: string;
  readonly index: Index;
  readonly source: MemorySource;
  readonly cache: Cache;
  readonly logs: string[];
  /** Inodes whose pages the kernel would be told to forget. */
  readonly doubts: number[];
  /** The fetcher, made at its first use. */
  readonly fetcher: Fetcher;
  newFetcher(request?: Partial<FetcherRequest>): Fetcher;
  sync(exports?: readonly MemoryExport[]): Promise<void>;
  /** The inode number of a path in the tree. */
  ino(path: string): number;
  read(path: string, offset?: number, length?: number, signal?: AbortSignal): Promise<Buffer>;
  /** What a reader has that opens it now. */
  opening(path: string): Opening;
  ensure(path: string): Promise<string>;
  /** The file at a path of the cache. */
  cached(path: string): Buffer;
  /** Names in the cache's partial directory. */
  partials(): string[];
  superseded(): string[];
  remove(): Promise<void>;
}

export interface TestHomeOptions {
  readonly exports?: readonly MemoryExport[];
  readonly layout?: Layout;
  readonly cachePath?: string;
  readonly chunkSize?: number;
  /** Other sources that the fetcher takes bytes from. */
  readonly sources?: (source: MemorySource) => readonly Source[];
}

/** One export of one zip. */
export function exportOf(items: readonly MemoryItem[], more: Partial<MemoryExport> = {}): MemoryExport {
  return { id: 'e1', time: 1_600_000_000, items, ...more };
}

/** An item of one file, in 2021. */
export function photo(name: string, bytes: MemoryFile['bytes'], more: Partial<MemoryItem> = {}): MemoryItem {
  return { files: [{ name, bytes }], takenAt: 1_625_097_600, yearFolder: 2021, ...more };
}

/** Bytes that don't repeat within themselves: a block at the wrong place shows. */
export function distinctBytes(seed: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 4)
    bytes.writeUInt32LE((seed * 2_654_435_761 + at) >>> 0, Math.min(at, size - 4));
  return bytes;
}

export async function createTestHome(options: TestHomeOptions = {}): Promise<TestHome> {
  const folder = mkdtempSync(join(tmpdir(), 'gphotosfs-home-'));
  const home = join(folder, 'home');
  const cachePath = options.cachePath ?? join(folder, 'cache');
  const index = openIndex(join(home, 'index.db'));
  const source = memorySource({
    exports: options.exports ?? [],
    ...(options.chunkSize === undefined ? {} : { chunkSize: options.chunkSize }),
  });
  const sources = options.sources?.(source) ?? [source];
  const logs: string[] = [];
  const doubts: number[] = [];
  const fetchers: Fetcher[] = [];
  let cache: Cache | undefined;
  let fetcher: Fetcher | undefined;

  const test: TestHome = {
    folder,
    home,
    cachePath,
    index,
    source,
    logs,
    doubts,
    get cache() {
      cache ??= openCache(cachePath, index);
      return cache;
    },
    get fetcher() {
      fetcher ??= test.newFetcher();
      return fetcher;
    },
    newFetcher(request = {}) {
      const made = createFetcher({
        index,
        cache: test.cache,
        home,
        sources,
        log: (level, message) => logs.push(`${level} ${message}`),
        onDoubt: (ino) => doubts.push(ino),
        ...request,
      });
      fetchers.push(made);
      return made;
    },
    async sync(exports) {
      if (exports !== undefined) source.exports = exports;
      const layout = options.layout ?? defaultLayout;
      const report = await sync({
        index,
        cachePath,
        home,
        layout,
        sources,
        rescan: false,
        signal,
        progress: () => {},
      });
      for (const { error } of report.sources) if (error !== undefined) throw error;
    },
    ino: (path) => inodeOf(index, path),
    read: (path, offset = 0, length = 1 << 30, reader = signal) =>
      test.fetcher.read(inodeOf(index, path), offset, length, reader),
    opening(path) {
      const file = getFile(index, inodeOf(index, path));
      if (file === undefined) throw new Error(`${path} is no file`);
      const { size, crc32 } = file;
      return { openedAt: monotonicMs(), content: { size, crc32 } };
    },
    ensure: (path) => test.fetcher.ensure(inodeOf(index, path), signal).published,
    cached: (path) => readFileSync(join(cachePath, path)),
    partials: () => readdirSync(join(cachePath, '.gphotosfs', 'partial')),
    superseded: () => readdirSync(join(cachePath, '.gphotosfs', 'superseded')),
    async remove() {
      for (const made of fetchers) await made.close();
      cache?.close();
      closeIndex(index);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  if (options.exports !== undefined) await test.sync();
  return test;
}

export function inodeOf(index: Index, path: string): number {
  let ino = rootIno;
  for (const name of path.split('/').filter((part) => part !== '')) {
    const entry = findEntry(index, ino, uniqueKey(name));
    if (entry === undefined || entry.name !== name) throw new Error(`the tree has no ${path}`);
    ino = entry.attributes.ino;
  }
  return ino;
}

/** What this process has open, by path. */
export function openFds(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}
