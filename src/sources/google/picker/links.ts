/**
 * Links to picked photos. There is no way to ask for one by id: fresh ones come from listing the session again, while it
 * lives.
 */
import { LRUCache } from 'lru-cache';
import { GphotosfsError } from '../../../model/errors.ts';
import type { GoogleClient } from '../client.ts';
import { listPicked, type PickedItem } from './api.ts';

export interface PickerLinks {
  put(session: string, item: PickedItem): void;
  /** The base URL of a picked item; `renew`: another one than before. @throws `source-gone` with what to do */
  get(session: string, id: string, renew: boolean): Promise<string>;
  close(): void;
}

/** Documented are 60 minutes; those of the Library API have died earlier. */
const lifeMs = 30 * 60_000;
/** 2,000 items a session. */
const kept = 20_000;

export function createPickerLinks(client: GoogleClient): PickerLinks {
  const known = new LRUCache<string, string>({ max: kept, ttl: lifeMs, ttlResolution: 1000 });
  const listing = new Map<string, Promise<void>>();
  const closing = new AbortController();
  const keyOf = (session: string, id: string) => `${session}\n${id}`;

  const put = (session: string, { id, baseUrl }: PickedItem) => void known.set(keyOf(session, id), baseUrl);

  /** One listing serves all who wait for it. */
  function list(session: string): Promise<void> {
    let running = listing.get(session);
    if (running === undefined) {
      running = listOnce(session).finally(() => listing.delete(session));
      listing.set(session, running);
    }
    return running;
  }

  async function listOnce(session: string): Promise<void> {
    try {
      for await (const { items } of listPicked(client, session, closing.signal))
        for (const item of items) put(session, item);
    } catch (error) {
      if (error instanceof GphotosfsError && error.kind === 'source-gone') throw expired(session, error);
      throw error;
    }
  }

  return {
    put,
    async get(session, id, renew) {
      const key = keyOf(session, id);
      const before = known.get(key);
      if (before !== undefined && !renew) return before;
      // Who renewed meanwhile did it for all.
      if (renew && known.get(key) === before) known.delete(key);
      await list(session);
      const link = known.get(key);
      if (link === undefined) throw expired(session, undefined);
      return link;
    },
    close: () => closing.abort(),
  };
}

/** What becomes of photos that were picked and not fetched in time. */
export function expired(session: string, cause: unknown): GphotosfsError {
  return new GphotosfsError('source-gone', `picked photos can't be had from session ${session} any more`, {
    hint: 'Google keeps a session for some days only. Run "gphotosfs pick" and pick them again: they keep their names.',
    cause,
  });
}
