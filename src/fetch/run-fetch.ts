/**
 * One fetch from its start to the cache: recheck what lies there already, copy a twin, or fill from the best place;
 * then publish. Its readers are served while it fills.
 */
import type { Cache } from '../cache/cache.ts';
import type { CachedFiles } from '../cache/cached-file.ts';
import { copyTwin } from '../cache/copy-twin.ts';
import { removePartial } from '../cache/partial.ts';
import type { Publisher } from '../cache/publish.ts';
import { recheckFile } from '../cache/recheck.ts';
import { getFile } from '../index/items.ts';
import type { Leases } from '../index/leases.ts';
import type { Index } from '../index/open.ts';
import { toGphotosfsError } from '../model/errors.ts';
import type { Content, Location } from '../model/words.ts';
import type { Source } from '../sources/source.ts';
import { abortable } from './abortable.ts';
import { correctSize } from './correct-size.ts';
import { type Fill, type Filled, heldBack, startFill } from './fill.ts';
import type { FillThreads } from './fill-threads.ts';
import { choosePlace, type FailedPlaces, type Place } from './locate.ts';
import type { RangeBlocks } from './range-blocks.ts';
import { createVessel } from './vessel.ts';

/** What all fetches of a process share. */
export interface FetchParts {
  readonly index: Index;
  readonly cache: Cache;
  readonly cachedFiles: CachedFiles;
  readonly leases: Leases;
  readonly publisher: Publisher;
  readonly sources: ReadonlyMap<string, Source>;
  readonly failed: FailedPlaces;
  readonly blocks: RangeBlocks;
  readonly threads: FillThreads;
  /** Fires when the process stops. */
  readonly signal: AbortSignal;
  readonly log: (level: 'warn' | 'info' | 'debug', message: string) => void;
  /** Told when bytes that readers were given turned out to be doubtful. */
  readonly onDoubt: (ino: number) => void;
}

export interface FetchTask {
  readonly ino: number;
  /** Of the partial file. */
  readonly name: string;
  /** Of the file's lease, under which others are told how far it is. */
  readonly key: string;
  readonly content: Content;
  /** It is for a reader, who is served also where the cache can't take the bytes. */
  readonly mayBeLoose: boolean;
  /** When it was asked for, ms: places that failed since then are not tried again. */
  readonly since: number;
  /** A stream of the bytes that the caller has open. */
  readonly given: { readonly location: Location; readonly bytes: AsyncIterable<Buffer> } | undefined;
}

export interface Fetch {
  readonly content: Content;
  /** Bytes of the file; undefined where they lay in the cache already: look there. */
  read(offset: number, length: number, signal: AbortSignal): Promise<Buffer | undefined>;
  /** Settles when the bytes are known to be right. */
  readonly verified: Promise<unknown>;
  readonly published: Promise<Outcome>;
  /** After a failure: whether it was the source's, and no reader has seen any of its bytes. */
  mayRetry(): boolean;
  /** It ended because the cache can't take the bytes, and no reader was there that wanted them all the same. */
  gaveUp(): boolean;
  isVerified(): boolean;
  /** Verified, but not in the cache: its bytes live as long as this fetch is kept. */
  isLoose(): boolean;
  /** Gives up the owner's hold; the file is closed when its last reader is done. */
  release(): void;
}

/** How a file came to be in the cache: it lay there already, was fetched, or copied from one with equal bytes. */
export type Outcome = 'cached' | 'fetched' | 'copied';

/** A jump so far ahead of the fill is served by ranges: the fill needs longer for it than a request takes. */
const farSeek = 8 << 20;
/** How often other processes are told how far a fetch is, ms: small files are done before the first time. */
const tellEveryMs = 200;

/** Where a fetch gets its bytes from. */
type Origin =
  | { readonly outcome: 'cached' }
  | { readonly outcome: 'copied' | 'fetched'; readonly filled: Filled }
  | Filling;

interface Filling {
  readonly outcome: 'fetched';
  readonly fill: Fill;
  readonly place: Place | undefined;
}

/** Starts a fetch. Failures are in its promises, which need not be looked at. */
export function startFetch(parts: FetchParts, task: FetchTask): Fetch {
  const { index, cache, log } = parts;
  const { ino, content } = task;
  const label = getFile(index, ino)?.name ?? String(ino);
  /** Someone reads along, or may: then the bytes are wanted also where the cache can't take them. */
  let isRead = task.mayBeLoose;
  const vessel = createVessel({ cache, name: task.name, label, mayBeLoose: () => isRead, log });
  let seen = false;
  let retry = false;
  let isVerified = false;
  let isLoose = false;
  let isOver = false;

  const origin = findOrigin();
  const verified = origin.then(verify);
  const published = verified.then(publish);
  for (const promise of [origin, verified, published]) promise.catch(() => {});
  void verified
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });

  async function findOrigin(): Promise<Origin> {
    if (await liesThere()) return { outcome: 'cached' };
    const filled = await copy();
    if (filled !== undefined) return { outcome: 'copied', filled };
    const { given } = task;
    const place =
      given === undefined
        ? choosePlace(index, parts.sources, parts.failed, ino, content, task.since)
        : undefined;
    const threaded = await fillInThread(place);
    if (threaded !== undefined) return { outcome: 'fetched', filled: threaded };
    const bytes = place?.source.open(place.location, { signal: parts.signal }) ?? given?.bytes ?? nothing();
    const fill = startFill({
      name: label,
      fd: vessel.create(),
      expected: content,
      bytes,
      signal: parts.signal,
      progress: tellOthers(),
      replace: vessel.moveOut,
    });
    return { outcome: 'fetched', fill, place };
  }

  /** Where nobody reads along, a thread may do all of it; what goes wrong there is done again here, and told. */
  async function fillInThread(place: Place | undefined): Promise<Filled | undefined> {
    if (place === undefined || isRead) return undefined;
    const filling = parts.threads.fill({
      source: place.source,
      location: place.location,
      content,
      directory: cache.partial,
      name: task.name,
    });
    const threaded = await filling?.catch((error: unknown) => {
      log('debug', `a thread could not fetch "${label}": ${toGphotosfsError(error).message}`);
      return undefined;
    });
    if (threaded === undefined) return undefined;
    vessel.take({ fd: threaded.fd, name: task.name });
    return threaded.filled;
  }

  /** What has the file's name may be right, though the index has no record of it, or another. */
  async function liesThere(): Promise<boolean> {
    try {
      return (await recheckFile(index, cache, ino)) && isShown();
    } catch (error) {
      log('debug', `cannot check what lies under "${label}": ${toGphotosfsError(error).message}`);
      return false;
    }
  }

  /** Whether the file shows what is wanted (not so while its revision is still to be fetched). */
  function isShown(): boolean {
    const shown = getFile(index, ino);
    return shown?.size === content.size && (content.crc32 === undefined || shown.crc32 === content.crc32);
  }

  async function copy(): Promise<Filled | undefined> {
    try {
      const copied = await copyTwin(index, cache, parts.cachedFiles, ino, content, task.name);
      if (copied === undefined) return undefined;
      vessel.take(copied.partial);
      return { content: copied.content, sha256: copied.content.sha256 };
    } catch (error) {
      // A copy that fails (disk full) costs nothing: the bytes are fetched as if there were no twin.
      log('debug', `cannot copy the twin of "${label}": ${toGphotosfsError(error).message}`);
      removePartial(cache.partial, task.name);
      return undefined;
    }
  }

  async function verify(from: Origin): Promise<{ outcome: Outcome; filled: Filled | undefined }> {
    if (from.outcome === 'cached') return { outcome: 'cached', filled: undefined };
    const filled = 'filled' in from ? from.filled : await finish(from);
    isVerified = true;
    return { outcome: from.outcome, filled };
  }

  async function finish({ fill, place }: Filling): Promise<Filled> {
    try {
      return await fill.done;
    } catch (error) {
      if (seen) parts.onDoubt(ino);
      const isSources = vessel.refusal() === undefined && !parts.signal.aborted;
      const location = place?.location ?? task.given?.location;
      if (isSources && location !== undefined) {
        if (correctSize(index, cache, ino, location, error)) {
          log('info', `the size of "${label}" was listed wrong and is put right`);
          // Also for those who have read nothing yet: they were told the wrong size.
          if (!seen) parts.onDoubt(ino);
          retry = true;
          throw error;
        }
        parts.failed.note(location, error);
      }
      retry = isSources && !seen;
      throw error;
    }
  }

  async function publish(from: { outcome: Outcome; filled: Filled | undefined }): Promise<Outcome> {
    if (from.filled === undefined) return 'cached';
    try {
      await parts.publisher.publish({ ino, partial: vessel.toPublish(), ...from.filled });
      vessel.wasPublished();
      return from.outcome;
    } catch (error) {
      isLoose = isRead;
      vessel.unname();
      const known = toGphotosfsError(error, `"${label}" cannot be cached`);
      if (known !== vessel.refusal()) log('warn', known.message);
      throw known;
    }
  }

  /** Tells other processes how far the fill is: now and then, and soon after the last step too, for it may stall. */
  function tellOthers(): (written: number) => void {
    let told = Date.now();
    let latest = 0;
    let timer: NodeJS.Timeout | undefined;
    const tell = () => {
      timer = undefined;
      told = Date.now();
      if (isOver || vessel.refusal() !== undefined) return;
      parts.leases.beat(task.key, Math.min(latest, Math.max(0, content.size - heldBack)));
    };
    return (written) => {
      latest = written;
      const due = told + tellEveryMs - Date.now();
      if (due > 0) timer ??= setTimeout(tell, due).unref();
      else if (timer === undefined) tell();
    };
  }

  async function read(offset: number, length: number, signal: AbortSignal): Promise<Buffer | undefined> {
    isRead = true;
    vessel.hold();
    try {
      const from = await abortable(origin, signal);
      if (from.outcome === 'cached') return undefined;
      if ('filled' in from) return await vessel.read(offset, length);
      return (
        (await readFar(from, offset, length, signal)) ?? (await readFilled(from.fill, offset, length, signal))
      );
    } finally {
      vessel.release();
    }
  }

  async function readFilled(
    fill: Fill,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Buffer> {
    await fill.until(offset + length, signal);
    seen = true;
    return await vessel.read(offset, length);
  }

  /** A range of its own, for a jump far ahead of the fill; undefined where that doesn't go, or failed. */
  async function readFar(
    { fill, place }: Filling,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Buffer | undefined> {
    const end = offset + length;
    const isFar = offset > fill.readable() + farSeek && end <= content.size - heldBack;
    if (!isFar || place === undefined || !place.location.seekable) return undefined;
    try {
      const bytes = await parts.blocks.read(place, offset, end, signal);
      seen = true;
      return bytes;
    } catch (error) {
      if (signal.aborted) throw error;
      // The fill comes by, too, or says what is wrong.
      log('debug', `cannot read ahead in "${label}": ${toGphotosfsError(error).message}`);
      return undefined;
    }
  }

  return {
    content,
    read,
    verified,
    published,
    mayRetry: () => retry,
    gaveUp: vessel.gaveUp,
    isVerified: () => isVerified,
    isLoose: () => isLoose,
    release: vessel.release,
  };
}

async function* nothing(): AsyncGenerator<Buffer, void> {}
