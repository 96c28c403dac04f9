/** The plan of a prefetch: what is selected, what of it is missing, and in which order it is fetched. */
import type { Index } from '../index/open.ts';
import {
  countSelected,
  listMissing,
  type MissingFile,
  type Selection,
  unknownSelection,
} from '../index/plan.ts';
import { pathOf } from '../index/tree.ts';
import { GphotosfsError } from '../model/errors.ts';

export type { Selection } from '../index/plan.ts';

/** Files that are fetched one after another: a stretch of one archive. */
export interface Run {
  readonly source: string;
  readonly archive: string;
  /** The stretch is the whole archive, read in one pass. */
  readonly sequential: boolean;
  readonly files: readonly MissingFile[];
}

export interface Plan {
  readonly selection: Selection;
  readonly selectedFiles: number;
  readonly selectedBytes: number;
  readonly cachedFiles: number;
  readonly cachedBytes: number;
  readonly missingFiles: number;
  readonly missingBytes: number;
  readonly runs: readonly Run[];
  /** Paths of selected files that are neither cached nor in any source. */
  readonly unavailable: readonly string[];
  readonly archives: readonly { readonly name: string; readonly files: number; readonly bytes: number }[];
}

/** Files a run: enough that neighbours are read in order, few enough that several jobs share an archive. */
const runLength = 32;

/**
 * Plans to fetch what is selected and not cached.
 * @throws `not-found` for a year or an album that doesn't exist
 */
export function planPrefetch(index: Index, selection: Selection): Plan {
  refuseUnknown(index, selection);
  return planMissing(index, selection, listMissing(index, selection));
}

/** The plan for what is missing of a selection, or a part of that. */
export function planMissing(index: Index, selection: Selection, files: readonly MissingFile[]): Plan {
  const totals = countSelected(index, selection);
  const missing = planRuns(index, files);
  return {
    selection,
    selectedFiles: totals.files,
    selectedBytes: totals.bytes,
    cachedFiles: totals.cachedFiles,
    cachedBytes: totals.cachedBytes,
    missingFiles: missing.files,
    missingBytes: missing.bytes,
    runs: missing.runs,
    unavailable: missing.unavailable,
    archives: archivesOf(missing.runs),
  };
}

export interface PlannedRuns {
  readonly files: number;
  readonly bytes: number;
  readonly runs: readonly Run[];
  readonly unavailable: readonly string[];
}

/** Cuts files, which come in the order of their places, into runs. */
export function planRuns(index: Index, missing: readonly MissingFile[]): PlannedRuns {
  const runs: (Run & { files: MissingFile[] })[] = [];
  const unavailable: string[] = [];
  for (const file of missing) {
    const { source, archive, sequential } = file;
    if (source === undefined || archive === undefined) {
      unavailable.push(pathOf(index, file.ino)?.join('/') ?? String(file.ino));
      continue;
    }
    const last = runs.at(-1);
    const goesOn = last?.source === source && last.archive === archive;
    if (last !== undefined && goesOn && (sequential || last.files.length < runLength)) last.files.push(file);
    else runs.push({ source, archive, sequential, files: [file] });
  }
  const bytes = missing.reduce((sum, file) => sum + file.size, 0);
  return { files: missing.length, bytes, runs, unavailable };
}

function archivesOf(runs: readonly Run[]): Plan['archives'] {
  const archives = new Map<string, { name: string; files: number; bytes: number }>();
  for (const { archive, files } of runs) {
    const total = archives.get(archive) ?? { name: archive, files: 0, bytes: 0 };
    total.files += files.length;
    total.bytes += files.reduce((sum, file) => sum + file.size, 0);
    archives.set(archive, total);
  }
  return [...archives.values()];
}

function refuseUnknown(index: Index, selection: Selection): void {
  const { only: unknown } = unknownSelection(index, selection);
  const [year] = unknown.years;
  const [album] = unknown.albums;
  if (year !== undefined) {
    throw new GphotosfsError('not-found', `there is no year "${year}"`, {
      hint: 'Name a folder below years/, such as 2021 or undated.',
    });
  }
  if (album !== undefined) {
    throw new GphotosfsError('not-found', `there is no album "${album}"`, {
      hint: 'Name an album by its title or by its folder below albums/.',
    });
  }
}
