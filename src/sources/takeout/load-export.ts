/**
 * Loading one export: every part listed, or taken from what was remembered of it, and, unless it is for an early listing,
 * the sidecars read once it is known over all parts where the photos are.
 */
import type { Problem } from '../../model/words.ts';
import type { Page, ScanRequest } from '../source.ts';
import type { Archive } from './archives/archive.ts';
import { throwIfAborted } from './archives/byte-range.ts';
import { problemOf, rethrowFatal } from './discover.ts';
import { type Export, isHere, type Loaded, type Part, page, type Stage } from './export-part.ts';
import { photosFoldersOf } from './gather.ts';
import { listPart } from './list-part.ts';
import { type LoadedPart, loadPart } from './load-part.ts';
import {
  catalogKey,
  catalogMemo,
  countUnread,
  openPacked,
  type PackedCatalog,
  packCatalog,
  unpackCatalog,
} from './packed-catalog.ts';
import { startPartThreads } from './part-threads.ts';
import type { PhotosFolders } from './photos-folder.ts';
import { readJsons } from './read-jsons.ts';
import type { ScannedPart } from './scanned-parts.ts';
import type { ArchiveStore } from './store.ts';

/** Sidecars that are dear are remembered after so many, for a scan that is cut off: 1,000 take some 5 s from Drive. */
const rememberEvery = 1000;

/** A part that is being read. */
interface Reading {
  readonly part: Part;
  readonly catalog: PackedCatalog;
  /** Listed by this scan. */
  readonly fresh: boolean;
  readonly failed: boolean;
  /** Its catalog was given out with its problems, so many of them. */
  told: number | undefined;
  readonly problems: Problem[];
}

/** Lists and reads all parts of an export; the pages only keep what was read, for the next scan. */
export async function* loadExport(
  one: Export,
  store: ArchiveStore,
  request: ScanRequest,
  listed: () => void,
  stage: Stage,
): AsyncGenerator<Page, Loaded, undefined> {
  const { recall, signal } = request;
  const parts: Reading[] = [];
  const scanned: ScannedPart[] = [];
  let total = 0;
  let done = 0;
  const progress = (read: number) => {
    done += read;
    const pace = store.pace?.();
    request.progress({
      phase: 'reading sidecars',
      done,
      total: Math.max(done, total),
      ...(pace === undefined ? {} : { pace }),
    });
  };
  const known = new Map<Part, PackedCatalog>();
  for (const part of request.rescan ? [] : one.parts) {
    const catalog = openPacked(recall(catalogKey(part.archive.name)));
    if (catalog !== undefined) known.set(part, catalog);
  }
  const isKnown = (part: Part) => known.get(part)?.fingerprint === part.fingerprint;
  const threads = startPartThreads(one.parts.filter((part) => !isKnown(part)));
  try {
    for (const part of one.parts) {
      const { archive, fingerprint } = part;
      throwIfAborted(signal, archive.name);
      const before = known.get(part);
      if (before?.fingerprint === fingerprint)
        parts.push({ part, catalog: before, fresh: false, failed: false, told: undefined, problems: [] });
      else
        try {
          const { catalog, problems, failed } =
            stage === 'early'
              ? await listOnly(archive, fingerprint, signal)
              : ((await threads?.load(part, signal)) ??
                (await loadPart(archive, fingerprint, before, signal, progress)));
          if (archive.sequential) yield page({ problems: [sequentialNotice(archive)] });
          // With nothing left to read it is done, and the next scan need not do it again.
          const isDone = stage === 'early' || (!failed && catalog.unread === 0);
          const told = isDone ? problems.length : undefined;
          if (told !== undefined) yield page({ memos: [catalogMemo(catalog)], problems });
          parts.push({ part, catalog, fresh: true, failed, told, problems: [...problems] });
        } catch (error) {
          rethrowFatal(error, store);
          const problem = problemOf(error, archive.path);
          // A broken archive stays so until it is replaced; anything else is tried again at the next scan.
          if (isBroken(error)) scanned.push({ ...scannedOf(part), problems: [problem] });
          yield page({ problems: [problem] });
        }
      listed();
    }
  } finally {
    await threads?.close();
  }

  const gone = goneParts(one, store, recall);
  scanned.push(...gone.map(({ part }) => part));
  const catalogs = parts.map(({ catalog }) => catalog);
  const remembered = gone.flatMap(({ catalog }) => catalog ?? []);
  const places = photosFoldersOf([...catalogs, ...remembered]);
  if (stage === 'early') {
    for (const { part } of parts) scanned.push({ ...scannedOf(part), problems: [], early: true });
    return { catalogs, gone: remembered, scanned };
  }
  const hasPhotos = [...places.values()].some(({ paths }) => paths.length > 0);

  total = done + parts.reduce((sum, { catalog }) => sum + catalog.unread, 0);
  const whole: PackedCatalog[] = [];
  for (const { part, catalog: listed, fresh, failed, told, problems } of parts) {
    const { archive, fingerprint } = part;
    // Not remembered: what was missed is read at the next scan.
    if (failed) {
      whole.push(listed);
      yield page({ problems });
      continue;
    }
    const photos = places.get(listed) ?? { paths: [], sure: false };
    let isNew = fresh && told === undefined;
    let catalog = listed;
    if (countUnread(listed, photos) > 0) {
      const read = yield* readRest(archive, listed, photos, store, signal, progress);
      catalog = read.catalog;
      for (const problem of read.problems) problems.push(problem);
      isNew = true;
      if (read.failed) {
        whole.push(catalog);
        yield page({ problems });
        continue;
      }
      // Those of other products.
    } else if (isNew && photos.sure) catalog = packCatalog({ ...unpackCatalog(listed), unread: [] });
    whole.push(catalog);
    if (!hasPhotos && part.expected) problems.push(noPhotos(archive));
    const lasting = [...catalog.problems, ...problems].filter(({ where }) => where === archive.path);
    const earlier = one.before.find(
      (before) => before.archive === archive.name && before.fingerprint === fingerprint,
    );
    // Of a part that an earlier run only listed early nothing has been kept but what its catalog has.
    const isLate = earlier?.early === true;
    scanned.push({
      ...scannedOf(part),
      problems: fresh || isLate ? lasting : (earlier?.problems ?? lasting),
    });
    const untold = [...(isLate ? catalog.problems : []), ...problems.slice(told ?? 0)];
    if (isNew) yield page({ memos: [catalogMemo(catalog)], problems: untold });
    else if (untold.length > 0) yield page({ problems: untold });
  }
  return { catalogs: whole, gone: remembered, scanned };
}

/** Parts that were read once and are not here now, with what is remembered of them. */
export function goneParts(
  one: Export,
  store: ArchiveStore,
  recall: ScanRequest['recall'],
): readonly { readonly part: ScannedPart; readonly catalog: PackedCatalog | undefined }[] {
  return one.before
    .filter((part) => !isHere(one, part) && store.covers(part.archive))
    .map((part) => ({ part, catalog: openPacked(recall(catalogKey(part.archive))) }));
}

/** Reads the sidecars that are left to be read. Of an archive that fails in between it has what was read before. */
export async function* readRest(
  archive: Archive,
  listed: PackedCatalog,
  photos: PhotosFolders,
  store: ArchiveStore,
  signal: AbortSignal,
  progress: (read: number) => void,
): AsyncGenerator<Page, LoadedPart, undefined> {
  const catalog = unpackCatalog(listed);
  const problems: Problem[] = [];
  const limit = store.remote ? rememberEvery : Number.POSITIVE_INFINITY;
  try {
    for (;;) {
      const more = await readJsons(archive, catalog, photos, signal, progress, limit);
      for (const problem of more) problems.push(problem);
      const packed = packCatalog(catalog);
      if (countUnread(packed, photos) === 0) return { catalog: packed, problems, failed: false };
      yield page({ memos: [catalogMemo(packed)] });
    }
  } catch (error) {
    rethrowFatal(error, store);
    problems.push(problemOf(error, archive.path));
    return { catalog: packCatalog(catalog), problems, failed: true };
  }
}

/** An early listing needs no sidecar. What is wrong with the archive is kept with its catalog, to be told again later. */
async function listOnly(archive: Archive, fingerprint: string, signal: AbortSignal): Promise<LoadedPart> {
  const { catalog, problems } = await listPart(archive, fingerprint, undefined, signal);
  return { catalog: packCatalog({ ...catalog, problems }), problems, failed: false };
}

function scannedOf({ archive, fingerprint, number }: Part): Omit<ScannedPart, 'problems'> {
  return { archive: archive.name, fingerprint, number: number ?? null };
}

const isBroken = (error: unknown): boolean => (error as { kind?: unknown }).kind === 'bad-source';

const sequentialNotice = ({ path }: Archive): Problem => ({
  where: path,
  what: 'is a tgz, which can only be read from its start: it was read once as a whole, and so it is again for each photo that is opened',
  remedy: 'Run "gphotosfs prefetch", which takes all photos in one pass; choose .zip for the next export.',
  severity: 'notice',
});

const noPhotos = ({ path }: Archive): Problem => ({
  where: path,
  what: 'no Google Photos folder was found in this export',
  remedy: 'Choose Google Photos when you order the export, or add the folder that holds "Photos from …".',
});
