/**
 * Problems of one archive, collected while everything else goes on. An archive of 50,000 encrypted photos makes one
 * hundred lines and a count, not 50,000 lines.
 */
import type { Problem } from '../../../model/words.ts';
import { printable } from './entry-path.ts';

/** How many entries with one and the same trouble are named one by one. */
const namedEach = 100;

/** What helps against a damaged download; the archives stay on Google's side for seven days. */
export const downloadAgain =
  'Download this part again from takeout.google.com (or copy it again from where you keep it), then run "gphotosfs sync".';

/** What helps where an archive was repacked in a way that can't be read. */
export const useOriginal =
  'Use the archive as Google made it, or unpack it yourself and add the folder; then run "gphotosfs sync".';

export interface ProblemList {
  /** Something about one entry. */
  entry(name: string, what: string, remedy: string): void;
  /** Something about the archive as a whole. */
  archive(what: string, remedy: string): void;
  /** All of it, with a closing line for each trouble that had too many entries to name. */
  all(): Problem[];
}

/** The words for one entry of an archive in messages. */
export const nameEntry = (archive: string, name: string): string => `${archive}: ${printable(name)}`;

export function problemList(archive: string): ProblemList {
  const problems: Problem[] = [];
  const counts = new Map<string, { count: number; remedy: string }>();
  return {
    entry(name, what, remedy) {
      const seen = counts.get(what) ?? { count: 0, remedy };
      seen.count++;
      counts.set(what, seen);
      if (seen.count <= namedEach) problems.push({ where: nameEntry(archive, name), what, remedy });
    },
    archive(what, remedy) {
      problems.push({ where: archive, what, remedy });
    },
    all() {
      const rest = [...counts].filter(([, { count }]) => count > namedEach);
      return problems.concat(
        rest.map(([what, { count, remedy }]) => ({
          where: archive,
          what: `${count - namedEach} more entries with the same trouble: ${what}`,
          remedy,
        })),
      );
    },
  };
}
