/**
 * Listing one loaded export: its folders merged over the parts, photos matched with sidecars and joined to items, given
 * out in pages, folder by folder.
 */
import type { Problem, UnixSeconds } from '../../model/words.ts';
import type { Page, ScannedArchive, ScannedItem, ScanRequest } from '../source.ts';
import { throwIfAborted } from './archives/byte-range.ts';
import { contentCrc } from './content-crc.ts';
import { problemOf, rethrowFatal } from './discover.ts';
import { type Export, type Loaded, page, type Stage } from './export-part.ts';
import { gatherFolders, type MediaFile, type Place } from './gather.ts';
import type { Item } from './items.ts';
import { joinExport } from './join-export.ts';
import { isTrashed, scannedAlbums, scannedItem } from './listing.ts';
import { catalogMemo, type PackedCatalog } from './packed-catalog.ts';
import { inTightHeap } from './tight-heap.ts';

/** Items a page: a transaction of some 100 ms; each page waits for the disk once. */
const pageItems = 5000;

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
 * Joins what the catalogs hold, and gives it out. An early listing has only what its directories place for good: items
 * with a year, outside the trash; albums wait for their own JSONs, which have their titles.
 */
export const listExport = (...listing: Parameters<typeof listPages>): AsyncGenerator<Page, void, undefined> =>
  inTightHeap(listPages(...listing));

async function* listPages(
  { source, one, time, loaded: { catalogs, gone }, stage, remote, only }: ListingRequest,
  request: ScanRequest,
  finished: Page['memos'][number],
): AsyncGenerator<Page, void, undefined> {
  const problems: Problem[] = [];
  const crc = contentCrc(
    (place) => readPlace(source, one, place, request.signal),
    ({ catalog, file }, error) => {
      rethrowFatal(error);
      problems.push(problemOf(error, `${catalog.archive}: ${file.folder}/${file.name}`));
    },
  );
  const early = stage === 'early';
  const archives = catalogs.map((catalog) => ({ ...scannedArchive(one, catalog, time), remote }));
  const folders = gatherFolders(catalogs, gone);
  const { sharedIds, others, items, list } = await joinExport(folders, crc);
  const scanned = (some: readonly Item[]) =>
    eachOf(some, (item) => {
      const made = scannedItem(item, one.id, sharedIds, crc);
      // What can be listed before its sidecar is read.
      return early && (made.yearFolder === undefined || made.trashed) ? undefined : made;
    });
  const unknown: MediaFile[] = [];
  const places = new Map<PackedCatalog, number>();
  const total = folders.reduce((sum, { files }) => sum + files, 0);
  let done = 0;
  // Named with the first items; what is in them is known in the end.
  const unnamed = [...archives];
  let waiting: Item[] = [];
  for (const folder of folders.filter(({ info }) => only?.has(info.path) ?? true)) {
    const listed = await list(folder);
    for (const file of listed.unknown) unknown.push(file);
    for (const item of listed.items) countPlaces(item, places);
    waiting = waiting.concat(listed.items);
    while (waiting.length >= pageItems) {
      throwIfAborted(request.signal, one.id);
      yield page({ archives: unnamed.splice(0), items: scanned(waiting.splice(0, pageItems)), early });
      request.progress({ phase: 'listing photos', done, total });
    }
    done += folder.files;
  }
  yield page({ archives: unnamed, items: scanned(waiting), early });
  request.progress({ phase: 'listing photos', done, total });

  const [example] = unknown;
  if (example !== undefined && !early)
    problems.push({
      where: one.id,
      what: `${unknown.length} files are of no known kind of photo or video and have no sidecar, such as ${example.name}; they are not listed`,
      remedy: 'Nothing to do if they are no photos; otherwise please report the kind of file.',
      severity: 'notice',
    });
  const counted = catalogs.map((catalog, at) => ({
    ...(archives[at] ?? scannedArchive(one, catalog, time)),
    unkept: unkept(catalog, unknown),
    listed: places.get(catalog) ?? 0,
  }));
  const memos = catalogs.filter(({ computed }) => computed.size > 0).map(catalogMemo);
  yield page({
    archives: early ? [] : counted,
    albums: early ? [] : scannedAlbums(others, items),
    problems,
    memos: [...memos, finished],
    early,
  });
}

function scannedArchive(
  one: Export,
  { archive, fingerprint }: PackedCatalog,
  time: UnixSeconds,
): ScannedArchive {
  const part = one.parts.find((part) => part.archive.name === archive);
  return {
    name: archive,
    title: part?.title ?? archive,
    exportId: one.id,
    exportTime: time,
    fingerprint,
    sequential: part?.archive.sequential ?? false,
  };
}

/** Adds an item's files, if it is not in the trash, to those of each archive. */
function countPlaces(item: Item, counts: Map<PackedCatalog, number>): void {
  if (isTrashed(item)) return;
  for (const { copies } of item.files)
    for (const { places } of copies)
      for (const { catalog } of places) counts.set(catalog, (counts.get(catalog) ?? 0) + 1);
}

/** Files of the archive that nobody keeps; undefined where an older catalog doesn't tell. */
function unkept(catalog: PackedCatalog, unknown: readonly MediaFile[]): number | undefined {
  if (catalog.others === undefined) return undefined;
  const unlisted = unknown.filter(({ places }) => places.some((place) => place.catalog === catalog));
  return catalog.others + unlisted.length;
}

/** Each made when it is asked for, and garbage before it grows old: of lists, half stayed in memory to the end. */
function eachOf<T>(list: readonly T[], make: (one: T) => ScannedItem | undefined): Iterable<ScannedItem> {
  return {
    *[Symbol.iterator]() {
      for (const one of list) {
        const made = make(one);
        if (made !== undefined) yield made;
      }
    },
  };
}

function readPlace(
  source: string,
  one: Export,
  { catalog, file }: Place,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  const part = one.parts.find(({ archive }) => archive.name === catalog.archive);
  if (part === undefined) return noBytes();
  const { size, offset, address, seekable } = file;
  const { archive, fingerprint } = catalog;
  const location = { source, archive, fingerprint, offset, address, seekable, size, crc32: undefined };
  return part.archive.open(location, { signal });
}

async function* noBytes(): AsyncGenerator<Buffer> {}
