/**
 * Publishing: a verified partial file becomes a cached file, visible under its name in the tree.
 *
 * Each step of it waits for the disk. The first, each file's own fsync, begins at once, several at a time; in bulk the
 * others (`publish-group.ts`) are taken in groups: what was settled within a moment, or while the group before was being
 * written. A file that comes alone is published at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Index } from '../index/open.ts';
import type { Cache } from './cache.ts';
import { publishGroup, settleFile, type Verified } from './publish-group.ts';

export type { Verified } from './publish-group.ts';

export interface Publisher {
  /** Resolves when the file is in the cache and the index knows. The descriptor stays open: it is the cached file now. */
  publish(file: Verified): Promise<void>;
}

interface Waiting {
  readonly file: Verified;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** At most so many files a group: enough to share the waits, few enough to keep the transaction short. */
export const groupSize = 64;
/** How long a group waits to fill up, ms, and how long after one more files are expected. */
const gatherMs = 250;

export function createPublisher(index: Index, cache: Cache): Publisher {
  const waiting: Waiting[] = [];
  let running = false;
  let lastEnd = Number.NEGATIVE_INFINITY;
  let full = new AbortController();

  /** In bulk: until the group is full, or for a moment. */
  async function gather(): Promise<void> {
    if (waiting.length >= groupSize || performance.now() - lastEnd > gatherMs) return;
    full = new AbortController();
    await sleep(gatherMs, undefined, { signal: full.signal }).catch(() => {});
  }

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      await gather();
      const group = waiting.splice(0, groupSize);
      const failures = await publishGroup(
        index,
        cache,
        group.map(({ file }) => file),
      );
      for (const { file, resolve, reject } of group) {
        if (failures.has(file)) reject(failures.get(file));
        else resolve();
      }
      lastEnd = performance.now();
    }
    running = false;
  }

  return {
    async publish(file) {
      await settleFile(index, file);
      return new Promise((resolve, reject) => {
        waiting.push({ file, resolve, reject });
        if (!running) void run();
        else if (waiting.length >= groupSize) full.abort();
      });
    },
  };
}
