/**
 * Sidecars that a scan has still to read, taken along by a pass that fetches photos: they are put into the archive's
 * catalog, as the scan would have put them, so that it need not ask for them any more.
 */
import type { SweepNotes } from '../source.ts';
import type { Archive, Passing, SmallEntry } from './archives/archive.ts';
import { foldersIn } from './catalog.ts';
import { catalogKey, catalogMemo, openPacked, packCatalog, unpackCatalog } from './packed-catalog.ts';
import { surePhotosFolders } from './photos-folder.ts';
import { addRead, largestJson, unreadOf } from './read-jsons.ts';

/** Kept after so many: a pass may be killed, and what it took along would have to be asked for one by one. */
const keepEvery = 500;

export interface SidecarsAlong {
  readonly passing: Passing;
  /** Puts what was taken along since the last time into the catalog. */
  keep(): void;
}

/** undefined where there is nothing to be read: the usual case. */
export function sidecarsAlong(
  archive: Archive,
  fingerprint: string,
  notes: SweepNotes,
): SidecarsAlong | undefined {
  const recalled = () => {
    const packed = openPacked(notes.recall(catalogKey(archive.name)));
    return packed?.fingerprint === fingerprint && packed.unread > 0 ? unpackCatalog(packed) : undefined;
  };
  const catalog = recalled();
  if (catalog === undefined) return undefined;
  const entries = unreadOf(catalog, surePhotosFolders(foldersIn(catalog)));
  if (entries.length === 0) return undefined;
  let taken: SmallEntry[] = [];
  const keep = (): void => {
    // Read again: another pass over the same archive may have put its own there meanwhile.
    const latest = recalled();
    if (latest === undefined || taken.length === 0) return;
    addRead(archive.path, latest, taken);
    taken = [];
    notes.keep(catalogMemo(packCatalog(latest)));
  };
  const take = (small: SmallEntry): void => {
    taken.push(small);
    if (taken.length >= keepEvery) keep();
  };
  return { passing: { entries, maxBytes: largestJson, take }, keep };
}
