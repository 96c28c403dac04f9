/** Listing one loaded export, a large one in a thread of its own. */
import type { Location, UnixSeconds } from '../../model/words.ts';
import type { Memo, Page, ScanRequest } from '../source.ts';
import type { Export, Loaded, Stage } from './export-part.ts';
import { type Listing, listPages } from './list-pages.ts';
import { isWorthThread, listInThread } from './listing-thread.ts';
import { inTightHeap } from './tight-heap.ts';

export interface ListingRequest {
  /** The source's id. */
  readonly source: string;
  readonly one: Export;
  /** When the export was made. */
  readonly time: UnixSeconds;
  readonly loaded: Loaded;
  readonly stage: Stage;
  /** Its archives are reached over a network. */
  readonly remote: boolean;
  /** Only of these folders, by their paths inside the Photos folder, items are given out; default of all. */
  readonly only?: ReadonlySet<string>;
}

/**
 * The pages of an export.
 * @param finished kept with the last page
 */
export function listExport(
  { source, one, time, loaded: { catalogs, gone }, stage, remote, only }: ListingRequest,
  { signal, progress }: ScanRequest,
  finished: Memo,
): AsyncGenerator<Page, void, undefined> {
  const parts = one.parts.map(({ archive: { name, sequential }, title }) => ({ name, title, sequential }));
  const listing: Listing = {
    source,
    exportId: one.id,
    time,
    parts,
    catalogs,
    gone,
    stage,
    remote,
    only,
    finished,
  };
  if (isWorthThread(listing)) return inTightHeap(listInThread(listing, signal, progress));
  const archives = new Map(one.parts.map(({ archive }) => [archive.name, archive]));
  const open = (location: Location) =>
    archives.get(location.archive)?.open(location, { signal }) ?? noBytes();
  return inTightHeap(listPages(listing, { open, signal, progress }));
}

async function* noBytes(): AsyncGenerator<Buffer> {}
