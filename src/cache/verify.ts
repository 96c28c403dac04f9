/**
 * Verifying the cache: is every cached file there, with the bytes that were once known to be right? Reading tells of a
 * size or time that changed; bits that rot silently are found here only.
 *
 * What looks wrong is looked at twice, the second time when no fetch of the file is under way, since a mount or a
 * prefetch may be publishing it at this moment. What is wrong is no longer given to readers: they get the bytes from a
 * source again, or an error. The file itself stays as it is; it may be all that is left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { getCached, putCached } from '../index/cached.ts';
import { type Leases, openLeases } from '../index/leases.ts';
import { type Index, transaction } from '../index/open.ts';
import { pathOf } from '../index/tree.ts';
import {
  cachedAfter,
  cachedAmong,
  countCachedAfter,
  markDamaged,
  type RecordedRow,
  readVerifyCursor,
  sampleCached,
  saveVerifyCursor,
} from '../index/verification.ts';
import { GphotosfsError } from '../model/errors.ts';
import type { Cache } from './cache.ts';
import { sameStat } from './cached-file.ts';
import { findExtra } from './find-extra.ts';
import type { Inspected } from './inspect.ts';
import { createInspectors } from './inspectors.ts';
import { recheckFile } from './recheck.ts';

export type Fault = 'damaged' | 'missing' | 'short' | 'long' | 'replaced' | 'unreadable' | 'extra';

/** Something that is wrong. */
export interface Finding {
  /** In the tree; a directory's ends in `/`. */
  readonly path: string;
  /** The file's inode number; undefined for what is no cached file. */
  readonly ino: number | undefined;
  readonly problem: Fault;
  /** What was found, in words. */
  readonly detail: string;
}

export interface VerifyRequest {
  readonly index: Index;
  readonly cache: Cache;
  /** The folder of the index and its leases. */
  readonly home: string;
  /** Percent of the files, chosen by lot; undefined: all of them, going on where the last run stopped. */
  readonly sample: number | undefined;
  /** Threads that hash; 0: the caller's own. */
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly progress: (done: { files: number; bytes: number; totalFiles: number; totalBytes: number }) => void;
  /** Mends what was found, as far as it can. A run that is stopped in it begins with it next time. */
  readonly repair?: (findings: readonly Finding[]) => Promise<void>;
}

export interface VerifyReport {
  readonly findings: readonly Finding[];
  readonly checkedFiles: number;
  readonly checkedBytes: number;
  /** It went on where an earlier run had stopped; that one's files are counted. */
  readonly resumed: boolean;
  /** It was stopped before its end. */
  readonly stopped: boolean;
}

/** Rows read from the index at a time. */
const pageLength = 512;
/** How often the cursor is saved, ms: each time wakes the mounts that watch the index. */
const saveEveryMs = 2000;
/** How long a fetch of a file that looks wrong is waited for, ms, and how often it is looked for. */
const quietWithinMs = 10_000;
const lookEveryMs = 50;

/**
 * Compares size and SHA-256 of cached files with the index, and looks for what doesn't belong into the cache.
 * @throws `busy` when another one is at work
 */
export async function verify(request: VerifyRequest): Promise<VerifyReport> {
  const leases = openLeases(request.home);
  try {
    const other = leases.acquire('verify');
    if (other !== undefined) {
      throw new GphotosfsError('busy', `another verify is running (process ${other.pid})`, {
        hint: 'Wait until it has finished.',
      });
    }
    try {
      return await verifyAlone(request, leases);
    } finally {
      leases.release('verify');
    }
  } finally {
    leases.close();
  }
}

async function verifyAlone(request: VerifyRequest, leases: Leases): Promise<VerifyReport> {
  const { index, cache, signal, sample } = request;
  const cursor = sample === undefined ? readVerifyCursor(index) : undefined;
  const findings: Finding[] = [];
  const looked = { files: cursor?.files ?? 0, bytes: cursor?.bytes ?? 0 };
  const total = totalOf(index, sample, cursor?.after ?? 0);
  const [totalFiles, totalBytes] = [looked.files + total.files, looked.bytes + total.bytes];
  /** All files up to `through.after` have been looked at; behind it those that are being, or just were, in order. */
  const through = { after: cursor?.after ?? 0, ...looked };
  const begun = new Map<number, { readonly size: number; isDone: boolean }>();
  /** Inode numbers of files that look wrong, and of those that are. */
  const suspected = new Set(cursor?.wrong ?? []);
  const wrong = new Set<number>();
  let savedAt = performance.now();
  let confirming = Promise.resolve();

  function save(): void {
    if (sample !== undefined) return;
    for (const [ino, { size, isDone }] of begun) {
      if (!isDone) break;
      begun.delete(ino);
      through.after = ino;
      through.files += 1;
      through.bytes += size;
    }
    saveVerifyCursor(index, { ...through, wrong: [...wrong, ...suspected] });
    savedAt = performance.now();
  }

  function suspect(row: RecordedRow, found: Inspected): void {
    suspected.add(row.ino);
    confirming = confirming.then(async () => {
      const finding = await confirm(request, leases, row, found);
      // One that was given up on stays suspected: the next run begins with it.
      if (signal.aborted && finding === undefined) return;
      suspected.delete(row.ino);
      if (finding === undefined) return;
      wrong.add(row.ino);
      findings.push(finding);
    });
  }

  const inspectors = createInspectors(cache.root, request.threads);
  const end = () => void inspectors.close();
  signal.addEventListener('abort', end);
  try {
    const look = async (row: RecordedRow): Promise<void> => {
      const names = pathOf(index, row.ino);
      const found: Inspected =
        names === undefined ? { found: 'missing' } : await inspectors.inspect(names, row.size);
      if (!isRight(index, row, found)) suspect(row, found);
    };
    const check = async (row: RecordedRow): Promise<void> => {
      const one = { size: row.size, isDone: false };
      begun.set(row.ino, one);
      await look(row);
      one.isDone = true;
      looked.files += 1;
      looked.bytes += row.size;
      request.progress({ ...looked, totalFiles, totalBytes });
      if (performance.now() - savedAt > saveEveryMs) save();
    };
    await inParallel(cachedAmong(index, [...suspected]), inspectors.width, signal, look);
    const rows = sample === undefined ? rowsAfter(index, through.after) : sampleCached(index, total.files);
    await inParallel(rows, inspectors.width, signal, check);
    await confirming;
    findings.push(...strays(request));
    if (!signal.aborted) await request.repair?.(findings);
  } finally {
    signal.removeEventListener('abort', end);
    await inspectors.close();
    await confirming;
    if (signal.aborted) save();
  }
  if (!signal.aborted && sample === undefined) saveVerifyCursor(index, undefined);
  return {
    findings,
    checkedFiles: looked.files,
    checkedBytes: looked.bytes,
    resumed: cursor !== undefined,
    stopped: signal.aborted,
  };
}

/** What there is to look at. Of a few files a small sample is still one. */
function totalOf(index: Index, sample: number | undefined, after: number): { files: number; bytes: number } {
  const all = countCachedAfter(index, after);
  if (sample === undefined) return all;
  const files = Math.ceil((all.files * sample) / 100);
  return { files, bytes: Math.round((all.bytes * sample) / 100) };
}

function* rowsAfter(index: Index, from: number): Generator<RecordedRow> {
  for (let after = from; ; ) {
    const page = cachedAfter(index, after, pageLength);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.ino;
  }
}

/** Does `work` for each, `width` at a time, until the signal fires. */
async function inParallel<T>(
  things: Iterable<T>,
  width: number,
  signal: AbortSignal,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  try {
    for (const thing of things) {
      if (signal.aborted) break;
      const one = work(thing).finally(() => running.delete(one));
      running.add(one);
      if (running.size >= width) await Promise.race(running);
      // Work that never waits would keep signals out.
      if (width === 1) await sleep(0);
    }
    await Promise.all(running);
  } catch (error) {
    await Promise.allSettled(running);
    if (!signal.aborted) throw error;
  }
}

/** Whether the bytes are the recorded ones. With other times, or in another file, they are recorded anew. */
function isRight(index: Index, row: RecordedRow, found: Inspected): boolean {
  if (found.found !== 'file' || found.sha256 === undefined || !row.sha256.equals(found.sha256)) return false;
  if (sameStat(row, found.stat)) return true;
  transaction(index, () => {
    const now = getCached(index, row.ino);
    if (now !== undefined && sameStat(now, row))
      putCached(index, row.ino, { ...found.stat, sha256: row.sha256 });
  });
  return true;
}

/** A second look, when nobody works on the file: undefined where all is well by now. */
async function confirm(
  { index, cache, signal }: VerifyRequest,
  leases: Leases,
  row: RecordedRow,
  found: Inspected,
): Promise<Finding | undefined> {
  const { ino } = row;
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
  const recorded = getCached(index, ino);
  if (recorded === undefined || !recorded.sha256.equals(row.sha256)) return undefined;
  markDamaged(index, ino, row.sha256);
  const path = pathOf(index, ino)?.join('/') ?? `inode ${ino}`;
  return { path, ino, ...describe(row, found) };
}

function describe(row: RecordedRow, found: Inspected): Pick<Finding, 'problem' | 'detail'> {
  switch (found.found) {
    case 'missing':
      return { problem: 'missing', detail: 'it is not in the cache' };
    case 'replaced':
      return { problem: 'replaced', detail: `${found.by} is in its place` };
    case 'unreadable':
      return { problem: 'unreadable', detail: `it can't be read (${found.code})` };
    case 'changing':
      return { problem: 'damaged', detail: 'something writes to it' };
    case 'file': {
      const { size } = found.stat;
      if (found.sha256 !== undefined) return { problem: 'damaged', detail: 'its bytes have changed' };
      const detail = `it has ${size} bytes instead of ${row.size}`;
      return { problem: size < row.size ? 'short' : 'long', detail };
    }
  }
}

function strays({ index, cache, signal }: VerifyRequest): Finding[] {
  const found: Finding[] = [];
  for (const stray of findExtra(index, cache)) {
    if (signal.aborted) break;
    found.push({ ...stray, ino: undefined });
  }
  return found;
}
