/**
 * Refining an export by years, where it lacks too many sidecars to be refined as a whole: a prefetch of one year has brought that
 * one's. Photos are matched with sidecars folder by folder, so a year of which all are read has its final dates, whatever is
 * still unread elsewhere; albums, and what only they show, wait for the rest.
 */
import type { UnixSeconds } from '../../model/words.ts';
import type { Page, ScanRequest } from '../source.ts';
import { type Export, page } from './export-part.ts';
import { gatherFolders, photosFoldersOf } from './gather.ts';
import { listExport } from './list-export.ts';
import { goneParts, readRest } from './load-export.ts';
import {
  catalogKey,
  catalogMemo,
  openPacked,
  type PackedCatalog,
  packCatalog,
  unpackCatalog,
} from './packed-catalog.ts';
import { pathInPhotos } from './photos-folder.ts';
import { type ScannedPart, scannedMemo } from './scanned-parts.ts';
import type { ArchiveStore } from './store.ts';

/** A year's folder, over all parts of its export. */
interface Year {
  /** Inside the Photos folder. */
  readonly path: string;
  /** Sidecars that are read, and that are not. */
  readonly read: number;
  readonly unread: number;
}

/** Lists the years of an export that lack few sidecars, when it has asked for these. */
export async function* listYears(
  source: string,
  store: ArchiveStore,
  { one, time }: { readonly one: Export; readonly time: UnixSeconds },
  finished: ReadonlyMap<string, readonly ScannedPart[]>,
  request: ScanRequest & { readonly lateOnly: number },
): AsyncGenerator<Page, void, undefined> {
  const { recall, signal, lateOnly } = request;
  const gone = goneParts(one, store, recall).flatMap(({ catalog }) => catalog ?? []);
  const catalogs: PackedCatalog[] = [];
  for (const { archive } of one.parts) {
    const catalog = openPacked(recall(catalogKey(archive.name)));
    if (catalog === undefined) return;
    catalogs.push(catalog);
  }
  const near = nearlyRead(yearsOf(catalogs, gone), lateOnly);
  if (near.size === 0) return;
  const photos = photosFoldersOf([...catalogs, ...gone]);
  for (const [at, { archive }] of one.parts.entries()) {
    const catalog = catalogs[at];
    const here = catalog === undefined ? undefined : photos.get(catalog);
    if (catalog === undefined || here === undefined) continue;
    const paths = [...catalog.folders].flatMap(([path, { unread }]) =>
      unread > 0 && near.has(pathInPhotos(here, path) ?? '') ? [path] : [],
    );
    if (paths.length === 0) continue;
    // Not sure: those of other folders are kept in mind.
    const read = yield* readRest(archive, catalog, { paths, sure: false }, store, signal, () => {});
    if (read.failed) {
      yield page({ problems: read.problems });
      return;
    }
    // What could not be used is the next scan's to tell, as long as the archive stays as it is.
    const problems = [...read.catalog.problems, ...read.problems];
    const kept = packCatalog({ ...unpackCatalog(read.catalog), problems });
    yield page({ memos: [catalogMemo(kept)] });
    catalogs[at] = kept;
  }
  const whole = yearsOf(catalogs, gone).filter(({ path, unread }) => unread === 0 && near.has(path));
  const loaded = { catalogs, gone, scanned: [] };
  const only = new Set(whole.map(({ path }) => path));
  yield* listExport(
    { source, one, time, loaded, stage: 'early', remote: store.remote, only },
    request,
    scannedMemo(finished),
  );
}

function yearsOf(catalogs: readonly PackedCatalog[], gone: readonly PackedCatalog[]): Year[] {
  const photos = photosFoldersOf([...catalogs, ...gone]);
  const counts = new Map<string, { read: number; unread: number }>();
  for (const catalog of catalogs)
    for (const [folder, { sidecars, unread }] of catalog.folders) {
      const path = pathInPhotos(photos.get(catalog) ?? { paths: [], sure: false }, folder);
      if (path === undefined) continue;
      const count = counts.get(path) ?? { read: 0, unread: 0 };
      counts.set(path, { read: count.read + sidecars, unread: count.unread + unread });
    }
  return gatherFolders(catalogs, gone).flatMap(({ info: { kind, path } }) =>
    kind === 'year' ? [{ path, ...(counts.get(path) ?? { read: 0, unread: 0 }) }] : [],
  );
}

/**
 * The years that something has been read of, as many as lack together at most `limit` sidecars, or no more than they have: that
 * many requests a prefetch that took so many photos may well spend.
 */
function nearlyRead(years: readonly Year[], limit: number): ReadonlySet<string> {
  const near = new Set<string>();
  let asked = 0;
  let brought = 0;
  for (const { path, read, unread } of [...years].sort((a, b) => a.unread - b.unread)) {
    if (read === 0 || asked + unread > Math.max(limit, brought + read)) continue;
    near.add(path);
    asked += unread;
    brought += read;
  }
  return near;
}
