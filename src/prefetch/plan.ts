/** The plan of a prefetch: what is selected, what of it is missing, and in which order it is fetched. */
import type { Index } from '../index/open.ts';
import {
  countSelected,
  listMissing,
  type MissingFile,
  type Selection,
  unknownSelection,
} from '../index/plan.ts';
import { GphotosfsError } from '../model/errors.ts';

export type { Selection } from '../index/plan.ts';

/** Files that are fetched one after another: a stretch of one archive. */
export interface Run {
  readonly source: string;
  readonly archive: string;
  /** The stretch is the whole archive, read in one pass. */
  readonly sequential: boolean;
  /** It is fetched over a network, together. */
  readonly remote: boolean;
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
  /** Selected files that are neither cached nor in any source. */
  readonly unavailable: readonly MissingFile[];
  readonly archives: readonly { readonly name: string; readonly files: number; readonly bytes: number }[];
}

/** Files a run: enough that neighbours are read in order, few enough that several jobs share an archive. */
const runLength = 32;
/** Bytes a run over a network: many long requests, and still several jobs share an archive. */
const remoteRunBytes = 256 << 20;

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
  const missing = planRuns(files);
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
  /** Those that no source has. */
  readonly unavailable: readonly MissingFile[];
}

/** Cuts files, which come in the order of their places, into runs. */
export function planRuns(missing: readonly MissingFile[]): PlannedRuns {
  const runs: (Run & { files: MissingFile[]; bytes: number })[] = [];
  const unavailable: MissingFile[] = [];
  for (const file of missing) {
    const { source, archive, sequential, remote } = file;
    if (source === undefined || archive === undefined) {
      unavailable.push(file);
      continue;
    }
    const last = runs.at(-1);
    const goesOn = last?.source === source && last.archive === archive;
    const hasRoom = (run: { readonly files: readonly MissingFile[]; readonly bytes: number }): boolean =>
      sequential || (remote ? run.bytes < remoteRunBytes : run.files.length < runLength);
    if (last !== undefined && goesOn && hasRoom(last)) {
      last.files.push(file);
      last.bytes += file.size;
    } else runs.push({ source, archive, sequential, remote, files: [file], bytes: file.size });
  }
  const bytes = missing.reduce((sum, file) => sum + file.size, 0);
  return { files: missing.length, bytes, runs: inTurns(runs), unavailable };
}

/** Runs over a network in turns of their archives, so that several are fetched from side by side; the others as they are. */
function inTurns(runs: readonly Run[]): Run[] {
  const turns = new Map<string, number>();
  const turnOf = new Map<Run, number>();
  for (const run of runs) {
    const turn = turns.get(run.archive) ?? 0;
    turns.set(run.archive, turn + 1);
    turnOf.set(run, run.remote ? turn : 0);
  }
  return [...runs].sort((a, b) => (turnOf.get(a) ?? 0) - (turnOf.get(b) ?? 0));
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
