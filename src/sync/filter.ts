/**
 * The filter of a sync: what is new and doesn't pass is not listed. What is listed already stays, and is kept up to date,
 * for a name once given is never taken back; and what was left out comes when the filter lets it.
 */
import { hasArchives } from '../index/locations.ts';
import type { Index } from '../index/open.ts';
import { filterOf, getSetting, putSetting } from '../index/settings.ts';
import { everything, type Filter, isEmpty, passes } from '../model/filter.ts';
import { mediaKindOf } from '../model/media-kind.ts';
import type { UnixSeconds } from '../model/words.ts';
import type { Page, ScannedFile, ScannedItem } from '../sources/source.ts';
import { yearPath } from '../tree/layout.ts';

/** Whether a file that isn't listed yet shall be. */
export type Wants = (item: ScannedItem, file: ScannedFile, exportTime: UnixSeconds) => boolean;

const key = (source: string) => `filter:${source}`;
const asText = (filter: Filter) => JSON.stringify(filter);

/**
 * Whether the source has to be read again though nothing of it changed: what its earlier scans left out may be wanted
 * now. Inside the transaction that begins the scan; `settleScan` follows its end.
 */
export function beginFiltered(index: Index, source: string): boolean {
  const filter = asText(filterOf(index));
  const scanned = getSetting(index, key(source)) ?? asText(everything);
  if (scanned === filter) return false;
  const isNew = !hasArchives(index, source);
  // A scan that is cut off has to be done over, but the first one goes on from where it was.
  putSetting(index, key(source), isNew ? filter : '');
  return !isNew;
}

/** Notes that a whole scan went by the filter in force. */
export function settleScan(index: Index, source: string): void {
  const filter = asText(filterOf(index));
  if (filter !== asText(everything) || getSetting(index, key(source)) !== undefined) {
    putSetting(index, key(source), filter);
  }
}

/** What the filter lets through, of these pages; undefined where it lets all through. */
export function wantsOf(filter: Filter, pages: readonly Page[]): Wants | undefined {
  if (isEmpty(filter.only) && isEmpty(filter.skip)) return undefined;
  const albums = albumsByPlace(pages);
  const none: ReadonlySet<string> = new Set();
  return (item, file, exportTime) => {
    const dating = { takenAt: item.takenAt, yearFolder: item.yearFolder, exportTime };
    const [year = ''] = yearPath(dating, { years: 'yearly', albums: 'symlink' });
    // An album holds the item, by whichever of its files it names.
    const places = item.files.flatMap((one) => one.locations);
    const names = places.flatMap((place) => [...(albums.get(placeKey(place)) ?? none)]);
    return passes(filter, { year, kind: mediaKindOf(file.role, file.name), albums: new Set(names) });
  };
}

/** Whether items have to wait until all albums of the source are known. */
export function asksForAlbums({ only, skip }: Filter): boolean {
  return only.albums.length + skip.albums.length > 0;
}

/**
 * The same pages, all of them read before the first is given out: an album that comes last decides on items that came
 * first. Under such a filter a sync needs memory for the whole listing, and one that is cut off begins anew.
 */
export async function* afterAlbums(
  pages: AsyncIterable<Page>,
  know: (pages: readonly Page[]) => void,
): AsyncGenerator<Page, void, undefined> {
  const all: Page[] = [];
  for await (const page of pages) all.push(page);
  know(all);
  for (let page = all.shift(); page !== undefined; page = all.shift()) yield page;
}

const placeKey = ({ archive, offset }: { readonly archive: string; readonly offset: number }) =>
  `${offset} ${archive}`;

/** The albums of each place, by title and by folder. */
function albumsByPlace(pages: readonly Page[]): Map<string, Set<string>> {
  const byPlace = new Map<string, Set<string>>();
  for (const { title, folder, members } of pages.flatMap((page) => page.albums)) {
    for (const member of members) {
      const names = byPlace.get(placeKey(member)) ?? new Set();
      byPlace.set(placeKey(member), names.add(title).add(folder));
    }
  }
  return byPlace;
}
