/**
 * The face between gphotosfs and the kernel: a driver makes a mount, answers it from a `Filesystem`, and
 * hands reads of what is not cached to `RemoteReader`. What only some drivers can do is data (`features`).
 */
import type { Opening } from '../fetch/reader-content.ts';
import type { CacheStat } from '../index/cached.ts';
import type { TreeChange } from '../index/tree.ts';
import type { Content } from '../model/words.ts';

export type { Attributes, DirectoryEntry, TreeChange } from '../index/tree.ts';

export interface DriverFeatures {
  /** Tells the kernel at once what changed; without it, changes show after `attributeTimeoutSeconds`. */
  readonly invalidation: boolean;
  /** Shows times before 1970; without it they show as 1970-01-01. */
  readonly timesBefore1970: boolean;
  /** A killed reader is told so, and its read given up. */
  readonly interrupts: boolean;
}

/** Serves reads of files that are not cached. Lives on the main thread, where fetches run. */
export interface RemoteReader {
  /**
   * Bytes `offset` to `offset + length` of a file, shorter only at its end. Waits until they have been
   * fetched; the last block waits until the whole file has been verified.
   * Rejects with `interrupted` when `signal` fires; the fetch goes on for others.
   *
   * `opening` is the file as the reader opened it: whoever may have been given bytes that proved wrong since, or that
   * are not the file's any more, gets `bad-content`, never bytes of two kinds.
   */
  read(ino: number, offset: number, length: number, signal: AbortSignal, opening?: Opening): Promise<Buffer>;
}

export interface MountRequest {
  readonly mountPoint: string;
  /** The index, opened again by a driver that works on another thread. */
  readonly indexPath: string;
  readonly cachePath: string;
  readonly uid: number;
  readonly gid: number;
  /** Bits taken from 0444 and 0555. */
  readonly umask: number;
  readonly allowOther: boolean;
  readonly remote: RemoteReader;
  /** Says something to the owner of the mount. */
  readonly log: (level: 'warn' | 'info' | 'debug', message: string) => void;
}

export interface Mounted {
  readonly mountPoint: string;
  /** Settles when the mount is gone, by whomever. Rejects when the driver failed. */
  readonly closed: Promise<void>;
  /** Makes the kernel forget what it has cached of a change. Does nothing without `features.invalidation`. */
  invalidate(change: TreeChange): Promise<void>;
  /** Tells a driver on another thread that files were published: open handles look at the index again. */
  published(): void;
  /** Tells a driver with a connection of its own that another file (`Index.file`) is the index now: it opens just that. */
  reopen(file: string): void;
  /** Unmounts: at once where possible, lazily where programs still use it. Idempotent. */
  unmount(): Promise<void>;
}

export interface MountDriver {
  readonly name: string;
  readonly features: DriverFeatures;
  /** Mounts and starts to answer. Throws `mount` with a hint that says what to install or to change. */
  mount(request: MountRequest): Promise<Mounted>;
}

/** A file opened for reading: its cache file, or `undefined` where it must be fetched. */
export interface OpenedFile {
  /** A descriptor that the driver closes on release. */
  readonly fd: number | undefined;
  readonly size: number;
  /** What the cache file looked like when it was opened. */
  readonly recorded?: CacheStat;
  /** Which bytes the file shows. */
  readonly content: Content;
}
