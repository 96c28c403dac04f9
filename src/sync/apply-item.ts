/**
 * One scanned item: the item of the index that it is, or a new one; and for each of its files the inode that shows it.
 * A file that is known by its place stays what it is.
 */
import { correctedFrom } from '../index/corrections.ts';
import {
  dropItemWithoutFiles,
  type FileRow,
  filesOfItem,
  getFile,
  getItem,
  type ItemRow,
  moveFile,
} from '../index/items.ts';
import { placesOfItem } from '../index/locations.ts';
import { sameContent } from '../model/content.ts';
import type { UnixSeconds } from '../model/words.ts';
import type { ScannedFile, ScannedItem, ScannedLocation } from '../sources/source.ts';
import type { Growth } from '../tree/entries.ts';
import { mayBeKnown } from './early.ts';
import { recordedFile, recordedPlace, refreshItem, settleTime } from './facts.ts';
import { findKin, findSoleKin } from './family.ts';
import { findItem, findLookalike, isNamed } from './identity.ts';
import { addNewFile, addNewItem } from './new-item.ts';
import { noteKin } from './revise.ts';
import { archiveId, fileAt, isAlone, putPlace, readyLookups, type ScanState } from './scan-state.ts';

/** A scanned file with what the index has at its places. */
interface Looked {
  readonly scanned: ScannedFile;
  readonly places: readonly {
    readonly archive: number;
    readonly location: ScannedLocation;
    /** The file there, if the place has the same bytes as before. */
    readonly ino: number | undefined;
    readonly address: string | undefined;
  }[];
  /** The first file at one of them. */
  readonly known: FileRow | undefined;
}

/** @param early the item comes again in this scan, with its sidecar */
export function applyItem(scan: ScanState, growth: Growth, scanned: ScannedItem, early: boolean): void {
  const exportTime = scan.exportTimes.get(scanned.exportId) ?? 0;
  const files = scanned.files.map((file) => lookAt(scan, file));
  const owners = ownersOf(scan, files);
  const alone = isAlone(scan, scanned.exportId);
  if (!alone || owners.length > 0) readyLookups(scan);
  if (early && !alone && owners.length === 0 && mayBeKnown(scan, scanned)) return;
  const item =
    owners.find((owner) => !owner.provisional) ??
    owners[0] ??
    (alone ? undefined : (findItem(scan, scanned) ?? findLookalike(scan, scanned)));
  if (item === undefined && scanned.trashed) {
    scan.counts.heldBack += 1;
    return;
  }
  const isWanted = (file: ScannedFile): boolean => scan.wants?.(scanned, file, exportTime) ?? true;
  if (item === undefined) {
    addNewItem(scan, growth, scanned, scanned.files.filter(isWanted), exportTime);
    return;
  }
  const { id } = item;
  refreshItem(scan, growth, item, scanned, exportTime);
  for (const owner of owners) regroup(scan, growth, owner, id, files, scanned);

  const taken = new Set(files.flatMap(({ known }) => known?.ino ?? []));
  let free: readonly FileRow[] | undefined;
  for (const file of files) {
    let ino = file.known?.ino;
    if (ino === undefined) {
      free ??= freeFiles(scan, id, scanned.exportId);
      const siblings = free.filter((sibling) => !taken.has(sibling.ino));
      const family = { id, siblings, takesNew: !scanned.trashed && isWanted(file.scanned) };
      ino = placeFile(scan, growth, family, file.scanned, scanned, exportTime);
    }
    if (ino === undefined) continue;
    taken.add(ino);
    for (const { archive, location, ...there } of file.places) {
      // What another file was found at stays its own: it may have no other place.
      const isOthers = there.ino !== undefined && there.ino !== ino;
      const isStored = there.ino === ino && there.address === location.address;
      if (isOthers || isStored) continue;
      putPlace(scan, archive, ino, location, file.scanned.content);
      const { exportId } = scanned;
      growth.records.push(recordedPlace(ino, { exportId, exportTime }, location, file.scanned.content));
    }
  }
}

function lookAt(scan: ScanState, scanned: ScannedFile): Looked {
  const places = scanned.locations.map((location) => {
    const archive = archiveId(scan, location.archive);
    const found = fileAt(scan, archive, location.offset);
    const isSame =
      found !== undefined &&
      (sameContent(found, scanned.content) ||
        // A source goes on saying what it was told; the fetch knew better.
        (scanned.content.crc32 === undefined &&
          correctedFrom(scan.index, found.ino) === scanned.content.size));
    const there = isSame ? found : undefined;
    return { archive, location, ino: there?.ino, address: there?.address };
  });
  const ino = places.find((place) => place.ino !== undefined)?.ino;
  return { scanned, places, known: ino === undefined ? undefined : getFile(scan.index, ino) };
}

/** The items that have the known files now. */
function ownersOf(scan: ScanState, files: readonly Looked[]): ItemRow[] {
  if (files.every(({ known }) => known === undefined)) return [];
  const ids = new Set(files.flatMap(({ known }) => known?.item ?? []));
  return [...ids].flatMap((id) => getItem(scan.index, id) ?? []);
}

/**
 * Files that were listed before their sidecar was known may have been taken for items of their own: once the source
 * knows better, they join their item. What was final stays as it is.
 */
function regroup(
  scan: ScanState,
  growth: Growth,
  owner: ItemRow,
  id: number,
  files: readonly Looked[],
  scanned: ScannedItem,
): void {
  if (!owner.provisional) return;
  for (const { known, scanned: file } of files) {
    if (known?.item !== owner.id || (owner.id === id && known.role === file.role)) continue;
    moveFile(scan.index, known.ino, id, file.role);
    scan.retold.add(known.ino);
    growth.records.push(recordedFile({ ...known, item: id, role: file.role }));
    if (owner.id !== id && !scanned.provisional) settleTime(growth, known.ino, scanned);
  }
  if (owner.id !== id) dropItemWithoutFiles(scan.index, owner.id);
}

/** Files of an item that the scanned export doesn't show at other places: each may be a scanned file's earlier self. */
function freeFiles(scan: ScanState, item: number, exportId: string): FileRow[] {
  const places = placesOfItem(scan.index, item).filter(
    (place) => place.exportId === exportId && isNamed(scan.archives, place),
  );
  const shown = new Set(places.map(({ ino }) => ino));
  return filesOfItem(scan.index, item).filter(({ ino }) => !shown.has(ino));
}

interface Family {
  /** The item. */
  readonly id: number;
  /** Its files that the scanned one may be. */
  readonly siblings: readonly FileRow[];
  /** A file that is none of them is to be listed. */
  readonly takesNew: boolean;
}

/** The inode of a scanned file at a place that isn't known; undefined for one that is held back. */
function placeFile(
  scan: ScanState,
  growth: Growth,
  family: Family,
  scanned: ScannedFile,
  item: ScannedItem,
  exportTime: UnixSeconds,
): number | undefined {
  const kin =
    findKin(scan.index, family.siblings, scanned) ??
    (scan.lookalikes.has(item) ? findSoleKin(scan.index, family.siblings, scanned) : undefined);
  // The trash brings no new bytes, but what is listed already may also be had from there.
  if (item.trashed && (kin === undefined || kin.as === 'other')) return undefined;
  if (kin === undefined && !family.takesNew) return undefined;
  if (kin === undefined) return newFile(scan, growth, family.id, scanned, item, exportTime);
  if (kin.as !== 'other' || !scan.isSecondBest) noteKin(scan.index, kin, scanned.content, exportTime);
  return kin.file.ino;
}

function newFile(
  scan: ScanState,
  growth: Growth,
  item: number,
  scanned: ScannedFile,
  owner: ScannedItem,
  exportTime: UnixSeconds,
): number {
  const { ino, cookie, name, parent, mtime } = addNewFile(scan, growth, item, scanned, owner, exportTime);
  const { role, content } = scanned;
  const { size, crc32 } = content;
  growth.records.push(
    { type: 'inode', ino, kind: 'file', parent, cookie, name, size, mtime, ctime: mtime },
    recordedFile({ ino, item, role, name: scanned.name, size, crc32 }),
  );
  return ino;
}
