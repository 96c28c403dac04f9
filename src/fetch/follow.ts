/**
 * Following: bytes that another process fetches are read from its partial file, as far as it says. Like those of a fetch
 * of our own they are not verified before the last block is; so whoever was given some is told when they never were.
 */
import type { Cache } from '../cache/cache.ts';
import { isPartialOf } from '../cache/partial.ts';
import type { Leases } from '../index/leases.ts';
import { monotonicMs } from '../model/clock.ts';
import type { Content } from '../model/words.ts';
import { readPath } from './read-at.ts';

export interface Following {
  /** Bytes that another process has fetched; undefined where it hasn't, or has none of this content under way. */
  read(
    key: string,
    ino: number,
    content: Content,
    offset: number,
    length: number,
  ): Promise<Buffer | undefined>;
  /** Finds out what became of the fetches whose bytes were read here. */
  look(): void;
  close(): void;
}

/** How often the fate of fetches that were read along is looked at, ms. */
const lookEveryMs = 500;

/** How long nobody may go on with what a dead process left before its bytes are doubted, ms. */
const leftMs = 10_000;

interface Followed {
  readonly key: string;
  readonly ino: number;
  /** When its owner was first seen dead, ms. */
  leftSince?: number;
}

/** @param onVerified told of each file whose bytes were read here and proved right */
export function createFollowing(
  cache: Cache,
  leases: Leases,
  onDoubt: (ino: number) => void,
  onVerified: (ino: number) => void,
): Following {
  /** By partial file. */
  const followed = new Map<string, Followed>();
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    for (const [partial, one] of followed) {
      const fate = leases.fate(one.key, partial);
      if (fate === 'underway') continue;
      if (fate === 'left') {
        one.leftSince ??= monotonicMs();
        if (monotonicMs() - one.leftSince < leftMs) continue;
      }
      followed.delete(partial);
      if (fate === 'verified') onVerified(one.ino);
      else onDoubt(one.ino);
    }
    if (followed.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    async read(key, ino, content, offset, length) {
      const lease = leases.holder(key);
      if (lease === undefined || offset + length > lease.prefix) return undefined;
      if (!isPartialOf(lease.partial, ino, content)) return undefined;
      followed.set(lease.partial, { key, ino });
      timer ??= setInterval(look, lookEveryMs).unref();
      return await readPath(`${cache.partial.path}/${lease.partial}`, offset, length);
    },
    look,
    close() {
      clearInterval(timer);
    },
  };
}
