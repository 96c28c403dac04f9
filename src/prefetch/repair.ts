/**
 * Repairing what `verify` found: files that a source still has are fetched again, in the order of their places; what
 * lay under their names is set aside. A file that no source has stays as it is.
 */
import { setMaxListeners } from 'node:events';
import { type Cache, probeCache } from '../cache/cache.ts';
import type { Finding } from '../cache/finding.ts';
import { moveDirectoryAside } from '../cache/move-aside.ts';
import type { Fetcher, Fetching } from '../fetch/fetcher.ts';
import type { Index } from '../index/open.ts';
import { listPlaces, type MissingFile } from '../index/plan.ts';
import { pathOf } from '../index/tree.ts';
import { type GphotosfsError, isCacheClosed, toGphotosfsError } from '../model/errors.ts';
import type { Source } from '../sources/source.ts';
import { fetchRuns } from './fetch-runs.ts';
import { planRuns } from './plan.ts';

export interface RepairRequest {
  readonly index: Index;
  readonly cache: Cache;
  readonly fetcher: Fetcher;
  readonly sources: readonly Source[];
  readonly findings: readonly Finding[];
  /** Files fetched side by side. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly progress: (done: { files: number; totalFiles: number }) => void;
}

export interface Repaired {
  /** Inode numbers of files that are right again. */
  readonly mended: ReadonlySet<number>;
  /** Why others are not, by inode number. */
  readonly failures: ReadonlyMap<number, GphotosfsError>;
}

/**
 * Brings right bytes of every file among the findings into the cache, where they can be had.
 * @throws `no-permission`, `no-space`, `cache-failing` where nothing can be put into the cache at all
 */
export async function repair(request: RepairRequest): Promise<Repaired> {
  const { index, cache, fetcher, findings } = request;
  const inos = findings.flatMap(({ ino }) => ino ?? []);
  const mended = new Set<number>();
  const failures = new Map<number, GphotosfsError>();
  if (inos.length === 0) return { mended, failures };
  probeCache(cache);
  // What is being fetched is published, all else can wait until the cache takes more.
  const closed = new AbortController();
  const signal = AbortSignal.any([request.signal]);
  setMaxListeners(0, signal);
  const stopping = AbortSignal.any([signal, closed.signal]);

  for (const { ino, problem } of findings) {
    const names = ino === undefined ? undefined : pathOf(index, ino);
    if (ino === undefined || names === undefined || problem !== 'replaced') continue;
    try {
      moveDirectoryAside(cache, ino, names);
    } catch (error) {
      failures.set(ino, toGphotosfsError(error));
    }
  }

  async function settle({ ino }: MissingFile, { published }: Pick<Fetching, 'published'>): Promise<void> {
    try {
      await published;
      mended.add(ino);
      failures.delete(ino);
    } catch (error) {
      const known = toGphotosfsError(error);
      if (signal.aborted) return;
      failures.set(ino, failures.get(ino) ?? known);
      if (isCacheClosed(known)) closed.abort();
    }
    request.progress({ files: mended.size + failures.size, totalFiles: inos.length });
  }

  const files = listPlaces(index, inos).filter(({ ino }) => !failures.has(ino));
  const { runs } = planRuns(files.filter(({ source }) => source !== undefined));
  await fetchRuns({ ...request, signal, isOver: () => stopping.aborted, runs, settle });
  // No source has these, but maybe there is a cached file with equal bytes.
  for (const file of files.filter(({ source }) => source === undefined)) {
    if (stopping.aborted) break;
    await settle(file, fetcher.ensure(file.ino, signal));
  }
  return { mended, failures };
}
