/**
 * Applies one page of a scan to the index: archives, items with their files, albums with their members.
 *
 * A page may come again, whole or in part, at any time: what is known is found by its place or by identity.ts and
 * refreshed, what is new is added. Nothing is ever removed here.
 */
import type { JournalLines } from '../cache/journal-lines.ts';
import { noteSides } from '../index/likeness.ts';
import { findArchive, markGone, putArchive, retireArchive } from '../index/locations.ts';
import { putMemo, putWaiting } from '../index/sources.ts';
import type { UnixSeconds } from '../model/words.ts';
import type { Page, ScannedArchive, ScannedItem } from '../sources/source.ts';
import { beginGrowth, finishGrowth } from '../tree/entries.ts';
import { forgetKeys } from '../tree/fresh-keys.ts';
import { applyAlbum } from './albums.ts';
import { applyItem } from './apply-item.ts';
import { sidesOf } from './lookalikes.ts';
import { archiveId, type ScanState } from './scan-state.ts';
import { followPhotos } from './sidecars.ts';

/**
 * Applies a page inside the caller's transaction.
 * @returns what must be in the journal before the transaction commits
 */
export function applyPage(scan: ScanState, page: Page, now: UnixSeconds): JournalLines {
  const growth = beginGrowth(scan.index, now, scan.freshKeys);
  try {
    for (const archive of page.archives) applyArchive(scan, archive);
    for (const name of page.gone ?? []) applyGone(scan, name);
    for (const item of page.items) applyItem(scan, growth, item, page.early ?? false);
    if (scan.isSecondBest) for (const item of page.items) notePixels(scan, item);
    for (const album of page.albums) applyAlbum(scan, growth, album);
    for (const memo of page.memos) putMemo(scan.index, scan.source.id, memo);
    if (page.waiting !== undefined) {
      putWaiting(scan.index, scan.source.id, page.waiting);
      scan.counts.waiting = page.waiting;
    }
    followPhotos(growth, scan.retold);
    scan.retold.clear();
    return finishGrowth(growth);
  } catch (error) {
    // The transaction is taken back, and with it what was kept in mind of it.
    forgetKeys(scan.freshKeys);
    scan.freshPlaces.clear();
    scan.retold.clear();
    throw error;
  }
}

/** What an API says of an item's pixels: by that Takeout's photo may be known to be the same. */
function notePixels(scan: ScanState, { dimensions, files }: ScannedItem): void {
  const [place] = files[0]?.locations ?? [];
  if (dimensions === undefined || place === undefined) return;
  noteSides(scan.index, archiveId(scan, place.archive), place.offset, sidesOf(dimensions));
}

/** Nothing can be had from it any more; should it come back, its places are known again. */
function applyGone(scan: ScanState, name: string): void {
  const known = findArchive(scan.index, scan.source.id, name);
  if (known === undefined) return;
  retireArchive(scan.index, known.id);
  markGone(scan.index, known.id);
  scan.alone.is = false;
}

function applyArchive(scan: ScanState, archive: ScannedArchive): void {
  const known = findArchive(scan.index, scan.source.id, archive.name);
  // Its places mean nothing any more. A copy of the same archive has the same ones, and says so again.
  if (known !== undefined && known.fingerprint !== archive.fingerprint) {
    retireArchive(scan.index, known.id);
    scan.alone.is = false;
  }
  const id = putArchive(scan.index, scan.source.id, archive);
  if (known === undefined) scan.freshPlaces.set(id, new Set());
  scan.archiveIds.set(archive.name, id);
  scan.archives.add(id);
  scan.exportTimes.set(archive.exportId, archive.exportTime);
}
