/**
 * Identity: is what a source lists now something that the index knows already?
 *
 * When in doubt, keep both: what is merged wrongly is lost to its owner, what is kept twice is not. Within one export
 * nothing is merged here: the source has joined what belongs together, all else is different. What lies at another
 * place now (an archive that was moved, downloaded again, or changed) is known by that export's own places. Across
 * exports an item is the same when photo id and title or time agree, or, where one side has no id, when title, time
 * and content do; and only if nothing else could be meant. An API has neither an id of Takeout's nor its bytes: there looks
 * decide (`lookalikes.ts`).
 */
import {
  type FileRow,
  filesOfItem,
  getItem,
  type ItemRow,
  itemsByContent,
  itemsByPhotoId,
} from '../index/items.ts';
import { type KnownPlace, placesOfItem } from '../index/locations.ts';
import { sameContent } from '../model/content.ts';
import type { Content } from '../model/words.ts';
import type { ScannedFile, ScannedItem } from '../sources/source.ts';
import type { ScanState } from './scan-state.ts';

/** An item that the scanned one may be. */
interface Candidate {
  readonly item: ItemRow;
  readonly files: readonly FileRow[];
  /** Its places in the scanned export: former ones, or in archives that this scan doesn't name. */
  readonly places: readonly KnownPlace[];
}

/** The item of the index that a scanned item is, or undefined: then it is new. */
export function findItem(scan: ScanState, scanned: ScannedItem): ItemRow | undefined {
  const candidates = findCandidates(scan, scanned);
  if (candidates.length === 0) return undefined;
  return bySamePlace(candidates, scanned) ?? byPhotoId(candidates, scanned) ?? byContent(candidates, scanned);
}

/**
 * Items with the same id or the same content, without those that have a file in this export at a place that the scan
 * names itself: such an item is known by that place, and is nothing else's earlier self.
 */
function findCandidates({ index, source, archives }: ScanState, scanned: ScannedItem): Candidate[] {
  const { account } = source;
  const { photoId, exportId, title, takenAt } = scanned;
  const found = new Map<number, ItemRow>();
  const add = (items: readonly ItemRow[]) => {
    for (const item of items) found.set(item.id, item);
  };
  if (photoId !== undefined) add(itemsByPhotoId(index, account, photoId));
  const leading = leadingFile(scanned);
  if (leading !== undefined) {
    const { role, content, name } = leading;
    add(itemsByContent(index, account, role, content, { name, title, takenAt }));
  }
  return [...found.values()].flatMap((item) => {
    const here = placesOfItem(index, item.id).filter((place) => place.exportId === exportId);
    if (here.some((place) => isNamed(archives, place))) return [];
    return { item, files: filesOfItem(index, item.id), places: here };
  });
}

/** The item that a scanned one was found to be by its looks, unless something else of its export is that already. */
export function findLookalike(
  { index, archives, lookalikes }: ScanState,
  scanned: ScannedItem,
): ItemRow | undefined {
  const id = lookalikes.get(scanned);
  if (id === undefined) return undefined;
  const here = placesOfItem(index, id).filter(({ exportId }) => exportId === scanned.exportId);
  return here.some((place) => isNamed(archives, place)) ? undefined : getItem(index, id);
}

/** The file that stands for the item: its original. */
function leadingFile(scanned: ScannedItem): ScannedFile | undefined {
  return scanned.files.find((file) => file.role === 'original') ?? scanned.files[0];
}

/** Whether a place is in an archive that the scan names, so that the scan itself tells what is there. */
export function isNamed(archives: ReadonlySet<number>, place: KnownPlace): boolean {
  return place.archive !== undefined && archives.has(place.archive);
}

const titleOrTimeAgree = (item: ItemRow, scanned: ScannedItem): boolean =>
  item.title === scanned.title || timesAgree(item, scanned);

const timesAgree = (item: ItemRow, scanned: ScannedItem): boolean =>
  item.takenAt !== undefined && item.takenAt === scanned.takenAt;

/** Whether the sidecars, where both sides have read one, speak of different photos. */
const isContradicted = (item: ItemRow, scanned: ScannedItem): boolean =>
  (item.photoId !== undefined && scanned.photoId !== undefined && item.photoId !== scanned.photoId) ||
  (item.takenAt !== undefined && scanned.takenAt !== undefined && item.takenAt !== scanned.takenAt);

/** Whether both CRC-32s are known and the same, and the sizes are. */
const surelySame = (a: Content, b: Content): boolean =>
  a.crc32 !== undefined && a.crc32 === b.crc32 && a.size === b.size;

/** The same export at another place. Its places tell, also without a sidecar. */
function bySamePlace(candidates: readonly Candidate[], scanned: ScannedItem): ItemRow | undefined {
  const fitting = candidates.filter(({ item }) => !isContradicted(item, scanned));
  const exact = fitting.filter((candidate) => hasPlace(candidate, scanned, isSamePlace));
  if (exact.length > 0) return onlyItem(exact);
  return onlyItem(
    fitting.filter((candidate) =>
      hasPlace(
        candidate,
        scanned,
        (place, file, known) =>
          known.name === file.name &&
          // A size alone proves nothing: without CRC-32s the sidecars must say that it is the same photo.
          (surelySame(place, file.content) ||
            (sameContent(place, file.content) && factsAgree(candidate.item, scanned))),
      ),
    ),
  );
}

/** Whether a place's file is of the scanned item by `is`. */
function hasPlace(
  { places, files }: Candidate,
  scanned: ScannedItem,
  is: (place: KnownPlace, file: ScannedFile, known: FileRow) => boolean,
): boolean {
  return places.some((place) => {
    const known = files.find(({ ino }) => ino === place.ino);
    return scanned.files.some((file) => known?.role === file.role && is(place, file, known));
  });
}

/** The very place in an archive that was moved or replaced by its like. An unpacked file's address has path and time. */
function isSamePlace(place: KnownPlace, file: ScannedFile): boolean {
  if (!sameContent(place, file.content)) return false;
  const withoutCrc = place.crc32 === undefined || file.content.crc32 === undefined;
  return file.locations.some(
    ({ offset, address }) =>
      address === place.address && (withoutCrc ? address !== '' : offset === place.offset),
  );
}

/** Whether two sidecars mean one photo. */
function factsAgree(item: ItemRow, scanned: ScannedItem): boolean {
  if (item.photoId !== undefined && item.photoId === scanned.photoId) return titleOrTimeAgree(item, scanned);
  return item.title === scanned.title && timesAgree(item, scanned);
}

const isElsewhere = ({ places }: Candidate): boolean => places.every(({ archive }) => archive === undefined);

function byPhotoId(candidates: readonly Candidate[], scanned: ScannedItem): ItemRow | undefined {
  if (scanned.photoId === undefined) return undefined;
  const agreeing = candidates.filter(
    (candidate) =>
      candidate.item.photoId === scanned.photoId &&
      titleOrTimeAgree(candidate.item, scanned) &&
      isElsewhere(candidate),
  );
  if (agreeing.length === 1) return agreeing[0]?.item;
  // One id on several items: only shared bytes tell which of them is meant.
  return onlyItem(agreeing.filter(({ files }) => shareBytes(files, scanned)));
}

/** Without an id on one side at least: title, time and content agree. */
function byContent(candidates: readonly Candidate[], scanned: ScannedItem): ItemRow | undefined {
  const agreeing = candidates.filter(
    (candidate) =>
      (candidate.item.photoId === undefined || scanned.photoId === undefined) &&
      candidate.item.title === scanned.title &&
      timesAgree(candidate.item, scanned) &&
      shareBytes(candidate.files, scanned) &&
      isElsewhere(candidate),
  );
  // Of several equal ones the one with the same file name, if that is one.
  return (
    onlyItem(agreeing) ??
    onlyItem(
      agreeing.filter(({ files }) =>
        files.some((known) => scanned.files.some((file) => file.name === known.name)),
      ),
    )
  );
}

function shareBytes(files: readonly FileRow[], scanned: ScannedItem): boolean {
  const leading = leadingFile(scanned);
  return files.some((known) => known.role === leading?.role && surelySame(known, leading.content));
}

function onlyItem(candidates: readonly Candidate[]): ItemRow | undefined {
  return candidates.length === 1 ? candidates[0]?.item : undefined;
}
