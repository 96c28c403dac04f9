/** What a fetch is given, and what it gives to those who wait for it. */
import type { Cache } from '../cache/cache.ts';
import type { CachedFiles } from '../cache/cached-file.ts';
import type { Publisher } from '../cache/publish.ts';
import type { Leases } from '../index/leases.ts';
import type { Index } from '../index/open.ts';
import type { GphotosfsError } from '../model/errors.ts';
import type { Content, Location } from '../model/words.ts';
import type { CorrectSize } from './correct-size.ts';
import type { FillThreads } from './fill-threads.ts';
import type { KnownSources } from './known-sources.ts';
import type { LeftBehind } from './left-behind.ts';
import type { FailedPlaces } from './locate.ts';
import type { RangeBlocks } from './range-blocks.ts';

/** What all fetches of a process share. */
export interface FetchParts {
  readonly index: Index;
  readonly cache: Cache;
  readonly cachedFiles: CachedFiles;
  readonly leases: Leases;
  readonly publisher: Publisher;
  readonly sources: KnownSources;
  readonly failed: FailedPlaces;
  readonly blocks: RangeBlocks;
  readonly threads: FillThreads;
  readonly correctSize: CorrectSize;
  /** Fires when the process stops. */
  readonly signal: AbortSignal;
  readonly log: (level: 'warn' | 'info' | 'debug', message: string) => void;
  /** Told when bytes that readers were given turned out to be doubtful. */
  readonly onDoubt: (ino: number) => void;
}

export interface FetchTask {
  readonly ino: number;
  /** Of the partial file. */
  readonly name: string;
  /** Of the file's lease, under which others are told how far it is. */
  readonly key: string;
  readonly content: Content;
  /** It is for a reader, who is served also where the cache can't take the bytes. */
  readonly mayBeLoose: boolean;
  /** When it was asked for, ms: places that failed since then are not tried again. */
  readonly since: number;
  /** A stream of the bytes that the caller has open. */
  readonly given: { readonly location: Location; readonly bytes: AsyncIterable<Buffer> } | undefined;
  /** What a process that died had fetched of it; the fetch owns its descriptor from now on. */
  readonly left: LeftBehind | undefined;
  /** Why there is no lease for it (disk full): its bytes are for readers of this process, and not for the cache. */
  readonly noLease: GphotosfsError | undefined;
}

export interface Fetch {
  readonly content: Content;
  /** Bytes of the file; undefined where they lay in the cache already: look there. */
  read(offset: number, length: number, signal: AbortSignal): Promise<Buffer | undefined>;
  /** Settles when the bytes are known to be right. */
  readonly verified: Promise<unknown>;
  readonly published: Promise<Outcome>;
  /** After a failure: whether it was the source's, and no reader has seen any of its bytes; or other bytes are wanted now. */
  mayRetry(): boolean;
  /** It ended because the cache can't take the bytes, and no reader was there that wanted them all the same. */
  gaveUp(): boolean;
  isVerified(): boolean;
  /** Verified, but not in the cache: its bytes live as long as this fetch is kept. */
  isLoose(): boolean;
  /** Gives up the owner's hold; the file is closed when its last reader is done. */
  release(): void;
}

/** How a file came to be in the cache: it lay there already, was fetched, or copied from one with equal bytes. */
export type Outcome = 'cached' | 'fetched' | 'copied';
