/**
 * The vessel of a fetch: the file that its bytes are put into. It is a partial file of the cache, or, for a reader's sake
 * where the cache can't take the bytes, a loose one outside. It stays open for as long as someone needs it.
 */
import { closeSync } from 'node:fs';
import type { Cache } from '../cache/cache.ts';
import { cacheError } from '../cache/cache-error.ts';
import { createLoosePartial, createPartial, type Partial, removePartial } from '../cache/partial.ts';
import type { Claim } from '../cache/room.ts';
import { GphotosfsError, toGphotosfsError } from '../model/errors.ts';
import { copyBytes, readAt } from './read-at.ts';

export interface Vessel {
  /** Whether there is room for it in the cache, which is claimed for it then. */
  hasRoom(): boolean;
  /** Makes the file, and gives its descriptor. */
  create(): number;
  /** Takes a file that was made elsewhere: by copying, in a thread. */
  take(partial: Partial): void;
  /** So many bytes are in it. */
  wrote(written: number): void;
  /** Moves the first `written` bytes out of a cache that can't take more; gives the new file's descriptor. */
  moveOut(error: unknown, written: number): Promise<number>;
  /** The file in the cache, to be published. @throws why there is none: the cache could not take it */
  toPublish(): Partial & { readonly name: string };
  /** What `toPublish` gave has its final name now. */
  wasPublished(): void;
  /** Takes the file's name away: it can only be read from now on. */
  unname(): void;
  read(offset: number, length: number): Promise<Buffer>;
  /** Why the cache could not take the bytes. */
  refusal(): GphotosfsError | undefined;
  /** Whether the fetch ended there, for nobody wanted the bytes outside of the cache. */
  gaveUp(): boolean;
  hold(): void;
  /** Ends a hold; with the last one (the first is its maker's) the file is closed and gone. */
  release(): void;
}

export interface VesselRequest {
  readonly cache: Cache;
  /** Of the file in the cache's partial directory. */
  readonly name: string;
  /** The photo, in messages. */
  readonly label: string;
  /** Bytes that it will hold. */
  readonly size: number;
  /** Why nothing of it may come into the cache. */
  readonly noLease: GphotosfsError | undefined;
  /** Whether bytes that the cache can't take are wanted at all. */
  readonly mayBeLoose: () => boolean;
  readonly log: (level: 'warn', message: string) => void;
}

export function createVessel(request: VesselRequest): Vessel {
  const { cache, name, label, size, noLease, mayBeLoose, log } = request;
  let partial: Partial | undefined;
  let claim: Claim | undefined;
  let refusal: GphotosfsError | undefined;
  /** Reads under way, by descriptor: one that is left is closed behind the last, for its number may come again. */
  const reading = new Map<number, number>();
  let holds = 1;
  let gaveUp = false;

  function goLoose(error: unknown): Partial {
    claim?.end();
    refusal = toGphotosfsError(cacheError(error, `"${label}" cannot be cached`));
    if (!mayBeLoose()) {
      gaveUp = true;
      throw refusal;
    }
    log('warn', refusal.message);
    return createLoosePartial(size);
  }

  function unname(): void {
    if (partial?.name !== undefined) removePartial(cache.partial, partial.name);
    if (partial !== undefined) partial = { fd: partial.fd, name: undefined };
  }

  function current(): Partial {
    if (partial === undefined)
      throw new GphotosfsError('internal', `"${label}" has no file to be fetched into`);
    return partial;
  }

  async function use<T>(work: (fd: number) => Promise<T>): Promise<T> {
    const { fd } = current();
    reading.set(fd, (reading.get(fd) ?? 0) + 1);
    try {
      return await work(fd);
    } finally {
      const others = (reading.get(fd) ?? 1) - 1;
      reading.set(fd, others);
      if (others === 0) {
        reading.delete(fd);
        if (partial?.fd !== fd) closeSync(fd);
      }
    }
  }

  return {
    hasRoom() {
      if (noLease !== undefined) return false;
      try {
        claim ??= cache.room.claim(size);
        return true;
      } catch {
        // `create` says so.
        return false;
      }
    },
    create() {
      try {
        if (noLease !== undefined) throw noLease;
        claim ??= cache.room.claim(size);
        partial = createPartial(cache.partial, name);
      } catch (error) {
        partial = goLoose(error);
      }
      return partial.fd;
    },
    take(made) {
      partial = made;
    },
    wrote: (written) => claim?.wrote(written),
    moveOut: (error, written) =>
      use(async (full) => {
        const next = goLoose(error);
        unname();
        try {
          await copyBytes(full, next.fd, written);
        } catch (failure) {
          closeSync(next.fd);
          throw failure;
        }
        // From here on readers find it; those that are at the full one end there.
        partial = next;
        return next.fd;
      }),
    toPublish() {
      const { fd, name: named } = current();
      if (named !== undefined) return { fd, name: named };
      throw refusal ?? new GphotosfsError('internal', `"${label}" is in no file of the cache`);
    },
    wasPublished() {
      partial = { fd: current().fd, name: undefined };
    },
    unname,
    read: (offset, length) => use((fd) => readAt(fd, offset, length)),
    refusal: () => refusal,
    gaveUp: () => gaveUp,
    hold() {
      holds += 1;
    },
    release() {
      holds -= 1;
      if (holds > 0) return;
      claim?.end();
      unname();
      if (partial !== undefined) closeSync(partial.fd);
      partial = undefined;
    },
  };
}
