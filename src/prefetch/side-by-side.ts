/**
 * Files of which each is a request of its own: the wait for the answer is what costs, so many are fetched side by side. What
 * the source can learn of several at once it is told to ask for a batch ahead.
 */
import type { Fetcher, Fetching } from '../fetch/fetcher.ts';
import { wantedContent } from '../fetch/locate.ts';
import { locationsOf } from '../index/locations.ts';
import type { Index } from '../index/open.ts';
import type { MissingFile } from '../index/plan.ts';
import { sameContent } from '../model/content.ts';
import type { Location } from '../model/words.ts';
import type { Source } from '../sources/source.ts';
import type { Run } from './plan.ts';

/**
 * For each job that an archive is fetched by. Four jobs are the default, so twenty requests at a time: what the peers that
 * were measured do best with, and below what Google slows down.
 */
const lanesPerJob = 5;
/** As many links as Google gives in one call. */
const batchLength = 50;

/** A source with its files that are requests of their own. */
export interface SingleFiles {
  readonly source: Source;
  readonly files: readonly PlacedFile[];
}

interface PlacedFile {
  readonly file: MissingFile;
  readonly archive: string;
}

/** Parts the runs of archives from files that are requests of their own. */
export function splitRuns(
  runs: readonly Run[],
  sources: readonly Source[],
): { readonly archived: readonly Run[]; readonly single: readonly SingleFiles[] } {
  const isSingle = ({ features }: Source) => features.requestPerFile === true;
  const ids = new Set(sources.filter(isSingle).map(({ id }) => id));
  const single = sources.filter(isSingle).map((source) => ({
    source,
    files: runs
      .filter((run) => run.source === source.id)
      .flatMap(({ archive, files }) => files.map((file) => ({ file, archive }))),
  }));
  return { archived: runs.filter(({ source }) => !ids.has(source)), single };
}

export interface SideBySideRequest {
  readonly index: Index;
  readonly fetcher: Fetcher;
  readonly jobs: number;
  /** Gives up what is under way. */
  readonly signal: AbortSignal;
  /** Nothing more of this source is to be begun; what is under way is waited for. */
  readonly isOver: (source: string) => boolean;
}

/** Notes a file whose fetch has begun, and waits until the next may begin. */
export type Take = (file: MissingFile, fetching: Fetching) => Promise<void>;

/** Fetches a source's files, each by a request of its own. */
export async function fetchSideBySide(
  { index, fetcher, jobs, signal, isOver }: SideBySideRequest,
  source: Source,
  files: readonly PlacedFile[],
  take: Take,
): Promise<void> {
  const prepared = new Map<number, Promise<void>>();
  function prepare(batch: number): Promise<void> {
    const begun = prepared.get(batch);
    if (begun !== undefined || source.prepare === undefined) return begun ?? Promise.resolve();
    const locations = files
      .slice(batch * batchLength, (batch + 1) * batchLength)
      .flatMap(({ file, archive }) => locationIn(index, { source: source.id, archive }, file) ?? []);
    const asked = locations.length === 0 ? Promise.resolve() : source.prepare(locations);
    // What could not be asked for here says so when it is opened.
    const settled = asked.catch(() => {});
    prepared.set(batch, settled);
    return settled;
  }

  const queue = files.entries();
  async function lane(): Promise<void> {
    for (const [at, { file }] of queue) {
      if (isOver(source.id)) return;
      const batch = Math.floor(at / batchLength);
      const ready = prepare(batch);
      void prepare(batch + 1);
      await ready;
      if (isOver(source.id)) return;
      await take(file, fetcher.ensure(file.ino, signal));
    }
  }
  const lanes = Math.min(files.length, Math.max(1, jobs) * lanesPerJob);
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Where in an archive a file's newest bytes lie. */
export function locationIn(
  index: Index,
  run: Pick<Run, 'source' | 'archive'>,
  file: MissingFile,
): Location | undefined {
  const content = wantedContent(index, file.ino, true);
  return locationsOf(index, file.ino).find(
    (place) => place.source === run.source && place.archive === run.archive && sameContent(place, content),
  );
}
