/**
 * Verifying the cache: is every cached file there, with the bytes that were once known to be right? Reading tells of a
 * size or time that changed; bits that rot silently are found here only.
 *
 * What looks wrong is looked at twice (`second-look.ts`). What is wrong is no longer given to readers: they get the bytes
 * from a source again, or an error. The file itself stays as it is; it may be all that is left.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { getCached, putCached } from '../index/cached.ts';
import { type Leases, openLeases } from '../index/leases.ts';
import { type Index, transaction } from '../index/open.ts';
import {
  cachedAmong,
  type RecordedFile,
  readVerifyCursor,
  sampleCached,
  saveVerifyCursor,
} from '../index/verification.ts';
import { GphotosfsError } from '../model/errors.ts';
import type { Cache } from './cache.ts';
import { sameStat } from './cached-file.ts';
import { findExtra } from './find-extra.ts';
import type { Finding } from './finding.ts';
import type { Inspected } from './inspect.ts';
import type { Inspectors } from './inspectors.ts';
import { bytesOf, countFiles, createReach, filesAfter, inBatches } from './verify-batches.ts';

export interface VerifyRequest {
  readonly index: Index;
  readonly cache: Cache;
  /** The folder of the index and its leases. */
  readonly home: string;
  /** Percent of the files, chosen by lot; undefined: all of them, going on where the last run stopped. */
  readonly sample: number | undefined;
  /** They are closed when all is done, and when `signal` fires. */
  readonly inspectors: Inspectors;
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

/** How often the cursor is saved, ms: each time wakes the mounts that watch the index. */
const saveEveryMs = 2000;

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
  const { index, cache, inspectors, signal, sample } = request;
  const end = () => void inspectors.close();
  signal.addEventListener('abort', end);
  const cursor = sample === undefined ? readVerifyCursor(index) : undefined;
  const from = { after: cursor?.after ?? 0, files: cursor?.files ?? 0, bytes: cursor?.bytes ?? 0 };
  const looked = { files: from.files, bytes: from.bytes };
  const total = countFiles(index, sample, from.after);
  const [totalFiles, totalBytes] = [looked.files + total.files, looked.bytes + total.bytes];
  const reach = createReach(from);
  const findings: Finding[] = [];
  /** Inode numbers of files that look wrong, and of those that are. */
  const suspected = new Set(cursor?.wrong ?? []);
  const wrong = new Set<number>();
  let savedAt = performance.now();
  let confirming = Promise.resolve();
  let strays: Promise<Finding[]> | undefined;
  let isWhole = false;
  const failed = new AbortController();

  function save(): void {
    if (sample !== undefined) return;
    saveVerifyCursor(index, { ...reach.through(), wrong: [...wrong, ...suspected] });
    savedAt = performance.now();
  }

  function suspect(file: RecordedFile, found: Inspected): void {
    suspected.add(file.ino);
    confirming = confirming.then(async () => {
      // Mostly nothing looks wrong, and all that publishes is loaded with it.
      const { lookAgain } = await import('./second-look.ts');
      const finding = await lookAgain({ index, cache, leases, signal }, file, found);
      // One that was given up on stays suspected: the next run begins with it.
      if (signal.aborted && finding === undefined) return;
      suspected.delete(file.ino);
      if (finding === undefined) return;
      wrong.add(file.ino);
      findings.push(finding);
    });
    // It is told at the end; what is still suspected then is what the next run begins with.
    confirming.catch(() => {});
  }

  async function look(batch: readonly RecordedFile[]): Promise<void> {
    for (const { at, inspected } of await inspectors.inspect(cache.root, batch)) {
      const file = batch[at];
      if (file !== undefined && !isRight(index, file, inspected)) suspect(file, inspected);
    }
  }

  async function check(batch: readonly RecordedFile[]): Promise<void> {
    const done = reach.begin(batch);
    await look(batch);
    done();
    looked.files += batch.length;
    looked.bytes += bytesOf(batch);
    request.progress({ ...looked, totalFiles, totalBytes });
    if (performance.now() - savedAt > saveEveryMs) save();
  }

  try {
    const { width, batchFiles } = inspectors;
    await sideBySide(inBatches(cachedAmong(index, [...suspected]), batchFiles), width, signal, look);
    const files = sample === undefined ? filesAfter(index, from.after) : sampleCached(index, total.files);
    // The threads hash meanwhile.
    strays = listStrays(request, AbortSignal.any([signal, failed.signal]));
    strays.catch(() => {});
    await sideBySide(inBatches(files, batchFiles), width, signal, check);
    await confirming;
    for (const stray of await strays) findings.push(stray);
    if (!signal.aborted) await request.repair?.(findings);
    isWhole = !signal.aborted;
  } finally {
    signal.removeEventListener('abort', end);
    failed.abort();
    await inspectors.close();
    // Whoever called closes the index and the cache next.
    await Promise.allSettled([confirming, strays]);
    if (!isWhole) save();
  }
  if (isWhole && sample === undefined) saveVerifyCursor(index, undefined);
  return {
    findings,
    checkedFiles: looked.files,
    checkedBytes: looked.bytes,
    resumed: cursor !== undefined,
    stopped: signal.aborted,
  };
}

async function listStrays({ index, cache }: VerifyRequest, signal: AbortSignal): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const stray of findExtra(index, cache)) {
    if (stray === undefined) await turn();
    else found.push({ ...stray, ino: undefined });
    if (signal.aborted) break;
  }
  return found;
}

/** Does `work` for each, `width` at a time, until the signal fires. */
async function sideBySide<T>(
  things: Iterator<T>,
  width: number,
  signal: AbortSignal,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  async function go(): Promise<void> {
    try {
      while (failure === undefined && !signal.aborted) {
        const { value, done } = things.next();
        if (done) return;
        await work(value);
      }
    } catch (error) {
      failure ??= { error };
    }
  }
  await Promise.all(Array.from({ length: width }, go));
  if (failure !== undefined && !signal.aborted) throw failure.error;
}

/** Whether the bytes are the recorded ones. With other times, or in another file, they are recorded anew. */
function isRight(index: Index, file: RecordedFile, found: Inspected): boolean {
  if (found.found !== 'file' || found.sha256 !== file.sha256) return false;
  transaction(index, () => {
    const now = getCached(index, file.ino);
    if (now !== undefined && sameStat(now, file)) {
      putCached(index, file.ino, { ...found.stat, sha256: now.sha256 });
    }
  });
  return true;
}
