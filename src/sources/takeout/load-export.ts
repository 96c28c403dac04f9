/**
 * Loading one export: every part listed, or taken from what was remembered of it, and, unless it is for an early listing,
 * the sidecars read once it is known over all parts where the photos are.
 */
import type { Problem } from '../../model/words.ts';
import type { Memo, Page, ScanRequest } from '../source.ts';
import type { Archive } from './archives/archive.ts';
import { throwIfAborted } from './archives/byte-range.ts';
import { type Catalog, catalogKey, decodeCatalog, encodeCatalog } from './catalog.ts';
import { problemOf, rethrowFatal } from './discover.ts';
import { type Export, isHere, type Loaded, type Part, page, type Stage } from './export-part.ts';
import { photosFoldersOf } from './gather.ts';
import { type LoadedPart, loadPart } from './load-part.ts';
import { startPartThreads } from './part-threads.ts';
import { hasUnread, listPart, readJsons } from './read-part.ts';
import type { ScannedPart } from './scanned-parts.ts';
import type { ArchiveStore } from './store.ts';

/** Sidecars that are dear are remembered after so many, for a scan that is cut off: 1,000 take some 5 s from Drive. */
const rememberEvery = 1000;

/** A part that is being read. */
interface Reading {
  readonly part: Part;
  readonly catalog: Catalog;
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
  const known = new Map<Part, Catalog>();
  for (const part of request.rescan ? [] : one.parts) {
    const catalog = decodeCatalog(recall(catalogKey(part.archive.name)));
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
          const { catalog, encoded, problems, failed } =
            stage === 'early'
              ? await listOnly(archive, fingerprint, signal)
              : ((await threads?.load(part, signal)) ??
                (await loadPart(archive, fingerprint, before, signal, progress)));
          if (archive.sequential) yield page({ problems: [sequentialNotice(archive)] });
          // With nothing left to read it is done, and the next scan need not do it again.
          const isDone = stage === 'early' || (!failed && catalog.unread.length === 0);
          const told = isDone ? problems.length : undefined;
          if (told !== undefined) yield page({ memos: [memoOf(catalog, encoded)], problems });
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

  const gone = one.before
    .filter((part) => !isHere(one, part) && store.covers(part.archive))
    .map((part) => ({ part, catalog: decodeCatalog(recall(catalogKey(part.archive))) }));
  scanned.push(...gone.map(({ part }) => part));
  const catalogs = parts.map(({ catalog }) => catalog);
  const remembered = gone.flatMap(({ catalog }) => catalog ?? []);
  const places = photosFoldersOf([...catalogs, ...remembered]);
  if (stage === 'early') {
    for (const { part, catalog } of parts) {
      scanned.push({ ...scannedOf(part), problems: [], early: true });
      // Remembered by now; where the photos are is told without them.
      if (places.get(catalog)?.sure) catalog.unread = [];
    }
    return { catalogs, gone: remembered, scanned };
  }
  const hasPhotos = [...places.values()].some(({ paths }) => paths.length > 0);

  total = done + parts.reduce((sum, { catalog }) => sum + catalog.unread.length, 0);
  for (const { part, catalog, fresh, failed, told, problems } of parts) {
    const { archive, fingerprint } = part;
    // Not remembered: what was missed is read at the next scan.
    if (failed) {
      yield page({ problems });
      continue;
    }
    const photos = places.get(catalog) ?? { paths: [], sure: false };
    let isNew = fresh && told === undefined;
    try {
      if (hasUnread(catalog, photos)) {
        const limit = store.remote ? rememberEvery : Number.POSITIVE_INFINITY;
        for (;;) {
          problems.push(...(await readJsons(archive, catalog, photos, signal, progress, limit)));
          if (!hasUnread(catalog, photos)) break;
          yield page({ memos: [memoOf(catalog)] });
        }
        isNew = true;
      } else if (photos.sure) catalog.unread = [];
    } catch (error) {
      rethrowFatal(error, store);
      problems.push(problemOf(error, archive.path));
      yield page({ problems });
      continue;
    }
    if (!hasPhotos && part.expected) problems.push(noPhotos(archive));
    const lasting = [...catalog.problems, ...problems].filter(({ where }) => where === archive.path);
    const earlier = one.before.find(
      (before) => before.archive === archive.name && before.fingerprint === fingerprint,
    );
    scanned.push({
      ...scannedOf(part),
      problems: fresh ? lasting : (earlier?.problems ?? lasting),
    });
    const untold = problems.slice(told ?? 0);
    if (isNew) yield page({ memos: [memoOf(catalog)], problems: untold });
    else if (untold.length > 0) yield page({ problems: untold });
  }
  return { catalogs, gone: remembered, scanned };
}

/** An early listing needs no sidecar. What is wrong with the archive is kept with its catalog, to be told again later. */
async function listOnly(archive: Archive, fingerprint: string, signal: AbortSignal): Promise<LoadedPart> {
  const { catalog, problems } = await listPart(archive, fingerprint, undefined, signal);
  return { catalog: { ...catalog, problems }, encoded: undefined, problems, failed: false };
}

function scannedOf({ archive, fingerprint, number }: Part): Omit<ScannedPart, 'problems'> {
  return { archive: archive.name, fingerprint, number: number ?? null };
}

const memoOf = (catalog: Catalog, encoded = encodeCatalog(catalog)): Memo => ({
  key: catalogKey(catalog.archive),
  value: encoded,
});

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
