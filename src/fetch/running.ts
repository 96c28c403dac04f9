/**
 * The fetches that run in this process. A file is fetched by one fetch at a time, and so is a content that several files
 * have, over all processes: whoever starts one holds the leases of both.
 */
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { partialName } from '../cache/partial.ts';
import { getFile } from '../index/items.ts';
import type { EndedLease, Lease, Leases } from '../index/leases.ts';
import { reading } from '../index/open.ts';
import { toGphotosfsError } from '../model/errors.ts';
import type { Content } from '../model/words.ts';
import { settled } from './abortable.ts';
import type { Fetch, FetchParts, FetchTask } from './fetch.ts';
import { isStillThere, type LeftBehind, openLeft } from './left-behind.ts';
import { startFetch } from './run-fetch.ts';

/** Who asks for a fetch, and how. */
export type Asked = Pick<FetchTask, 'mayBeLoose' | 'since' | 'given'>;

type Claimed = Pick<FetchTask, 'name' | 'left' | 'noLease'>;

export interface Running {
  /** The fetch of this file and content, started if need be; undefined where another one is in the way. */
  fetchOf(ino: number, content: Content, asked: Asked): Fetch | undefined;
  /** The file's fetch, whatever it brings. */
  get(ino: number): Fetch | undefined;
  /** Waits until what is in the way of a fetch, here or in another process, may be out of it. */
  waitForOthers(ino: number, content: Content, signal: AbortSignal): Promise<void>;
  /** Waits until all of them have ended. */
  ended(): Promise<void>;
}

/** How often another process's fetch is looked at, ms. */
const followEveryMs = 40;

/** @param onEnd takes over the hold on a fetch that has ended */
export function createRunning(parts: FetchParts, onEnd: (ino: number, fetch: Fetch) => void): Running {
  const byFile = new Map<number, Fetch>();
  /** The same by content, where it is known by a CRC-32. */
  const byContent = new Map<string, Fetch>();
  const ending = gatherEnded(parts.leases);

  function start(ino: number, content: Content, asked: Asked): Fetch | undefined {
    const keys = leaseKeys(ino, content);
    const [key, contentKey] = keys;
    const claimed = claim(ino, content, asked, keys);
    if (claimed === undefined) return undefined;
    // Only now: what others have published before they gave their leases back is to be seen.
    const fetch = reading(parts.index, () => startFetch(parts, { ino, key, content, ...claimed, ...asked }));
    byFile.set(ino, fetch);
    if (contentKey !== undefined) byContent.set(contentKey, fetch);
    const end = () => {
      byFile.delete(ino);
      if (contentKey !== undefined) byContent.delete(contentKey);
      if (claimed.noLease === undefined) ending.add({ keys, verified: fetch.isVerified() });
      onEnd(ino, fetch);
    };
    fetch.published.then(end, end);
    return fetch;
  }

  /**
   * Takes the leases: for a dead owner's partial file where it can be gone on with, else for a new one. A disk so full that
   * they can't be taken costs no reader a byte.
   */
  function claim(
    ino: number,
    content: Content,
    asked: Asked,
    keys: readonly [string, ...string[]],
  ): Claimed | undefined {
    try {
      return claimLease(ino, content, asked, keys);
    } catch (error) {
      const known = toGphotosfsError(error, `"${getFile(parts.index, ino)?.name}" cannot be cached`);
      if (known.kind !== 'no-space' || !asked.mayBeLoose) throw known;
      return { name: partialName(ino, content), left: undefined, noLease: known };
    }
  }

  function claimLease(
    ino: number,
    content: Content,
    asked: Asked,
    keys: readonly [string, ...string[]],
  ): Claimed | undefined {
    // One that ended just now, for its failure, may be what is asked for again.
    ending.flush();
    const { leases } = parts;
    const name = partialName(ino, content);
    const noLease = undefined;
    let left: LeftBehind | undefined;
    const goOn = (lease: Lease): LeftBehind | undefined => {
      left = openLeft(parts, lease, ino, content);
      return left;
    };
    try {
      const other = leases.acquire(keys, name, asked.given === undefined ? goOn : undefined);
      if (other !== undefined) return undefined;
      if (left === undefined) return { name, left, noLease };
      if (isStillThere(left)) return { name: left.name, left, noLease };
    } catch (error) {
      if (left !== undefined) closeSync(left.fd);
      throw error;
    }
    closeSync(left.fd);
    leases.release(keys, false);
    return leases.acquire(keys, name) === undefined ? { name, left: undefined, noLease } : undefined;
  }

  return {
    fetchOf(ino, content, asked) {
      const known = byFile.get(ino);
      if (known === undefined) return start(ino, content, asked);
      return sameBytes(known.content, content) ? known : undefined;
    },
    get: (ino) => byFile.get(ino),
    async waitForOthers(ino, content, signal) {
      const other = byFile.get(ino) ?? byContent.get(leaseKeys(ino, content)[1] ?? '');
      if (other !== undefined) await settled(other.published, signal);
      else await sleep(followEveryMs, undefined, { signal });
    },
    async ended() {
      await Promise.allSettled([...byFile.values()].map((fetch) => fetch.published));
      ending.flush();
    },
  };
}

/** Gives back together the leases of fetches that end in one go, as those of a group do; before anyone who waited for them goes on. */
function gatherEnded(leases: Leases): { add(ended: EndedLease): void; flush(): void } {
  let gathered: EndedLease[] = [];
  const flush = (): void => {
    if (gathered.length === 0) return;
    const ended = gathered;
    gathered = [];
    leases.releaseAll(ended);
  };
  return {
    add(ended) {
      if (gathered.length === 0) queueMicrotask(flush);
      gathered.push(ended);
    },
    flush,
  };
}

/** The file's own lease, for one path is written by one fetch; and its content's, for twins are fetched once. */
export function leaseKeys(ino: number, { size, crc32 }: Content): readonly [string, ...string[]] {
  return crc32 === undefined ? [`file:${ino}`] : [`file:${ino}`, `content:${size}:${crc32}`];
}

/** Whether both are known to be the same. */
export function sameBytes(a: Content, b: Content): boolean {
  return a.size === b.size && a.crc32 === b.crc32;
}
