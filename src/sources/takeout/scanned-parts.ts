/**
 * The memo of what has been scanned: per export its parts with their fingerprints. An export of which nothing
 * changed is not listed again; a scan that was cut off goes on with the first export that isn't in here.
 */
import { z } from 'zod';
import type { Memo } from '../source.ts';

const problem = z.object({
  where: z.string(),
  what: z.string(),
  remedy: z.string(),
  severity: z.literal('notice').exactOptional(),
});
const part = z.object({
  archive: z.string(),
  fingerprint: z.string(),
  /** What is still wrong with it as long as it doesn't change: told at every scan. */
  problems: z.array(problem),
  /** Its number in the export, null where it has none; older memos leave it out. */
  number: z.number().nullable().exactOptional(),
  /** Its photos were listed, its sidecars not all read. */
  early: z.literal(true).exactOptional(),
  /** It was found to be deleted. */
  gone: z.literal(true).exactOptional(),
});
const stored = z.object({ version: z.literal(1), exports: z.record(z.string(), z.array(part)) });

export type ScannedPart = Readonly<z.infer<typeof part>>;
/** Parts by export id. */
export type ScannedExports = ReadonlyMap<string, readonly ScannedPart[]>;

const key = 'scanned';

/** What earlier scans finished; empty where the memo is missing, damaged or of another version. */
export function recallScanned(recall: (key: string) => Buffer | undefined): ScannedExports {
  try {
    const parsed = stored.safeParse(JSON.parse(recall(key)?.toString() ?? ''));
    return new Map(parsed.success ? Object.entries(parsed.data.exports) : []);
  } catch {
    return new Map();
  }
}

/** Whether something was listed, and its sidecars were not all read. */
export const hasEarly = (scanned: ScannedExports): boolean =>
  [...scanned.values()].some((parts) => parts.some(({ early, gone }) => early === true && gone !== true));

export function scannedMemo(exports: ScannedExports): Memo {
  const value = { version: 1, exports: Object.fromEntries(exports) };
  return { key, value: Buffer.from(JSON.stringify(value)) };
}
