/**
 * Listing one loaded export: its folders merged over the parts, photos matched with sidecars and joined to items, given
 * out in pages.
 */
import type { Problem, UnixSeconds } from '../../model/words.ts';
import type { Page, ScanRequest } from '../source.ts';
import { throwIfAborted } from './byte-range.ts';
import { type Catalog, catalogKey, encodeCatalog } from './catalog.ts';
import { contentCrc } from './content-crc.ts';
import { problemOf, rethrowFatal } from './discover.ts';
import { draftFolder } from './drafts.ts';
import { type Export, type Loaded, page } from './export-part.ts';
import { gatherFolders, type Place } from './gather.ts';
import { joinFolders } from './items.ts';
import { scannedAlbums, scannedItem, sharedIds, sortItems } from './listing.ts';

/** Items a page: some 2 MB of objects, and a transaction of some 50 ms. */
const pageItems = 1000;

/** Joins what the catalogs hold, and gives it out. */
export async function* listExport(
  source: string,
  one: Export,
  time: UnixSeconds,
  { catalogs, gone }: Loaded,
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
  const folders = (await gatherFolders(catalogs, gone, crc.sameBytes)).map(draftFolder);
  const items = sortItems(await joinFolders(folders, crc), crc);
  const albums = scannedAlbums(folders, items);
  const unknown = folders.flatMap((folder) => folder.unknown);
  const [example] = unknown;
  if (example !== undefined)
    problems.push({
      where: one.id,
      what: `${unknown.length} files are of no known kind of photo or video and have no sidecar, such as ${example.name}; they are not listed`,
      remedy: 'Nothing to do if they are no photos; otherwise please report the kind of file.',
      severity: 'notice',
    });

  const archives = catalogs.map(({ archive, fingerprint }) => ({
    name: archive,
    exportId: one.id,
    exportTime: time,
    fingerprint,
    sequential: one.parts.some((part) => part.archive.name === archive && part.archive.sequential),
  }));
  const shared = sharedIds(items);
  for (let from = 0; from < items.length; from += pageItems) {
    throwIfAborted(request.signal, one.id);
    const some = items.slice(from, from + pageItems).map((item) => scannedItem(item, one.id, shared, crc));
    yield page({ archives: from === 0 ? archives : [], items: some });
    request.progress({ phase: 'listing photos', done: from + some.length, total: items.length });
  }
  const memos = [...recomputed].map((catalog) => ({
    key: catalogKey(catalog.archive),
    value: encodeCatalog(catalog),
  }));
  yield page({ archives: items.length === 0 ? archives : [], albums, problems, memos: [...memos, finished] });
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
