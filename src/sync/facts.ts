/**
 * What is told of an item — title, time, description — and how it is kept: newer facts win, but a time that was final
 * stays, for backup tools take a file with another time for a changed one.
 */
import type { JournalRecord } from '../cache/journal-record.ts';
import { type FileRow, filesOfItem, type ItemRow, type NewItem, updateItem } from '../index/items.ts';
import { getInode, noteChange } from '../index/tree.ts';
import type { Content, UnixSeconds } from '../model/words.ts';
import type { ScannedItem, ScannedLocation } from '../sources/source.ts';
import { changeAttributes, type Growth } from '../tree/entries.ts';
import type { ScanState } from './scan-state.ts';

/** Takes over what a scan says of a known item. */
export function refreshItem(
  scan: ScanState,
  growth: Growth,
  item: ItemRow,
  scanned: ScannedItem,
  exportTime: UnixSeconds,
): void {
  const becomesFinal = item.provisional && !scanned.provisional;
  const isNewer = !scanned.provisional && exportTime > item.factsTime;
  // The same export, of which more is known by now: an id that several of its items bear identifies none.
  const isShared =
    !scanned.provisional &&
    exportTime === item.factsTime &&
    scanned.photoId === undefined &&
    item.photoId !== undefined;
  if (!becomesFinal && !isNewer && !isShared) return;
  const facts = {
    account: scan.source.account,
    photoId: isShared ? undefined : (scanned.photoId ?? item.photoId),
    title: scanned.title,
    takenAt: becomesFinal ? scanned.takenAt : item.takenAt,
    provisional: false,
    factsTime: Math.max(exportTime, item.factsTime),
    description: scanned.description,
  };
  updateItem(scan.index, item.id, facts);
  growth.records.push(recordedItem(item.id, facts));
  for (const { ino } of filesOfItem(scan.index, item.id)) {
    scan.retold.add(ino);
    if (becomesFinal) settleTime(growth, ino, scanned);
    // Extended attributes tell the description.
    else noteChange(scan.index, ino);
  }
}

/** Gives a file its final time. A sidecar that tells none leaves the provisional one for good. */
export function settleTime(growth: Growth, ino: number, { takenAt }: ScannedItem): void {
  const inode = getInode(growth.index, ino);
  if (inode === undefined) return;
  if (takenAt === undefined || inode.mtime === takenAt) noteChange(growth.index, ino);
  else changeAttributes(growth, { ...inode, mtime: takenAt });
}

/** An item's journal record. */
export function recordedItem(item: number, facts: NewItem): JournalRecord {
  const { account, photoId, title, takenAt, provisional, factsTime, description } = facts;
  return { type: 'item', item, account, photoId, title, takenAt, provisional, factsTime, description };
}

/** A file's journal record. */
export function recordedFile({ ino, item, role, name, size, crc32 }: FileRow): JournalRecord {
  return { type: 'file', ino, item, role, name, size, crc32 };
}

/** The journal record of a place in which a file lies. */
export function recordedPlace(
  ino: number,
  { exportId, exportTime }: { readonly exportId: string; readonly exportTime: UnixSeconds },
  { offset, address }: ScannedLocation,
  { size, crc32 }: Content,
): JournalRecord {
  return { type: 'place', ino, exportId, exportTime, offset, address, size, crc32 };
}
