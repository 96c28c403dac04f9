/**
 * Runs a plan: several jobs take runs of neighbouring files and fetch each file into the cache. A file that fails is
 * listed and doesn't stop the rest; a cache that can take no more stops all, a source without quota or sign-in
 * its own files.
 */
import { setMaxListeners } from 'node:events';
import { lstatSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { type Cache, probeCache } from '../cache/cache.ts';
import { completeTree } from '../cache/complete.ts';
import type { Fetcher, Fetching } from '../fetch/fetcher.ts';
import type { Index } from '../index/open.ts';
import { countSelected, listMissing, type MissingFile } from '../index/plan.ts';
import { recall } from '../index/sources.ts';
import { pathOf } from '../index/tree.ts';
import { type ErrorKind, GphotosfsError, isCacheClosed, toGphotosfsError } from '../model/errors.ts';
import type { Source } from '../sources/source.ts';
import { fetchRuns } from './fetch-runs.ts';
import { createGivenUp } from './given-up.ts';
import { findLost } from './lost.ts';
import { type Plan, planRuns } from './plan.ts';

export interface PrefetchProgress {
  readonly files: number;
  readonly bytes: number;
  readonly totalFiles: number;
  readonly totalBytes: number;
}

export interface PrefetchRequest {
  readonly index: Index;
  readonly cache: Cache;
  readonly fetcher: Fetcher;
  readonly sources: readonly Source[];
  readonly plan: Plan;
  /** Only this source's part of the plan is meant: what the cache has lost of others is left to another prefetch. */
  readonly only?: string;
  /** Files fetched side by side. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly progress: (progress: PrefetchProgress) => void;
  /** Refines what these sources have listed early, with sidecars that came along with photos, now or in an earlier run. */
  readonly refine?: (sources: readonly Source[]) => Promise<void>;
}

export interface FailedFile {
  /** In the tree. */
  readonly path: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint: string | undefined;
}

export interface PrefetchReport {
  readonly fetchedFiles: number;
  readonly fetchedBytes: number;
  /** Copied from a cached file with equal bytes, or found in the cache. */
  readonly reusedFiles: number;
  readonly failed: readonly FailedFile[];
  /** Everything selected is in the cache. */
  readonly complete: boolean;
  /** The cache can take no more, a source was given up, or the owner stopped it: what was not tried isn't in `failed`. */
  readonly stopped: GphotosfsError | undefined;
}

/**
 * Fetches what the plan lists, and what it took for cached but the cache has lost.
 * @throws `no-permission` where nothing can be put into the cache at all
 */
export async function prefetch(request: PrefetchRequest): Promise<PrefetchReport> {
  const { index, cache, plan } = request;
  const lost = planRuns(request.only === undefined ? findLost(index, cache, plan.selection) : []);
  const runs = [...plan.runs, ...lost.runs];
  try {
    if (runs.length > 0) probeCache(cache);
  } catch (error) {
    return notBegun(error);
  }
  const totals = {
    totalFiles: plan.missingFiles + lost.files,
    totalBytes: plan.missingBytes + lost.bytes,
  };
  const failed: FailedFile[] = [];
  const done = { fetchedFiles: 0, fetchedBytes: 0, reusedFiles: 0, files: 0, bytes: 0 };
  let stopped: GphotosfsError | undefined;
  const givenUp = createGivenUp();
  const stop = new AbortController();
  // Each file that waits to be published listens to it.
  const signal = AbortSignal.any([request.signal]);
  setMaxListeners(0, signal);
  const stopping = AbortSignal.any([signal, stop.signal]);

  /** Counts a file when it is published; tells why where it isn't. */
  async function settle(file: MissingFile, { verified, published }: Fetching): Promise<void> {
    // Publishing comes much later, in groups.
    verified.then(
      () => givenUp.succeeded(file.source),
      () => {},
    );
    try {
      const outcome = await published;
      if (outcome === 'fetched') {
        done.fetchedFiles += 1;
        done.fetchedBytes += file.size;
      } else done.reusedFiles += 1;
    } catch (error) {
      const known = toGphotosfsError(error);
      if (signal.aborted || known.kind === 'interrupted') return;
      if (isCacheClosed(known)) {
        stopped = known;
        stop.abort();
        return;
      }
      if (givenUp.failed(file.source, known, file.archive)) return;
      failed.push(failedFile(pathOf(index, file.ino)?.join('/') ?? String(file.ino), known));
    }
    done.files += 1;
    done.bytes += file.size;
    request.progress({ files: done.files, bytes: done.bytes, ...totals });
  }

  /** What no source has may lie in the cache all the same: copied, so that its times are others, or left before its row. */
  async function lookFor(files: readonly MissingFile[]): Promise<void> {
    for (const file of files) {
      if (stopping.aborted) return;
      const path = pathOf(index, file.ino)?.join('/') ?? String(file.ino);
      if (liesInCache(cache, path)) {
        await settle(file, request.fetcher.ensure(file.ino, signal));
      } else failed.push(nowhere(path));
    }
  }

  const isOver = (source: string, archive?: string) => stopping.aborted || givenUp.has(source, archive);
  await fetchRuns({ ...request, runs, signal, isOver, settle });
  await lookFor([...plan.unavailable, ...lost.unavailable]);
  const early = stopping.aborted ? [] : (await earlySources(request)).filter(({ id }) => !givenUp.has(id));
  if (early.length > 0) {
    await request.refine?.(early);
    // What could not be listed before its sidecar was read.
    const tried = new Set(runs.flatMap(({ files }) => files.map(({ ino }) => ino)));
    const missing = listMissing(index, plan.selection).filter(({ ino }) => !tried.has(ino));
    const listed = planRuns(missing);
    totals.totalFiles += listed.files;
    totals.totalBytes += listed.bytes;
    await fetchRuns({ ...request, runs: listed.runs, signal, isOver, settle });
  }
  if (request.signal.aborted) stopped = new GphotosfsError('interrupted', 'prefetch was stopped');
  if (stopped === undefined) {
    for (const [path, error] of await completeTree(index, cache)) {
      const known = toGphotosfsError(error);
      if (isCacheClosed(known)) stopped ??= known;
      else failed.push(failedFile(path, known));
    }
  }
  stopped ??= givenUp.reason();
  await turn();
  const { files, cachedFiles } = countSelected(index, plan.selection);
  return {
    fetchedFiles: done.fetchedFiles,
    fetchedBytes: done.fetchedBytes,
    reusedFiles: done.reusedFiles,
    failed,
    complete: failed.length === 0 && stopped === undefined && files === cachedFiles,
    stopped,
  };
}

async function earlySources({ index, sources, refine }: PrefetchRequest): Promise<Source[]> {
  const early: Source[] = [];
  for (const source of refine === undefined ? [] : sources)
    if (await source.isEarly?.((key) => recall(index, source.id, key))) early.push(source);
  return early;
}

const nowhere = (path: string): FailedFile => ({
  path,
  kind: 'unavailable',
  message: 'it is in no source any more',
  hint: 'Add the archive it came from again, then run "gphotosfs sync".',
});

/** Whether anything has this name; what it is, is looked at by the fetch. One call, for it may be asked of a whole library. */
function liesInCache(cache: Cache, path: string): boolean {
  try {
    return lstatSync(`${cache.root.path}/${path}`, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * The report of a prefetch that could not begin, for the cache can take nothing.
 * @throws the error, where that isn't the reason
 */
export function notBegun(error: unknown): PrefetchReport {
  const stopped = toGphotosfsError(error);
  if (!isCacheClosed(stopped)) throw stopped;
  return { fetchedFiles: 0, fetchedBytes: 0, reusedFiles: 0, failed: [], complete: false, stopped };
}

function failedFile(path: string, error: unknown): FailedFile {
  const { kind, message, hint } = toGphotosfsError(error);
  return { path, kind, message, hint };
}
