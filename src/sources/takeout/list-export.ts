/**
 * Listing one loaded export: its folders merged over the parts, photos matched with sidecars and joined to items, given
 * out in pages.
 */
import type { Problem, UnixSeconds } from '../../model/words.ts';
import type { Page, ScannedAlbum, ScannedArchive, ScannedItem, ScanRequest } from '../source.ts';
import { throwIfAborted } from './archives/byte-range.ts';
import { type Catalog, catalogKey, encodeCatalog } from './catalog.ts';
import { type ContentCrc, contentCrc } from './content-crc.ts';
import { problemOf, rethrowFatal } from './discover.ts';
import { draftFolder, type FolderDrafts } from './drafts.ts';
import { type Export, type Loaded, page, type Stage } from './export-part.ts';
import { gatherFolders, type MediaFile, type Place } from './gather.ts';
import { type Item, joinFolders } from './items.ts';
import { isTrashed, scannedAlbums, scannedItem, sharedIds, sortItems } from './listing.ts';
import { inTightHeap } from './tight-heap.ts';

/** Items a page: some 4 MB of objects, and a transaction of some 100 ms; each page waits for the disk once. */
const pageItems = 2000;

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
}

/**
 * Joins what the catalogs hold, and gives it out. An early listing has only what its directories place for good: items
 * with a year, outside the trash; albums wait for their own JSONs, which have their titles.
 */
export const listExport = (...listing: Parameters<typeof listPages>): AsyncGenerator<Page, void, undefined> =>
  inTightHeap(listPages(...listing));

async function* listPages(
  { source, one, time, loaded: { catalogs, gone }, stage, remote }: ListingRequest,
  request: ScanRequest,
  finished: Page['memos'][number],
): AsyncGenerator<Page, void, undefined> {
  const problems: Problem[] = [];
  const recomputed = new Set<Catalog>();
  const crc = contentCrc(
    (place) => {
      recomputed.add(place.catalog);
      return readPlace(source, one, place, request.signal);
    },
    ({ catalog, file }, error) => {
      rethrowFatal(error);
      problems.push(problemOf(error, `${catalog.archive}: ${file.folder}/${file.name}`));
    },
  );
  const early = stage === 'early';
  const { items, albums, unknown } = await joinCatalogs(catalogs, gone, crc, early);
  const [example] = unknown;
  if (example !== undefined && !early)
    problems.push({
      where: one.id,
      what: `${unknown.length} files are of no known kind of photo or video and have no sidecar, such as ${example.name}; they are not listed`,
      remedy: 'Nothing to do if they are no photos; otherwise please report the kind of file.',
      severity: 'notice',
    });

  const places = early ? undefined : countPlaces(items);
  const archives = catalogs.map((catalog) => ({
    ...scannedArchive(one, catalog, time),
    remote,
    unkept: early ? undefined : unkept(catalog, unknown),
    listed: places === undefined ? undefined : (places.get(catalog) ?? 0),
  }));
  const shared = sharedIds(items);
  const total = items.length;
  // Taken off the list: what has been given out makes room for what the index takes.
  for (let done = 0; done < total; ) {
    throwIfAborted(request.signal, one.id);
    const some = items.splice(0, pageItems);
    const scanned = eachOf(some, (item) => {
      const made = scannedItem(item, one.id, shared, crc);
      // What can be listed before its sidecar is read.
      return early && (made.yearFolder === undefined || made.trashed) ? undefined : made;
    });
    yield page({ archives: done === 0 ? archives : [], items: scanned, early });
    done += some.length;
    request.progress({ phase: 'listing photos', done, total });
  }
  const memos = [...recomputed].map((catalog) => ({
    key: catalogKey(catalog.archive),
    value: encodeCatalog(catalog),
  }));
  yield page({
    archives: total === 0 ? archives : [],
    albums,
    problems,
    memos: [...memos, finished],
    early,
  });
}

function scannedArchive(one: Export, { archive, fingerprint }: Catalog, time: UnixSeconds): ScannedArchive {
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

/** Files of the items that are not in the trash, in each archive. */
function countPlaces(items: readonly Item[]): ReadonlyMap<Catalog, number> {
  const counts = new Map<Catalog, number>();
  for (const item of items) {
    if (isTrashed(item)) continue;
    for (const { copies } of item.files)
      for (const { places } of copies)
        for (const { catalog } of places) counts.set(catalog, (counts.get(catalog) ?? 0) + 1);
  }
  return counts;
}

/** Files of the archive that nobody keeps; undefined where an older catalog doesn't tell. */
function unkept(catalog: Catalog, unknown: readonly MediaFile[]): number | undefined {
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

interface Joined {
  readonly items: Item[];
  readonly albums: readonly ScannedAlbum[];
  /** Files that are not listed. */
  readonly unknown: readonly MediaFile[];
}

/** A function of its own, so that folders and drafts don't outlive it while pages are given out. */
async function joinCatalogs(
  catalogs: readonly Catalog[],
  gone: readonly Catalog[],
  crc: ContentCrc,
  early: boolean,
): Promise<Joined> {
  const gathered = await gatherFolders(catalogs, gone, crc.sameBytes);
  for (const catalog of catalogs) releaseJsons(catalog);
  const folders: FolderDrafts[] = [];
  for (let folder = gathered.shift(); folder !== undefined; folder = gathered.shift())
    folders.push(draftFolder(folder));
  const items = sortItems(await joinFolders(folders, crc), crc);
  const albums = early ? [] : scannedAlbums(folders, items);
  return { items, albums, unknown: folders.flatMap((folder) => folder.unknown) };
}

/** Forgets the JSONs of a catalog that will not be encoded again, for no CRC is to be added to it. */
function releaseJsons({ files, jsons }: Catalog): void {
  if (files.every(({ crc32 }) => crc32 !== undefined)) jsons.length = 0;
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
