/** What one scan has told so far; lives as long as the scan. */
import { hasItems, nextItem } from '../index/items.ts';
import { makeLikeness } from '../index/likeness.ts';
import { addLocation, fileAt as fileInIndex, putLocation } from '../index/locations.ts';
import { dropLookups, makeLookups } from '../index/lookups.ts';
import type { Index } from '../index/open.ts';
import { filterOf, type Layout } from '../index/settings.ts';
import { GphotosfsError } from '../model/errors.ts';
import type { Content, UnixSeconds } from '../model/words.ts';
import type { ScannedLocation, Source } from '../sources/source.ts';
import { type FreshKeys, noKeys } from '../tree/fresh-keys.ts';
import type { Wants } from './filter.ts';
import type { Lookalikes } from './lookalikes.ts';

export interface ScanState {
  readonly index: Index;
  readonly source: Pick<Source, 'id' | 'account' | 'features'>;
  readonly layout: Layout;
  /** Archives named in this scan: their ids by name. */
  readonly archiveIds: Map<string, number>;
  readonly archives: Set<number>;
  /** Of those that the index did not have before: the offsets of all places in them, so that it need not be asked. */
  readonly freshPlaces: Map<number, Set<number>>;
  readonly freshKeys: FreshKeys;
  /** The id that the next new item gets. */
  readonly next: { item: number };
  readonly exportTimes: Map<string, UnixSeconds>;
  /** Set as long as one export is all that the index knows: at the first sync no item needs to be looked for. */
  readonly alone: { is: boolean; exportId: string | undefined };
  /** Whether the indexes that look-ups go by are still to be made (`index/lookups.ts`). */
  readonly lookups: { missing: boolean };
  readonly counts: {
    newItems: number;
    newFiles: number;
    newAlbums: number;
    heldBack: number;
    /** Not listed, for the filter leaves them out. */
    filtered: number;
    /** Not listed yet, for their sizes aren't known. */
    waiting: number;
  };
  /** Whether a new file shall be listed; without it all are. Set before the first page is applied. */
  wants: Wants | undefined;
  /** Of the page being applied: items that are known by their looks. */
  lookalikes: Lookalikes;
  /** Of the page being applied: photos of which something else is known now. */
  readonly retold: Set<number>;
  /** What an export has is second best: it is noted where a file can be had, and never takes the place of other bytes. */
  readonly isSecondBest: boolean;
  /** Folders and titles of albums that are left out. */
  readonly skippedAlbums: ReadonlySet<string>;
}

/** Begins a scan, inside a write transaction; `makeLookups` is to follow, however the scan ends. */
export function beginScan(index: Index, source: ScanState['source'], layout: Layout): ScanState {
  const isFirst = !hasItems(index);
  if (isFirst) dropLookups(index);
  if (!source.features.exactSizes) makeLikeness(index);
  return {
    index,
    source,
    layout,
    archiveIds: new Map(),
    archives: new Set(),
    freshPlaces: new Map(),
    freshKeys: noKeys(),
    next: { item: nextItem(index) },
    exportTimes: new Map(),
    alone: { is: isFirst, exportId: undefined },
    lookups: { missing: true },
    counts: { newItems: 0, newFiles: 0, newAlbums: 0, heldBack: 0, filtered: 0, waiting: 0 },
    wants: undefined,
    lookalikes: new Map(),
    retold: new Set(),
    isSecondBest: !source.features.exactSizes,
    skippedAlbums: new Set(filterOf(index).skip.albums),
  };
}

/** Makes what look-ups need, if that was put off; inside a write transaction. */
export function readyLookups({ index, lookups }: ScanState): void {
  if (lookups.missing) makeLookups(index);
  lookups.missing = false;
}

/** Whether all items of the index are of this export, so that a further one can be none of them. */
export function isAlone({ alone }: ScanState, exportId: string): boolean {
  alone.exportId ??= exportId;
  if (alone.exportId !== exportId) alone.is = false;
  return alone.is;
}

/** @throws `internal` for an archive that the source has not named: its items couldn't be told from others. */
export function archiveId(scan: ScanState, name: string): number {
  const id = scan.archiveIds.get(name);
  if (id === undefined)
    throw new GphotosfsError('internal', `a page uses the archive ${name} before naming it`);
  return id;
}

/** The file at a place in an archive, with the content that the place has. */
export function fileAt({ index, freshPlaces }: ScanState, archive: number, offset: number) {
  const isFree = freshPlaces.get(archive)?.has(offset) === false;
  return isFree ? undefined : fileInIndex(index, archive, offset);
}

/** Notes that a file lies at a place. */
export function putPlace(
  { index, freshPlaces }: ScanState,
  archive: number,
  ino: number,
  location: ScannedLocation,
  content: Content,
): void {
  const known = freshPlaces.get(archive);
  if (known === undefined || known.has(location.offset)) putLocation(index, archive, ino, location, content);
  else addLocation(index, archive, ino, location, content);
  known?.add(location.offset);
}
