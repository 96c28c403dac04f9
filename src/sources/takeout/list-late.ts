/**
 * The second stage of a scan where sidecars are dear: what was listed early is listed again, with its sidecars. The scan
 * asks for these; or a pass over an archive has brought them, and then only listing is left.
 */
import type { UnixSeconds } from '../../model/words.ts';
import type { Page, ScanRequest } from '../source.ts';
import { type Export, isHere } from './export-part.ts';
import { photosFoldersOf } from './gather.ts';
import { listExport } from './list-export.ts';
import { listYears } from './list-years.ts';
import { loadExport } from './load-export.ts';
import { catalogKey, countUnread, openPacked, type PackedCatalog } from './packed-catalog.ts';
import { compareText } from './pairing/file-name.ts';
import { type ScannedPart, scannedMemo } from './scanned-parts.ts';
import type { ArchiveStore } from './store.ts';

/** An export whose first stage is done. */
export interface Early {
  readonly one: Export;
  readonly time: UnixSeconds;
  /** What became of its parts; not of those that could not be listed, which the next scan tries again. */
  readonly listed: readonly ScannedPart[];
}

/** The second stage of one export, of the parts that were listed in the first. */
export async function* listLate(
  source: string,
  store: ArchiveStore,
  { one, time, listed }: Early,
  finished: Map<string, readonly ScannedPart[]>,
  request: ScanRequest,
): AsyncGenerator<Page, void, undefined> {
  const parts = one.parts.filter(({ archive, fingerprint }) =>
    listed.some((part) => part.early && part.archive === archive.name && part.fingerprint === fingerprint),
  );
  const whole = { ...one, parts };
  const broken = listed.filter((part) => !part.early && isHere(one, part));
  // What the first stage has just listed is remembered by now.
  const { rescan: _, ...rest } = request;
  const loaded = yield* loadExport(whole, store, { ...rest, rescan: false }, () => {}, 'whole');
  finished.set(one.id, [...loaded.scanned, ...broken]);
  yield* listExport(
    { source, one: whole, time, loaded, stage: 'whole', remote: store.remote },
    request,
    scannedMemo(finished),
  );
}

/**
 * The second stage alone, for exports whose sidecars are here but for some few (`lateOnly`). The oldest goes first, of one that
 * lacks more the years that don't; and behind one that has to wait, or while something new is there, all wait for the next scan: what is in two exports must
 * be final in the older one before it is met in the other, or it would be taken for two.
 */
export async function* listBrought(
  source: string,
  store: ArchiveStore,
  due: readonly Export[],
  finished: Map<string, readonly ScannedPart[]>,
  request: ScanRequest & { readonly lateOnly: number },
): AsyncGenerator<Page, void, undefined> {
  if (!due.every(wasListed)) return;
  const dated = due.map((one) => ({ one, time: one.time ?? timeOf(recalled(one, request)) }));
  dated.sort(oldestFirst);
  for (const { one, time } of dated) {
    if (unreadOf(one, request) > request.lateOnly) {
      yield* listYears(source, store, { one, time }, finished, request);
      return;
    }
    yield* listLate(source, store, { one, time, listed: one.before }, finished, request);
  }
}

/** Whether an earlier scan, which was cut off then, has listed all of it early. */
export function wasListed({ parts, before }: Export): boolean {
  return parts.every(({ archive, fingerprint }) =>
    before.some(
      (part) => part.archive === archive.name && part.fingerprint === fingerprint && part.early && !part.gone,
    ),
  );
}

/** Exports in the order in which they are listed. */
export const oldestFirst = (
  a: { readonly one: Export; readonly time: UnixSeconds },
  b: { readonly one: Export; readonly time: UnixSeconds },
): number => a.time - b.time || compareText(a.one.id, b.one.id);

const recalled = ({ parts }: Export, { recall }: ScanRequest): PackedCatalog[] =>
  parts.flatMap(({ archive }) => openPacked(recall(catalogKey(archive.name))) ?? []);

/** Sidecars that nobody has read, of all its parts. */
function unreadOf(one: Export, request: ScanRequest): number {
  const catalogs = recalled(one, request);
  if (catalogs.length < one.parts.length) return Number.POSITIVE_INFINITY;
  const places = photosFoldersOf(catalogs);
  return catalogs.reduce((sum, catalog) => {
    const photos = places.get(catalog);
    return sum + (photos === undefined ? 0 : countUnread(catalog, photos));
  }, 0);
}

/** The time that most entries of an export have. */
export function timeOf(catalogs: readonly PackedCatalog[]): UnixSeconds {
  const counts = new Map<UnixSeconds, number>();
  for (const { modified } of catalogs)
    if (modified !== undefined) counts.set(modified.time, (counts.get(modified.time) ?? 0) + modified.count);
  const [best] = [...counts].sort(([timeA, a], [timeB, b]) => b - a || timeB - timeA);
  return best?.[0] ?? 0;
}
