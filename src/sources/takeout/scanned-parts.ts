/**
 * The memo of what has been scanned: per export its parts with their fingerprints. An export of which nothing
 * changed is not listed again; a scan that was cut off goes on with the first export that isn't in here.
 */
import type { Problem } from '../../model/words.ts';
import type { Memo } from '../source.ts';
import { count, fields, list, maybe, problemOf, text } from './stored-values.ts';

export interface ScannedPart {
  readonly archive: string;
  readonly fingerprint: string;
  /** What is still wrong with it as long as it doesn't change: told at every scan. */
  readonly problems: readonly Problem[];
  /** Its number in the export, null where it has none; older memos leave it out. */
  readonly number?: number | null;
  /** Its photos were listed, its sidecars not all read. */
  readonly early?: true;
  /** It was found to be deleted. */
  readonly gone?: true;
}

/** Parts by export id. */
export type ScannedExports = ReadonlyMap<string, readonly ScannedPart[]>;

const key = 'scanned';

/** What earlier scans finished; empty where the memo is missing, damaged or of another version. */
export function recallScanned(recall: (key: string) => Buffer | undefined): ScannedExports {
  try {
    const { version, exports } = fields(JSON.parse(recall(key)?.toString() ?? ''));
    if (version !== 1) return new Map();
    return new Map(Object.entries(fields(exports)).map(([id, parts]) => [id, list(parts).map(partOf)]));
  } catch {
    return new Map();
  }
}

/** @throws Damaged */
function partOf(value: unknown): ScannedPart {
  const { archive, fingerprint, problems, number, early, gone } = fields(value);
  return {
    archive: text(archive),
    fingerprint: text(fingerprint),
    problems: list(problems).map(problemOf),
    ...(number === undefined ? undefined : { number: maybe(number, count) ?? null }),
    ...(early === true ? { early } : undefined),
    ...(gone === true ? { gone } : undefined),
  };
}

/** Whether something was listed, and its sidecars were not all read. */
export const hasEarly = (scanned: ScannedExports): boolean =>
  [...scanned.values()].some((parts) => parts.some(({ early, gone }) => early === true && gone !== true));

export function scannedMemo(exports: ScannedExports): Memo {
  const value = { version: 1, exports: Object.fromEntries(exports) };
  return { key, value: Buffer.from(JSON.stringify(value)) };
}
