/**
 * A scan of Takeout archives: find them, group them to exports, and of each export in which something is new list all
 * parts, read their sidecars, join photos to items and give these out in pages. Exports go one after another, the
 * oldest first, so that only one is in memory.
 */
import type { Problem, UnixSeconds } from '../../model/words.ts';
import type { Page, ScanRequest } from '../source.ts';
import { missingParts, numberRuns } from './archive-name.ts';
import type { Archive } from './archives/archive.ts';
import { throwIfAborted } from './archives/byte-range.ts';
import { openArchive } from './archives/open-archive.ts';
import type { Catalog } from './catalog.ts';
import { discover, exportOf, problemOf, rethrowFatal } from './discover.ts';
import { type Export, isHere, type Loaded, page } from './export-part.ts';
import { listExport } from './list-export.ts';
import { loadExport } from './load-export.ts';
import { compareText } from './pairing/file-name.ts';
import { recallScanned, scannedMemo } from './scanned-parts.ts';

/** Scans what the owner's paths lead to. `source` is the source's id. */
export async function* scanTakeout(
  source: string,
  paths: readonly string[],
  request: ScanRequest,
): AsyncGenerator<Page, void, undefined> {
  const opened: Archive[] = [];
  try {
    const { found, problems: missing } = await discover(paths);
    const problems = [...missing];
    const before = recallScanned(request.recall);
    const exports = new Map<string, Export>();
    for (const path of found) {
      throwIfAborted(request.signal, path.path);
      try {
        const archive = await openArchive(path.path);
        opened.push(archive);
        const fingerprint = await archive.fingerprint();
        const { exportId: id, exportTime: time, part } = exportOf(path);
        const known = exports.get(id) ?? { id, time, parts: [], numbers: [], before: before.get(id) ?? [] };
        known.parts.push({ archive, fingerprint, expected: path.named || time !== undefined });
        if (part !== undefined) known.numbers.push(part);
        exports.set(id, known);
      } catch (error) {
        rethrowFatal(error);
        problems.push(problemOf(error, path.path));
      }
    }
    yield* scanExports(source, paths, [...exports.values()], problems, request);
  } finally {
    await Promise.all(opened.map((archive) => archive.close()));
  }
}

async function* scanExports(
  source: string,
  paths: readonly string[],
  exports: readonly Export[],
  problems: readonly Problem[],
  request: ScanRequest,
): AsyncGenerator<Page, void, undefined> {
  const due = exports.filter((one) => request.rescan || isChanged(one));
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
  // Where the name doesn't tell when an export was made, its entries do.
  const dated: { readonly one: Export; readonly time: UnixSeconds; readonly loaded: Loaded | undefined }[] =
    [];
  for (const one of due) {
    const loaded = one.time === undefined ? yield* loadExport(one, paths, request, listed) : undefined;
    dated.push({ one, time: one.time ?? timeOf(loaded?.catalogs ?? []), loaded });
  }
  dated.sort((a, b) => a.time - b.time || compareText(a.one.id, b.one.id));
  const finished = new Map(recallScanned(request.recall));
  for (let next = dated.shift(); next !== undefined; next = dated.shift()) {
    const { one, time } = next;
    const loaded = next.loaded ?? (yield* loadExport(one, paths, request, listed));
    finished.set(one.id, loaded.scanned);
    yield* listExport(source, one, time, loaded, request, scannedMemo(finished));
  }
}

function isChanged({ parts, before }: Export): boolean {
  return parts.some(
    ({ archive, fingerprint }) =>
      !before.some((part) => part.archive === archive.name && part.fingerprint === fingerprint),
  );
}

/** Gaps in the numbers of an export's parts. Parts that were read before and are gone now are not missing. */
function missingPartProblems(one: Export): Problem[] {
  const earlier = one.before.flatMap(
    ({ archive }) => exportOf({ path: archive, named: false, isFolder: false }).part ?? [],
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

/** The time that most entries of an export have. */
function timeOf(catalogs: readonly Catalog[]): UnixSeconds {
  const counts = new Map<UnixSeconds, number>();
  for (const { modified } of catalogs)
    if (modified !== undefined) counts.set(modified.time, (counts.get(modified.time) ?? 0) + modified.count);
  const [best] = [...counts].sort(([timeA, a], [timeB, b]) => b - a || timeB - timeA);
  return best?.[0] ?? 0;
}
