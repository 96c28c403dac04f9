/**
 * A sync: for each source, every page of its scan is applied to the index, in one transaction a page.
 * What a scan does not mention stays: absence is never deletion.
 */
import { openCache } from '../cache/cache.ts';
import { listVanished } from '../index/archives.ts';
import { openLeases } from '../index/leases.ts';
import { makeLookups } from '../index/lookups.ts';
import { type Index, transaction } from '../index/open.ts';
import { putRebuildStage, rebuildStage, requireInPlace } from '../index/replacement.ts';
import { filterOf, type Layout, putFilter, settleLayout } from '../index/settings.ts';
import { finishScan, putSource, recall } from '../index/sources.ts';
import { GphotosfsError, toGphotosfsError } from '../model/errors.ts';
import type { Filter } from '../model/filter.ts';
import type { Problem } from '../model/words.ts';
import type { Page, ScanProgress, Source } from '../sources/source.ts';
import { applyPage } from './apply.ts';
import { afterAlbums, asksForAlbums, beginFiltered, settleScan, wantsOf } from './filter.ts';
import { startJournal } from './journal-start.ts';
import { createLookalikes } from './lookalikes.ts';
import { beginScan } from './scan-state.ts';
import { refreshSidecars, sidecarsWanted } from './sidecars.ts';
import { withTrueSizes } from './true-sizes.ts';

export interface SourceReport {
  readonly id: string;
  readonly newItems: number;
  readonly newFiles: number;
  readonly newAlbums: number;
  /** In the trash, so not listed. */
  readonly heldBack: number;
  /** Not listed, for the filter leaves them out. */
  readonly filtered: number;
  /** Not listed yet, for their sizes aren't known. */
  readonly waiting: number;
  readonly problems: readonly Problem[];
  /** Why the scan ended before its end; what came until then is in the index. */
  readonly error: GphotosfsError | undefined;
}

export interface SyncReport {
  readonly sources: readonly SourceReport[];
}

export interface SyncRequest {
  readonly index: Index;
  readonly cachePath: string;
  /** The folder of the index and its leases. */
  readonly home: string;
  readonly layout: Layout;
  readonly sources: readonly Source[];
  /** What is to be listed from now on; without it what the last sync with one said. */
  readonly filter?: Filter;
  /** Whether photos have sidecars from now on; without it as the last sync with one said. */
  readonly sidecars?: boolean;
  /** Read again also what has not changed. */
  readonly rescan: boolean;
  /** Nothing but refining what was listed early, as a scan has it. */
  readonly lateOnly?: number;
  readonly signal: AbortSignal;
  readonly progress: (source: string, progress: ScanProgress) => void;
}

/** Other hosts take a lease for dead after a minute. */
const beatEveryMs = 10_000;

/**
 * Brings the index up to date with its sources.
 * @throws `busy` when another sync is at work; `index-corrupt` after a rebuild that was killed; `wrong-cache` and others
 * of `openCache`; `interrupted`; as `requireInPlace`. What a source can't read is a problem in its report, and a source
 * that fails whole doesn't stop the others.
 */
export async function sync(request: SyncRequest): Promise<SyncReport> {
  const leases = openLeases(request.home);
  try {
    const other = leases.acquire('sync');
    if (other !== undefined) {
      throw new GphotosfsError('busy', `another sync is running (process ${other.pid})`, {
        hint: 'Wait until it has finished; nothing was changed.',
      });
    }
    // By time, not by page: reading a tgz to its end comes before its first page.
    const beating = setInterval(() => leases.beat('sync', 0), beatEveryMs);
    try {
      requireInPlace(request.index);
      requireRestored(request.index);
      settleLayout(request.index, request.layout);
      if (request.filter !== undefined) putFilter(request.index, request.filter);
      const reports: SourceReport[] = [];
      for (const source of request.sources) reports.push(await syncSource(request, source));
      await listSidecars(request);
      return { sources: reports };
    } finally {
      clearInterval(beating);
      // What it didn't find now the next sync may: a mount need not wait for that.
      if (rebuildStage(request.index) === 'sources') putRebuildStage(request.index, undefined);
      leases.release('sync');
    }
  } finally {
    leases.close();
  }
}

async function listSidecars({ index, cachePath, sidecars, signal }: SyncRequest): Promise<void> {
  const adds = sidecarsWanted(index, sidecars);
  const cache = openCache(cachePath, index);
  try {
    await refreshSidecars(index, cache, adds, signal);
  } finally {
    cache.close();
  }
}

/** Names and numbers that are only in the journal must not be given a second time. */
function requireRestored(index: Index): void {
  if (rebuildStage(index) !== 'journal') return;
  throw new GphotosfsError('index-corrupt', `the rebuild of ${index.path} was interrupted`, {
    hint: 'Run "gphotosfs sync --rebuild" again.',
  });
}

async function syncSource(request: SyncRequest, source: Source): Promise<SourceReport> {
  const { index, signal, lateOnly } = request;
  const problems: Problem[] = [];
  let present: readonly string[] | undefined;
  const now = Math.floor(Date.now() / 1000);
  const cache = openCache(request.cachePath, index);
  try {
    const filter = filterOf(index);
    const { scan, isRefiltered } = transaction(index, () => {
      cache.journal.append(startJournal(index));
      putSource(index, source.id, source.account);
      const isRefiltered = beginFiltered(index, source.id);
      return { scan: beginScan(index, source, request.layout), isRefiltered };
    });
    scan.wants = wantsOf(filter, []);
    const scanned = source.scan({
      recall: (key) => recall(index, source.id, key),
      rescan: request.rescan || isRefiltered,
      ...(lateOnly === undefined ? {} : { lateOnly }),
      signal,
      progress: (progress) => request.progress(source.id, progress),
      present: (archives) => {
        present = archives;
      },
    });
    const pages = asksForAlbums(filter)
      ? afterAlbums(scanned, (all) => {
          scan.wants = wantsOf(filter, all);
        })
      : scanned;
    const lookalikesOf = createLookalikes({ index, cache, source, sources: request.sources, signal });
    const error = await applyPages(pages, async (listed) => {
      if (signal.aborted) throw new GphotosfsError('interrupted', 'the sync was interrupted');
      const { page, lookalikes } = await lookalikesOf(
        source.features.exactSizes ? listed : withTrueSizes(index, listed),
      );
      scan.lookalikes = lookalikes;
      transaction(index, () => cache.journal.write(applyPage(scan, page, now)));
      for (const problem of page.problems) problems.push(problem);
    });
    transaction(index, () => makeLookups(index));
    if (error?.kind === 'interrupted') throw error;
    if (error === undefined && lateOnly === undefined) {
      if (present !== undefined) problems.push(...vanished(index, source, present, problems));
      transaction(index, () => {
        finishScan(index, source.id);
        settleScan(index, source.id);
      });
    }
    return { id: source.id, ...scan.counts, problems, error };
  } finally {
    cache.close();
  }
}

/** Archives that are gone with photos that nothing else has. What is cached needs them no more, and they may go. */
function vanished(
  index: Index,
  { id }: Source,
  present: readonly string[],
  told: readonly Problem[],
): Problem[] {
  return listVanished(index, id, present)
    .filter(({ name }) => !told.some(({ where }) => where === name))
    .map(({ name, files }) => ({
      where: name,
      what: `it is not there any more, and ${files === 1 ? 'one file' : `${files} files`} that only it has ${files === 1 ? 'is' : 'are'} not in the cache`,
      remedy: 'Put it back; what is cached needs it no more.',
    }));
}

/** Applies each page. What the source throws is given back: it is its own, and the other sources go on. */
async function applyPages(
  pages: AsyncIterable<Page>,
  apply: (page: Page) => Promise<void>,
): Promise<GphotosfsError | undefined> {
  let ours: unknown;
  try {
    for await (const page of pages) {
      try {
        await apply(page);
      } catch (error) {
        ours = error;
        throw error;
      }
    }
    return undefined;
  } catch (error) {
    if (ours !== undefined) throw toGphotosfsError(ours, 'what the source lists cannot be stored');
    return toGphotosfsError(error);
  }
}
