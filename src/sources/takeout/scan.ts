/**
 * A scan of Takeout archives: find them, group them to exports, and of each export in which something is new list all
 * parts, read their sidecars, join photos to items and give these out in pages. Exports go one after another, the
 * oldest first, so that only one is in memory.
 *
 * Where sidecars are dear (`store.remote`) it goes in two stages: all exports are listed early, by what their directories
 * tell, and then each again when its sidecars are read. What an early listing has shown stays listed, also where the
 * sidecar says that it is in the trash: a name once given is never taken back.
 */
import type { Problem, UnixSeconds } from '../../model/words.ts';
import type { Page, ScanRequest } from '../source.ts';
import { missingParts, numberRuns, parseArchiveName } from './archive-name.ts';
import type { Archive } from './archives/archive.ts';
import { throwIfAborted } from './archives/byte-range.ts';
import { problemOf, rethrowFatal } from './discover.ts';
import { type Export, isHere, type Loaded, page, type Stage } from './export-part.ts';
import { listExport } from './list-export.ts';
import { type Early, listBrought, listLate, oldestFirst, timeOf, wasListed } from './list-late.ts';
import { loadExport } from './load-export.ts';
import { recallScanned, type ScannedPart, scannedMemo } from './scanned-parts.ts';
import type { ArchiveStore } from './store.ts';
import { inTightHeap } from './tight-heap.ts';

/** Scans what is in the store. `source` is the source's id. */
export async function* scanTakeout(
  source: string,
  store: ArchiveStore,
  request: ScanRequest,
): AsyncGenerator<Page, void, undefined> {
  const opened: Archive[] = [];
  try {
    const before = recallScanned(request.recall);
    const parts = [...before.values()].flat().filter((part) => !part.gone);
    const known = [...new Set(parts.map(({ archive }) => archive))];
    const { found, problems: missing, gone } = await store.find(known, request.signal);
    const problems = [...missing];
    const exports = new Map<string, Export>();
    for (const { name, title, fileName, named, open } of found) {
      throwIfAborted(request.signal, title);
      try {
        const archive = await open();
        opened.push(archive);
        const fingerprint = await archive.fingerprint();
        const { exportId: id, exportTime: time, part } = fileName;
        const one = exports.get(id) ?? { id, time, parts: [], numbers: [], before: before.get(id) ?? [] };
        one.parts.push({ archive, fingerprint, title, number: part, expected: named || time !== undefined });
        if (part !== undefined) one.numbers.push(part);
        exports.set(id, one);
      } catch (error) {
        rethrowFatal(error, store);
        problems.push(problemOf(error, title === name ? name : `${title} (${name})`));
      }
    }
    const finished = new Map(before);
    if (gone.length > 0) yield goneArchives(finished, gone);
    if (!store.remote) request.present?.(found.map(({ name }) => name));
    const scanned = scanExports(source, store, [...exports.values()], finished, problems, request);
    // No thread reads what is remote, and what is read one by one leaves as much behind as listing does.
    yield* store.remote ? inTightHeap(scanned) : scanned;
  } finally {
    await Promise.all(opened.map((archive) => archive.close()));
  }
}

/** Notes archives that are surely gone; should they come back, they are listed again. */
function goneArchives(finished: Map<string, readonly ScannedPart[]>, gone: readonly string[]): Page {
  for (const [id, parts] of finished)
    finished.set(
      id,
      parts.map((part) => (gone.includes(part.archive) ? { ...part, gone: true } : part)),
    );
  return page({ gone, memos: [scannedMemo(finished)] });
}

async function* scanExports(
  source: string,
  store: ArchiveStore,
  exports: readonly Export[],
  finished: Map<string, readonly ScannedPart[]>,
  problems: readonly Problem[],
  request: ScanRequest,
): AsyncGenerator<Page, void, undefined> {
  const due = exports.filter((one) => request.rescan || isChanged(one));
  if (request.lateOnly !== undefined) {
    yield* listBrought(source, store, due, finished, { ...request, lateOnly: request.lateOnly });
    return;
  }
  const standing = exports.flatMap((one) => [
    ...(due.includes(one)
      ? []
      : one.before.filter((part) => isHere(one, part)).flatMap((part) => part.problems)),
    ...missingPartProblems(one),
  ]);
  if (problems.length + standing.length > 0) yield page({ problems: [...problems, ...standing] });

  const total = due.reduce((sum, { parts }) => sum + parts.length, 0);
  let done = 0;
  const listed = () => request.progress({ phase: 'listing archives', done: ++done, total });
  const stage: Stage = store.remote ? 'early' : 'whole';
  // Where the name doesn't tell when an export was made, its entries do.
  const dated: { readonly one: Export; readonly time: UnixSeconds; readonly loaded: Loaded | undefined }[] =
    [];
  for (const one of due) {
    const loaded = one.time === undefined ? yield* loadExport(one, store, request, listed, stage) : undefined;
    dated.push({ one, time: one.time ?? timeOf(loaded?.catalogs ?? []), loaded });
  }
  dated.sort(oldestFirst);
  const later: Early[] = [];
  for (let next = dated.shift(); next !== undefined; next = dated.shift()) {
    const { one, time } = next;
    if (stage === 'early' && !request.rescan && wasListed(one)) {
      later.push({ one, time, listed: one.before });
      continue;
    }
    const loaded = next.loaded ?? (yield* loadExport(one, store, request, listed, stage));
    finished.set(one.id, loaded.scanned);
    yield* listExport(
      { source, one, time, loaded, stage, remote: store.remote },
      request,
      scannedMemo(finished),
    );
    if (stage === 'early') later.push({ one, time, listed: loaded.scanned });
  }
  for (const early of later) yield* listLate(source, store, early, finished, request);
}

function isChanged({ parts, before }: Export): boolean {
  return parts.some(
    ({ archive, fingerprint }) =>
      !before.some(
        (part) =>
          part.archive === archive.name && part.fingerprint === fingerprint && !part.early && !part.gone,
      ),
  );
}

/** Gaps in the numbers of an export's parts. Parts that were read before and are gone now are not missing. */
function missingPartProblems(one: Export): Problem[] {
  const earlier = one.before.flatMap(({ archive, number }) =>
    number === undefined ? (parseArchiveName(archive).part ?? []) : (number ?? []),
  );
  const numbers = [...one.numbers, ...earlier];
  const missing = missingParts(numbers, one.time !== undefined);
  if (missing.length === 0) return [];
  const many = missing.length > 1;
  return [
    {
      where: one.id,
      what: `${many ? 'parts' : 'part'} ${numberRuns(missing)} of this export ${many ? 'are' : 'is'} missing`,
      remedy: `Download ${many ? 'them' : 'it'} from takeout.google.com, put ${many ? 'them' : 'it'} beside the others and run "gphotosfs sync"; what the other parts hold is listed.`,
    },
  ];
}
