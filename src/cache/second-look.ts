/**
 * The second look at a file that seems wrong, when no fetch of it is under way: a mount or a prefetch may have been
 * publishing it at the first. What is wrong then is no longer given to readers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { getCached } from '../index/cached.ts';
import type { Leases } from '../index/leases.ts';
import type { Index } from '../index/open.ts';
import { markDamaged, type RecordedFile } from '../index/verification.ts';
import type { Cache } from './cache.ts';
import { type Finding, findingOf } from './finding.ts';
import type { Inspected } from './inspect.ts';
import { recheckFile } from './recheck.ts';

/** How long a fetch of the file is waited for, ms, and how often it is looked for. */
const quietWithinMs = 10_000;
const lookEveryMs = 50;

export interface SecondLook {
  readonly index: Index;
  readonly cache: Cache;
  readonly leases: Leases;
  readonly signal: AbortSignal;
}

/** Gives what is wrong with the file; undefined where all is well by now, and when `signal` fires. */
export async function lookAgain(
  { index, cache, leases, signal }: SecondLook,
  file: RecordedFile,
  found: Inspected,
): Promise<Finding | undefined> {
  const { ino } = file;
  const since = performance.now();
  while (leases.holder(`file:${ino}`) !== undefined && performance.now() - since < quietWithinMs) {
    if (signal.aborted) return undefined;
    await sleep(lookEveryMs);
  }
  if (signal.aborted) return undefined;
  try {
    if (await recheckFile(index, cache, ino)) return undefined;
  } catch {
    // It can't be read to its end.
  }
  const sha256 = Buffer.from(file.sha256, 'hex');
  if (getCached(index, ino)?.sha256.equals(sha256) !== true) return undefined;
  markDamaged(index, ino, sha256);
  return findingOf(file, found);
}
