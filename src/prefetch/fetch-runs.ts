/**
 * The jobs of a prefetch: each takes a run of neighbouring files and goes on to the next file when one is verified;
 * publishing follows behind, in groups.
 */
import type { Fetcher, Fetching } from '../fetch/fetcher.ts';
import { type Index, transaction } from '../index/open.ts';
import type { MissingFile } from '../index/plan.ts';
import { putMemo, recall } from '../index/sources.ts';
import type { Source, SweepNotes } from '../sources/source.ts';
import type { Run } from './plan.ts';
import { fetchSideBySide, locationIn, splitRuns, type Take } from './side-by-side.ts';

export interface FetchRunsRequest {
  readonly index: Index;
  readonly fetcher: Fetcher;
  readonly sources: readonly Source[];
  readonly runs: readonly Run[];
  readonly jobs: number;
  /** Gives up what is under way. */
  readonly signal: AbortSignal;
  /** Nothing more of this source, or of this archive of it, is to be begun; what is under way is waited for. */
  readonly isOver: (source: string, archive?: string) => boolean;
  /** Told of each file that was tried; waits for its outcome. */
  readonly settle: (file: MissingFile, fetching: Fetching) => Promise<void>;
}

/** Files that wait to be published, over all jobs: the larger the groups the fewer waits for the disk. */
const maxUnpublished = 128;

/**
 * So many small files of a run are asked for at a time. A thread that has filled one finds the next waiting, where it would
 * sleep until the main thread was awake, had noted the file and asked for another; and as many as that wait for the disk
 * at a time (`bin.cts`).
 */
const smallAtOnce = 8;
/** Larger ones, bytes, come one after another: a disk with heads would go to and fro between them. */
const small = 4 << 20;

/** Fetches all runs, or what it can until it is to stop, and waits until each file that was tried is settled. */
export async function fetchRuns(request: FetchRunsRequest): Promise<void> {
  const { signal, isOver } = request;
  const unsettled = new Set<Promise<void>>();

  async function take(file: MissingFile, fetching: Fetching): Promise<void> {
    const settling = request.settle(file, fetching).finally(() => unsettled.delete(settling));
    unsettled.add(settling);
    await fetching.verified.catch(() => {});
    if (unsettled.size >= maxUnpublished) await Promise.race(unsettled);
  }

  /** Small files that a job has under way: one where the last one failed, for the source may be out of order. */
  let width = 1;
  /** @param underway what the job has begun and not taken yet, for its next run too */
  async function fetchSeveral(
    run: Run,
    files: readonly MissingFile[],
    underway: Set<Promise<void>>,
  ): Promise<void> {
    for (const file of files) {
      if (isOver(run.source, run.archive)) break;
      const fetching = request.fetcher.ensure(file.ino, signal);
      fetching.verified.then(
        () => {
          width = Math.min(width * 2, smallAtOnce);
        },
        () => {
          width = 1;
        },
      );
      const taken = take(file, fetching).finally(() => underway.delete(taken));
      underway.add(taken);
      while (underway.size >= (file.size <= small ? width : 1)) await Promise.race(underway);
    }
  }

  const { archived, single } = splitRuns(request.runs, request.sources);
  const runs = archived.values();
  async function job(): Promise<void> {
    const underway = new Set<Promise<void>>();
    for (const run of runs) {
      if (isOver(run.source, run.archive)) continue;
      const source = request.sources.find(({ id }) => id === run.source);
      const left =
        (run.sequential || run.remote) && source?.openMany !== undefined
          ? await fetchInOnePass(request, run, source.openMany.bind(source), take)
          : run.files;
      await fetchSeveral(run, left, underway);
    }
    await Promise.all(underway);
  }
  const jobs = Array.from({ length: Math.max(1, request.jobs) }, job);
  const besides = single.map(({ source, files }) => fetchSideBySide(request, source, files, take));
  await Promise.all([...jobs, ...besides]);
  await Promise.all(unsettled);
}

/** What a pass finds out beside the photos is for the source's next scan. */
function notesOf(index: Index, source: string): SweepNotes {
  return {
    recall: (key) => recall(index, source, key),
    keep: (memo) => transaction(index, () => putMemo(index, source, memo)),
  };
}

type OpenMany = NonNullable<Source['openMany']>;

/**
 * A tgz is unpacked once for all its files; one in Drive is read in long requests.
 * @returns files that the archive should have and has not: each by itself says why not, or is had elsewhere
 */
async function fetchInOnePass(
  request: FetchRunsRequest,
  run: Run,
  openMany: OpenMany,
  take: Take,
): Promise<readonly MissingFile[]> {
  const { index, fetcher, signal, isOver } = request;
  const left = new Set(run.files);
  const wanted = run.files
    .flatMap((file) => {
      const location = locationIn(index, run, file);
      return location === undefined ? [] : { file, location };
    })
    .sort((a, b) => a.location.offset - b.location.offset);
  const files = new Map(wanted.map(({ file, location }) => [location.offset, file]));
  try {
    const locations = wanted.map(({ location }) => location);
    for await (const { location, bytes } of openMany(locations, signal, notesOf(index, run.source))) {
      const file = files.get(location.offset);
      if (file === undefined) continue;
      left.delete(file);
      await take(file, fetcher.ensure(file.ino, signal, { location, bytes }));
      if (isOver(run.source, run.archive)) return [];
      // Not taken where the file was cached already, or was fetched by another process.
      await bytes[Symbol.asyncIterator]().return?.();
    }
  } catch (error) {
    const published = Promise.reject(error);
    published.catch(() => {});
    for (const file of left) await take(file, { verified: published, published });
    return [];
  }
  return [...left];
}
