/**
 * The fetcher: brings files' bytes into the cache, one fetch a content however many readers and processes want it.
 *
 * A read goes down this ladder: the cached file; bytes that found no room in the cache; a fetch that runs in this
 * process; one that another process runs; else a fetch of our own.
 */
import { setMaxListeners } from 'node:events';
import { closeSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { Cache } from '../cache/cache.ts';
import { createCachedFiles } from '../cache/cached-file.ts';
import { sweepPartials } from '../cache/partial.ts';
import { createPublisher } from '../cache/publish.ts';
import { getFile } from '../index/items.ts';
import { openLeases } from '../index/leases.ts';
import { type Index, reading } from '../index/open.ts';
import { monotonicMs } from '../model/clock.ts';
import { describeFailure, GphotosfsError, toGphotosfsError } from '../model/errors.ts';
import type { Content } from '../model/words.ts';
import type { Source } from '../sources/source.ts';
import { abortable, settled } from './abortable.ts';
import { createSizeCorrection } from './correct-size.ts';
import type { Fetch, FetchParts, FetchTask, Outcome } from './fetch.ts';
import { createFillThreads } from './fill-threads.ts';
import { createFollowing } from './follow.ts';
import { knownSources, type OpenSource } from './known-sources.ts';
import { createFailedPlaces, wantedContent } from './locate.ts';
import { createRangeBlocks } from './range-blocks.ts';
import { readAt } from './read-at.ts';
import { createReaderContent, type Opening } from './reader-content.ts';
import { createRunning, leaseKeys, sameBytes } from './running.ts';

export interface FetcherRequest {
  readonly index: Index;
  readonly cache: Cache;
  /** The folder of the index and its leases. */
  readonly home: string;
  readonly sources: readonly Source[];
  readonly openSource?: OpenSource | undefined;
  readonly log: (level: 'warn' | 'info' | 'debug', message: string) => void;
  /** Told when bytes that readers were given turned out to be doubtful: what the kernel has of them must go. */
  readonly onDoubt?: (ino: number) => void;
}

/** A file that is being brought into the cache. */
export interface Fetching {
  /** Settles when its bytes are known to be right. */
  readonly verified: Promise<unknown>;
  /** Settles when it is in the cache. */
  readonly published: Promise<Outcome>;
}

export interface Fetcher {
  /**
   * Bytes `offset` to `offset + length` of a file, shorter only at its end. Waits until they have been fetched; the
   * last block waits until the whole file has been verified. Rejects with `interrupted` when `signal` fires; the
   * fetch goes on for others.
   *
   * `opening` is the file as the reader opened it. Where bytes that were handed out since proved doubtful, or the file
   * shows others by now, the reader may have some of them: it gets `bad-content` from then on, never bytes of two kinds.
   */
  read(ino: number, offset: number, length: number, signal: AbortSignal, opening?: Opening): Promise<Buffer>;
  /**
   * Brings a file's newest bytes into the cache, from `given` where the caller has a stream of them open. Gives up
   * waiting when `signal` fires; the fetch goes on until `close`.
   */
  ensure(ino: number, signal: AbortSignal, given?: FetchTask['given']): Fetching;
  /** Ends all fetches; what is not published is dropped. */
  close(): Promise<void>;
}

/** Verified bytes that found no room in the cache: so many files stay readable until others push them out. */
const keptLoose = 8;

export function createFetcher(request: FetcherRequest): Fetcher {
  const { index, cache, log } = request;
  const leases = openLeases(request.home);
  const cachedFiles = createCachedFiles(index, cache.root);
  const loose = new LRUCache<number, Fetch>({ max: keptLoose, dispose: (fetch) => fetch.release() });
  const stopping = new AbortController();
  // Each fetch listens to it; there are as many as there are files being read.
  setMaxListeners(0, stopping.signal);
  /** When bytes that had been given to readers last proved doubtful. */
  const doubted = new Map<number, number>();
  const onDoubt = (ino: number) => {
    doubted.set(ino, monotonicMs());
    request.onDoubt?.(ino);
  };
  const readerContent = createReaderContent(index);
  const following = createFollowing(cache, leases, onDoubt, readerContent.learned);
  const parts: FetchParts = {
    index,
    cache,
    cachedFiles,
    leases,
    publisher: createPublisher(index, cache),
    sources: knownSources(request.sources, request.openSource),
    failed: createFailedPlaces(),
    blocks: createRangeBlocks(stopping.signal),
    threads: createFillThreads(stopping.signal),
    correctSize: createSizeCorrection(index, cache),
    signal: stopping.signal,
    log,
    onDoubt,
  };
  const running = createRunning(parts, (ino, fetch) => {
    if (fetch.content.crc32 === undefined) readerContent.learned(ino);
    if (fetch.isLoose()) loose.set(ino, fetch);
    else fetch.release();
  });
  sweep();

  function sweep(): void {
    try {
      sweepPartials(cache.partial, leases.livePartials);
    } catch (error) {
      log('debug', `cannot sweep ${cache.path}: ${toGphotosfsError(error).message}`);
    }
  }

  async function readCached(ino: number, offset: number, length: number): Promise<Buffer | undefined> {
    const fd = cachedFiles.open(ino);
    if (fd === undefined) return undefined;
    try {
      return await readAt(fd, offset, length);
    } finally {
      closeSync(fd);
    }
  }

  function refuseDoubtful(ino: number, opening: Opening | undefined): void {
    following.look();
    if (opening === undefined || (doubted.get(ino) ?? Number.NEGATIVE_INFINITY) < opening.openedAt) return;
    throw new GphotosfsError(
      'bad-content',
      `bytes of "${getFile(index, ino)?.name}" that were read before are wrong`,
      {
        hint: 'Open the file again.',
      },
    );
  }

  async function read(
    ino: number,
    offset: number,
    length: number,
    signal: AbortSignal,
    opening: Opening | undefined,
  ): Promise<Buffer> {
    const since = Date.now();
    for (;;) {
      signal.throwIfAborted();
      stopping.signal.throwIfAborted();
      refuseDoubtful(ino, opening);
      const file = getFile(index, ino);
      if (file === undefined) throw new GphotosfsError('not-found', `inode ${ino} is no file`);
      if (opening !== undefined) readerContent.check(file, opening);
      const wanted = Math.min(length, file.size - offset);
      if (wanted <= 0) return Buffer.alloc(0);
      const cached = await readCached(ino, offset, wanted);
      if (cached !== undefined) return cached;
      const content = wantedContent(index, ino, false);
      if (!sameBytes(content, file)) {
        // What is shown can't be had any more: its revision takes its place first, then it is read.
        await ensureCached(ino, signal, undefined);
        continue;
      }
      const held = loose.get(ino);
      const kept = held !== undefined && sameBytes(held.content, content);
      const fetch = kept
        ? held
        : running.fetchOf(ino, content, { mayBeLoose: true, since, given: undefined });
      if (fetch === undefined) {
        const others = await following.read(leaseKeys(ino, content)[0], ino, content, offset, wanted);
        if (others !== undefined) return others;
        await running.waitForOthers(ino, content, signal);
        continue;
      }
      // Where it did not go on with what a dead process had given to this reader, that is in doubt from now on.
      refuseDoubtful(ino, opening);
      try {
        const fetched = await fetch.read(offset, wanted, signal);
        if (fetched !== undefined) return fetched;
        await settled(fetch.published, signal);
      } catch (error) {
        // Where nothing of a failed attempt was seen, the next place may serve; when none is left, it says so.
        if (signal.aborted) throw error;
        await settled(fetch.published, signal);
        if (!fetch.mayRetry() && !fetch.gaveUp()) throw error;
      }
    }
  }

  async function ensureCached(ino: number, signal: AbortSignal, given: FetchTask['given']): Promise<Outcome> {
    const since = Date.now();
    let attempt = given;
    for (;;) {
      signal.throwIfAborted();
      stopping.signal.throwIfAborted();
      const content = reading(index, () => missingContent(ino));
      if (content === undefined) return 'cached';
      const fetch = running.fetchOf(ino, content, { mayBeLoose: false, since, given: attempt });
      if (fetch === undefined) {
        await running.waitForOthers(ino, content, signal);
        continue;
      }
      try {
        return await abortable(fetch.published, signal);
      } catch (error) {
        if (signal.aborted || !fetch.mayRetry()) throw error;
        attempt = undefined;
      }
    }
  }

  /** The content that the file shall have in the cache; undefined where it has. */
  function missingContent(ino: number): Content | undefined {
    const content = wantedContent(index, ino, true);
    const file = getFile(index, ino);
    if (file === undefined || !sameBytes(file, content)) return content;
    const fd = cachedFiles.open(ino);
    if (fd === undefined) return content;
    closeSync(fd);
    return undefined;
  }

  function explain(error: unknown, signal: AbortSignal): GphotosfsError {
    if (signal.aborted) return new GphotosfsError('interrupted', 'the reader gave up');
    if (stopping.signal.aborted) return new GphotosfsError('interrupted', 'gphotosfs is stopping');
    return toGphotosfsError(error);
  }

  return {
    read: (ino, offset, length, signal, opening) =>
      read(ino, offset, length, signal, opening).catch((error: unknown) => {
        const known = explain(error, signal);
        if (known.kind !== 'interrupted')
          log('warn', `${getFile(index, ino)?.name}: ${describeFailure(known)}`);
        throw known;
      }),
    ensure(ino, signal, given) {
      const published = ensureCached(ino, signal, given).catch((error: unknown) => {
        throw explain(error, signal);
      });
      const fetch = running.get(ino);
      const verified = fetch === undefined ? published : abortable(fetch.verified, signal);
      for (const promise of [verified, published]) promise.catch(() => {});
      return { verified, published };
    },
    async close() {
      stopping.abort(new GphotosfsError('interrupted', 'gphotosfs is stopping'));
      await running.ended();
      await parts.sources.close();
      loose.clear();
      following.close();
      cachedFiles.close();
      leases.close();
    },
  };
}
