/**
 * Links to the bytes of Library items. Each lives for an hour at most, so they are kept for half of it; those that are
 * wanted within a moment are asked for together, 50 a call. A call that fails whole because of one item (it happens) is
 * halved until that item stands alone.
 */
import { LRUCache } from 'lru-cache';
import { GphotosfsError } from '../../../model/errors.ts';
import type { GoogleClient } from '../client.ts';
import { refusalOf } from '../google-error.ts';
import { type BatchResult, batchGet, batchSize } from './api.ts';

export interface Links {
  /** A link that a listing gave. */
  put(id: string, baseUrl: string): void;
  /** The base URL of an item; `renew`: another one than before. @throws why there is none */
  get(id: string, renew: boolean): Promise<string>;
  /** Asks for those of these ids that aren't known, so that `get` has them at hand. Failures come from `get`. */
  prepare(ids: readonly string[]): Promise<void>;
  close(): void;
}

/** Documented are 60 minutes, but a 403 has come after 30 to 40. */
const lifeMs = 30 * 60_000;
/** About 30 MB of links. */
const kept = 50_000;
/** How long the first of several askers waits for the others, ms. */
const gatherMs = 5;
/** How long a call for several items that fails whole is repeated before it is halved, ms: one more try after Google's first wait of 1 s. */
const batchPatienceMs = 1500;

/** google.rpc.Code of what is wrong with the id itself. */
const goneCodes: readonly number[] = [3, 5];

interface Waiting {
  readonly promise: Promise<string>;
  readonly resolve: (url: string) => void;
  readonly reject: (error: unknown) => void;
}

export function createLinks(client: GoogleClient): Links {
  const known = new LRUCache<string, string>({ max: kept, ttl: lifeMs, ttlResolution: 1000 });
  const waiting = new Map<string, Waiting>();
  let gathered: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  const closing = new AbortController();

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const ids = gathered;
    gathered = [];
    for (let at = 0; at < ids.length; at += batchSize) void fetchLinks(ids.slice(at, at + batchSize));
  }

  async function fetchLinks(ids: readonly string[]): Promise<void> {
    try {
      const alone = ids.length === 1;
      const results = await batchGet(client, ids, alone ? undefined : batchPatience, closing.signal);
      results.forEach((result, at) => {
        settle(ids[at] ?? '', result);
      });
    } catch (error) {
      if (ids.length > 1 && mayBeOneItems(error)) {
        const half = Math.ceil(ids.length / 2);
        await fetchLinks(ids.slice(0, half));
        await fetchLinks(ids.slice(half));
        return;
      }
      for (const id of ids) fail(id, error);
    }
  }

  function settle(id: string, result: BatchResult): void {
    if ('item' in result && result.item.id === id && result.item.baseUrl !== undefined) {
      known.set(id, result.item.baseUrl);
      waiting.get(id)?.resolve(result.item.baseUrl);
      waiting.delete(id);
    } else fail(id, refusal(result));
  }

  function fail(id: string, error: unknown): void {
    waiting.get(id)?.reject(error);
    waiting.delete(id);
  }

  function ask(id: string): Promise<string> {
    const asked = waiting.get(id);
    if (asked !== undefined) return asked.promise;
    const { promise, resolve, reject } = withResolvers<string>();
    promise.catch(() => {});
    waiting.set(id, { promise, resolve, reject });
    gathered.push(id);
    if (gathered.length >= batchSize) flush();
    else timer ??= setTimeout(flush, gatherMs);
    return promise;
  }

  return {
    put: (id, baseUrl) => void known.set(id, baseUrl),
    async get(id, renew) {
      if (closing.signal.aborted) throw new GphotosfsError('interrupted', 'the library is closed');
      if (renew) known.delete(id);
      return known.get(id) ?? (await ask(id));
    },
    async prepare(ids) {
      await Promise.allSettled(ids.filter((id) => !known.has(id)).map(ask));
    },
    close() {
      clearTimeout(timer);
      closing.abort();
      const error = new GphotosfsError('interrupted', 'the library is closed');
      for (const id of [...waiting.keys()]) fail(id, error);
    },
  };
}

function refusal(result: BatchResult): GphotosfsError {
  if ('item' in result) {
    return new GphotosfsError('bad-source', `library: Google gave no link to ${result.item.filename}`, {
      hint: 'It is tried again by the next prefetch.',
    });
  }
  const { code, message } = result;
  return new GphotosfsError(
    goneCodes.includes(code) ? 'source-gone' : 'bad-source',
    `library: Google does not give this item: ${message}`,
    { hint: 'If you deleted it in Google Photos, that is why. It is tried again by the next prefetch.' },
  );
}

/** What may be one item's is soon asked for in halves; all else passes only by waiting. */
const batchPatience = (error: unknown): number | undefined =>
  mayBeOneItems(error) ? batchPatienceMs : undefined;

/** A bad id has turned whole batches into 500, and may well into 400. */
function mayBeOneItems(error: unknown): boolean {
  const status = refusalOf(error)?.status ?? 0;
  return status === 400 || status === 404 || (status >= 500 && status !== 503);
}

function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
