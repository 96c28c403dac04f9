/**
 * The pages of one loaded export: its folders merged over the parts, photos matched with sidecars and joined to items, given
 * out folder by folder.
 */
import type { Location, Problem, UnixSeconds } from '../../model/words.ts';
import type { Memo, Page, ScannedArchive, ScannedItem, ScanRequest } from '../source.ts';
import { throwIfAborted } from './archives/byte-range.ts';
import { contentCrc } from './content-crc.ts';
import { problemOf, rethrowFatal } from './discover.ts';
import { page, type Stage } from './export-part.ts';
import { gatherFolders, type MediaFile, type Place } from './gather.ts';
import type { Item } from './items.ts';
import { joinExport } from './join-export.ts';
import { isTrashed, scannedAlbums, scannedItem } from './listing.ts';
import { catalogMemo, type PackedCatalog } from './packed-catalog.ts';

/** Items a page: a transaction of some 100 ms; each page waits for the disk once. */
const pageItems = 5000;
/** The first is to be had early: whoever applies it has nothing else to do. */
const firstPageItems = 2000;

/** What is to be listed: plain data, which a thread can be given. */
export interface Listing {
  /** The source's id. */
  readonly source: string;
  /** The export's. */
  readonly exportId: string;
  /** When the export was made. */
  readonly time: UnixSeconds;
  readonly parts: readonly ListedArchive[];
  readonly catalogs: readonly PackedCatalog[];
  /** Of parts that are not here now: their sidecars still count. */
  readonly gone: readonly PackedCatalog[];
  readonly stage: Stage;
  /** Its archives are reached over a network. */
  readonly remote: boolean;
  /** As `ListingRequest` has it. */
  readonly only: ReadonlySet<string> | undefined;
  /** Kept with the last page. */
  readonly finished: Memo;
}

/** An archive that is here now. */
type ListedArchive = Pick<ScannedArchive, 'name' | 'sequential'> & { readonly title: string };

/** What a listing needs beside its data. */
export interface ListingTools extends Pick<ScanRequest, 'signal' | 'progress'> {
  /** Opens a file of one of the archives. */
  readonly open: (location: Location) => AsyncIterable<Buffer>;
}

/**
 * Joins what the catalogs hold, and gives it out. An early listing has only what its directories place for good: items
 * with a year, outside the trash; albums wait for their own JSONs, which have their titles.
 */
export async function* listPages(
  listing: Listing,
  { open, signal, progress }: ListingTools,
): AsyncGenerator<Page, void, undefined> {
  const { exportId, catalogs, gone, stage, remote, only, finished } = listing;
  const problems: Problem[] = [];
  const crc = contentCrc(
    (place) => open(fullLocation(listing, place)),
    ({ catalog, file }, error) => {
      rethrowFatal(error);
      problems.push(problemOf(error, `${catalog.archive}: ${file.folder}/${file.name}`));
    },
  );
  const early = stage === 'early';
  const archives = catalogs.map((catalog) => ({ ...scannedArchive(listing, catalog), remote }));
  const folders = gatherFolders(catalogs, gone);
  const { sharedIds, others, items, list } = await joinExport(folders, crc);
  const scanned = (some: readonly Item[]) =>
    eachOf(some, (item) => {
      const made = scannedItem(item, exportId, sharedIds, crc);
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
  const nextItems = () => (unnamed.length > 0 ? firstPageItems : pageItems);
  for (const folder of folders.filter(({ info }) => only?.has(info.path) ?? true)) {
    const listed = await list(folder);
    for (const file of listed.unknown) unknown.push(file);
    for (const item of listed.items) countPlaces(item, places);
    waiting = waiting.concat(listed.items);
    for (let most = nextItems(); waiting.length >= most; most = nextItems()) {
      throwIfAborted(signal, exportId);
      yield page({ archives: unnamed.splice(0), items: scanned(waiting.splice(0, most)), early });
      progress({ phase: 'listing photos', done, total });
    }
    done += folder.files;
  }
  yield page({ archives: unnamed, items: scanned(waiting), early });
  progress({ phase: 'listing photos', done, total });

  const [example] = unknown;
  if (example !== undefined && !early)
    problems.push({
      where: exportId,
      what: `${unknown.length} files are of no known kind of photo or video and have no sidecar, such as ${example.name}; they are not listed`,
      remedy: 'Nothing to do if they are no photos; otherwise please report the kind of file.',
      severity: 'notice',
    });
  const counted = catalogs.map((catalog, at) => ({
    ...(archives[at] ?? scannedArchive(listing, catalog)),
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
  { exportId, time, parts }: Listing,
  { archive, fingerprint }: PackedCatalog,
): ScannedArchive {
  const part = parts.find(({ name }) => name === archive);
  return {
    name: archive,
    title: part?.title ?? archive,
    exportId,
    exportTime: time,
    fingerprint,
    sequential: part?.sequential ?? false,
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

function fullLocation({ source }: Listing, { catalog, file }: Place): Location {
  const { archive, fingerprint } = catalog;
  const { size, offset, address, seekable } = file;
  return { source, archive, fingerprint, offset, address, seekable, size, crc32: undefined };
}
