/** Where archives of Takeouts lie: on disk, or in Drive. A scan asks what is there now, and reads it. */
import type { Problem } from '../../model/words.ts';
import type { ArchiveName } from './archive-name.ts';
import type { Archive } from './archives/archive.ts';

/** An archive that is there now. */
export interface FoundArchive {
  /** Unique in the store, and the same at every scan: an absolute path, a Drive id. */
  readonly name: string;
  /** What its owner knows it by. */
  readonly title: string;
  /** What its file name tells. */
  readonly fileName: ArchiveName;
  /** The owner named it; otherwise it lies among other things perhaps. */
  readonly named: boolean;
  readonly open: () => Promise<Archive>;
}

export interface Finding {
  readonly found: readonly FoundArchive[];
  readonly problems: readonly Problem[];
  /** Of the archives asked for, those that are surely there no more: not only missing in a listing. */
  readonly gone: readonly string[];
}

export interface ArchiveStore {
  /**
   * Reached over a network: every sidecar may cost a request, so photos are listed before sidecars are read; and when it
   * does not answer, the scan ends, to go on later, instead of going on without what it could not read.
   */
  readonly remote: boolean;
  /** How fast it may be asked, for people: "16 at a time". */
  readonly pace?: () => string | undefined;
  /** Looks for archives. `known`: those that earlier scans have read. */
  find(known: readonly string[], signal: AbortSignal): Promise<Finding>;
  /** Whether an archive that is not there now is one that the store would have. */
  covers(archive: string): boolean;
}
