/**
 * What the file name of a Takeout archive says: which export it is a part of, when that was made, and which part
 * this is. Google writes `takeout-20250131T101500Z-001.zip`, since 2025 `takeout-20250131T101500Z-3-001.zip`; a browser
 * adds ` (1)` to a second download, which is the same part again.
 */
import { basename, dirname } from 'node:path';
import type { UnixSeconds } from '../../model/words.ts';

export interface ArchiveName {
  /** The same for all parts of one export. */
  readonly exportId: string;
  /** Undefined where the name isn't Google's: then only the entries tell. */
  readonly exportTime: UnixSeconds | undefined;
  /** From 1; undefined where the name has no number. */
  readonly part: number | undefined;
}

/** Endings of files that may be archives; what they hold is found out by opening them. */
const archiveEnding = /\.(?:zip|tgz|tar\.gz)$/i;
// One real name has a time of seven digits, so both lengths pass. A folder unpacked from a part keeps its name.
const googlesName = /^takeout-((\d{8})T(\d{6})\d?Z)(?:(?:-(\d+))?-(\d{3,}))?(?: ?\(\d+\))?$/i;
// Three digits, as Drive numbers the parts of a folder's download: `trip-2021.zip` is no part 2021.
const otherPart = /-(\d{3})$/;

/** Whether a file of this name may be an archive. */
export const isArchiveName = (name: string): boolean => archiveEnding.test(name) && !name.startsWith('._');

/** Whether a folder of this name was unpacked from one of Google's archives. */
export const isUnpackedName = (name: string): boolean => googlesName.test(name);

/** Reads the name of an archive or of an unpacked folder; `path` is absolute. */
export function parseArchiveName(path: string): ArchiveName {
  const stem = basename(path).replace(archiveEnding, '');
  const [, time, day, clock, kind, number] = googlesName.exec(stem) ?? [];
  if (time !== undefined && day !== undefined && clock !== undefined) {
    const exportTime = utcSeconds(day, clock);
    if (exportTime !== undefined)
      return {
        exportId: `takeout-${time.toUpperCase()}${kind === undefined ? '' : `-${kind}`}`,
        exportTime,
        part: number === undefined ? undefined : Number(number),
      };
  }
  // Another name says nothing sure: files beside each other that differ in the part only go together.
  const core = stem.replace(/ ?\(\d+\)$/, '');
  const part = otherPart.exec(core)?.[1];
  const exportId = `${dirname(path)}/${part === undefined ? core : core.slice(0, -part.length - 1)}`;
  return { exportId, exportTime: undefined, part: part === undefined ? undefined : Number(part) };
}

/**
 * The numbers missing between the parts at hand: between 1 and the highest for Google's names; for others, whose
 * numbers may mean anything, between the lowest and the highest.
 */
export function missingParts(parts: readonly number[], fromOne: boolean): number[] {
  const present = new Set(parts);
  if (present.size === 0 || (!fromOne && present.size < 2)) return [];
  const missing: number[] = [];
  for (let part = fromOne ? 1 : Math.min(...present); part < Math.max(...present); part++)
    if (!present.has(part)) missing.push(part);
  return missing;
}

/** Numbers for people: `2, 5–9 and 12`, at most a dozen runs. */
export function numberRuns(numbers: readonly number[]): string {
  const runs: { from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && number === last.to + 1) last.to = number;
    else runs.push({ from: number, to: number });
  }
  const shown = runs.slice(0, 12).map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`));
  if (runs.length > shown.length) shown.push('others');
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** `20250131` and `101500` as a time; undefined where that is no date. */
function utcSeconds(day: string, clock: string): UnixSeconds | undefined {
  const iso = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T${clock.slice(0, 2)}:${clock.slice(2, 4)}:${clock.slice(4)}Z`;
  const time = Date.parse(iso);
  return Number.isNaN(time) ? undefined : time / 1000;
}
