/**
 * The layout of the tree on one screen: which directory a photo stands in, what an album's link points to, and what
 * time a file shows before its sidecar is known.
 *
 *   years/2021/IMG_0001.jpg            years: yearly
 *   years/2021/05/IMG_0001.jpg         years: monthly
 *   years/undated/scan.png
 *   albums/Summer in Italy/IMG_0001.jpg -> ../../years/2021/IMG_0001.jpg
 */
import type { Layout } from '../index/settings.ts';
import type { UnixSeconds } from '../model/words.ts';

/** What decides where an item stands. */
export interface Dating {
  /** UTC. */
  readonly takenAt: UnixSeconds | undefined;
  /** The year whose folder Google put it in. */
  readonly yearFolder: number | undefined;
  /** When its export was made. */
  readonly exportTime: UnixSeconds;
}

/** Names of the directories below `years/` that lead to a photo. */
export function yearPath(dating: Dating, layout: Layout): string[] {
  const folderYear = yearName(dating.yearFolder);
  if (layout.years === 'yearly' && folderYear !== undefined) return [folderYear];
  const taken = dating.takenAt === undefined ? undefined : new Date(dating.takenAt * 1000);
  const takenYear = yearName(taken?.getUTCFullYear());
  if (layout.years === 'monthly' && taken !== undefined && takenYear !== undefined) {
    return [takenYear, String(taken.getUTCMonth() + 1).padStart(2, '0')];
  }
  return [folderYear ?? takenYear ?? 'undated'];
}

/** A year's four digits; undefined for what is no year of photography (a damaged sidecar's date). */
function yearName(year: number | undefined): string | undefined {
  return year !== undefined && year >= 1 && year <= 9999 ? String(year).padStart(4, '0') : undefined;
}

/** A file's mtime: when it was taken; until that is known 1 July of its folder's year, else the time of its export. */
export function fileTime(dating: Dating): UnixSeconds {
  if (dating.takenAt !== undefined) return dating.takenAt;
  if (dating.yearFolder !== undefined) return Date.UTC(dating.yearFolder, 6, 1) / 1000;
  return dating.exportTime;
}

/** A relative symlink's target from an album's directory (two below the root) to a path given from the root. */
export function linkTarget(path: readonly string[]): string {
  return ['..', '..', ...path].join('/');
}
