/**
 * The one face through which archives are read: bytes from any place of a file, wherever that is. A use is pinned to the
 * archive that the caller expects: offsets of another one would give bytes of another photo.
 */
import { GphotosfsError } from '../../../model/errors.ts';

/** Bytes that can be read from any place on. Buffers are fresh for every read: the receiver's to keep. */
export interface RandomAccess {
  /** The file, for messages. */
  readonly path: string;
  /** Reads `length` bytes from `position`; fewer only at the end of the file. Throws as `readFailure` tells. */
  read(position: number, length: number): Promise<Buffer>;
  /**
   * Streams the bytes from `start` to `end` (exclusive).
   * Throws `bad-source` when the file ends before `end`, `interrupted`, and as `readFailure` tells.
   */
  stream(start: number, end: number, signal?: AbortSignal): AsyncIterable<Buffer>;
}

/** What reading costs where each read is a request over a network. */
export interface RequestCost {
  /** Pieces closer than this are read together, bytes. */
  readonly joinGap: number;
  /** Longest read of pieces that were joined, bytes. */
  readonly longestRun: number;
  /** Does a read when so few others are on their way that it may be, too. */
  readonly inTurn: <T>(read: () => Promise<T>) => Promise<T>;
  /** Longest request for what is read from front to back, bytes. */
  readonly longRange: number;
}

/** An archive file in use; it is not closed before every use is released. */
export interface OpenArchive extends RandomAccess {
  /** Bytes. */
  readonly size: number;
  /** Changes when its bytes may have changed. */
  readonly fingerprint: string;
  /** Absent where a read costs next to nothing. */
  readonly requests?: RequestCost;
  /** Ends the use; when it was the last of an archive that is closed, the file is closed before this returns. */
  release(): Promise<void>;
}

export interface ArchiveFile {
  /** The archive's name in its source: an absolute path, a Drive id. */
  readonly name: string;
  /** For messages. */
  readonly path: string;
  /** The fingerprint of the file as it is now. Throws as `readFailure` tells. */
  fingerprint(): Promise<string>;
  /**
   * The open file. With `expected`, throws `source-changed` when it has another fingerprint now; throws as
   * `readFailure` tells. With `atOnce` the thread may wait for the disk, here and in `read`: it has nothing else to do, and
   * to be woken by another one costs more than a read.
   */
  use(expected?: string, atOnce?: boolean): Promise<OpenArchive>;
  /** Closes the file as soon as nobody uses it. */
  close(): Promise<void>;
}

/** The error for an archive, or a file in a folder, that is not the one that was scanned. */
export const sourceChanged = (path: string, how = 'changed since it was scanned'): GphotosfsError =>
  new GphotosfsError('source-changed', `${path} ${how}`, {
    hint: 'Run "gphotosfs sync" to read what it holds now.',
  });
