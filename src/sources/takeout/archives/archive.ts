/**
 * One face for the shapes a Takeout comes in: a zip part, a tgz part, an unpacked folder. An archive lists its
 * entries without reading a photo (a tgz has to), and opens one entry as a stream. What the entries mean is
 * not its business.
 */
import type { Location, Problem, UnixSeconds } from '../../../model/words.ts';
import type { OpenRequest } from '../../source.ts';

/** A file inside an archive. */
export interface ArchiveEntry {
  /** Path inside the archive, NFC, parts joined by `/`; never absolute, no `.` or `..`, no backslash. */
  readonly path: string;
  readonly size: number;
  /** undefined for an unpacked folder. */
  readonly crc32: number | undefined;
  /** Zip: offset of the local header; tgz: ordinal; folder: ordinal in path order. */
  readonly offset: number;
  /** What `open` needs beyond the offset. */
  readonly address: string;
  readonly seekable: boolean;
  /** The entry's own modification time: in a Takeout, the time of the export. */
  readonly modified: UnixSeconds | undefined;
}

/** The bytes of a small entry (a sidecar), or why they can't be had. */
export interface SmallEntry {
  readonly entry: ArchiveEntry;
  readonly bytes: Buffer | undefined;
  readonly problem: Problem | undefined;
}

/** What an archive holds, as found by one look. */
export interface ArchiveListing {
  readonly entries: readonly ArchiveEntry[];
  readonly problems: readonly Problem[];
  /**
   * The small `.json` entries by offset, where listing had to read everything anyway (tgz); otherwise undefined. Not
   * those over 1 MiB, nor any more once 256 MiB are kept: `readSmall` reads them.
   */
  readonly small: ReadonlyMap<number, Buffer> | undefined;
}

/** Small entries that are taken along when a pass comes by. */
export interface Passing {
  readonly entries: readonly ArchiveEntry[];
  readonly maxBytes: number;
  readonly take: (small: SmallEntry) => void;
}

/** One archive. Opening and reading may throw `source-gone`, `bad-source` and `no-permission`. */
export interface Archive {
  /** Its name in its source: the absolute path of the file or the folder, or a Drive id. */
  readonly name: string;
  /** For messages. */
  readonly path: string;
  /** Whether listing it reads the whole archive, and opening an entry all that precedes it. */
  readonly sequential: boolean;
  /**
   * `size:mtimeNs` of the file; for a folder a digest over its listing (paths, sizes, mtimes). Changes when bytes
   * may have changed.
   */
  fingerprint(): Promise<string>;
  /**
   * Lists the entries as they are now. Ask for the fingerprint before: then an archive that is replaced in between
   * fails at `open` instead of being read at old offsets.
   */
  list(signal: AbortSignal): Promise<ArchiveListing>;
  /**
   * Reads small entries (each at most `maxBytes`) in ascending offset, joining reads that lie close together, and
   * hands them out in batches: a promise for each of 100,000 sidecars would cost more than reading them.
   */
  readSmall(
    entries: readonly ArchiveEntry[],
    maxBytes: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly SmallEntry[]>;
  /**
   * Streams one entry. Never more than `location.size` bytes: a longer stream is `bad-content`, so is a shorter
   * one. Throws `source-changed` when the archive is not the one of `location.fingerprint` (in a folder, when
   * the file's own size and mtime, kept in `location.address`, are others).
   */
  open(location: Location, request: OpenRequest): AsyncIterable<Buffer>;
  /** Streams many entries in one pass, ascending; only where that is cheaper than one by one. */
  openMany?(
    locations: readonly Location[],
    signal: AbortSignal,
    passing?: Passing,
  ): AsyncIterable<{ readonly location: Location; readonly bytes: AsyncIterable<Buffer> }>;
  close(): Promise<void>;
}
