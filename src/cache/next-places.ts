/**
 * Where cached files lie, asked of the index for many at once where they are opened one after another, as a copy or a backup
 * does: a question for each took a third of the time of an open (measured).
 *
 * What was read ahead is used for a moment only. A file that was replaced since doesn't look as recorded, and is asked for
 * again; one that `verify` has just found wrong looks the same, and is given out for that moment longer.
 */
import { type CachedPlace, cachedPlacesAfter, getCachedPlace } from '../index/cached.ts';
import type { Index } from '../index/open.ts';
import { monotonicMs } from '../model/clock.ts';

/** How many entries are looked at. */
const ahead = 64;
/** How long that is used, ms: as long as 64 opens take on a slow machine. */
const momentMs = 20;

export interface NextPlaces {
  /** The place of a cached file, which may be as it was a moment ago. */
  get(ino: number): CachedPlace | undefined;
  /** As it is now. */
  getNow(ino: number): CachedPlace | undefined;
  /** Forgets what was read ahead. */
  clear(): void;
}

export function createNextPlaces(index: Index): NextPlaces {
  const places = new Map<number, CachedPlace>();
  let readAt = Number.NEGATIVE_INFINITY;
  /** The file that was asked for last. */
  let last: CachedPlace | undefined;

  function getNow(ino: number): CachedPlace | undefined {
    const place = getCachedPlace(index, ino);
    const goesOn =
      place !== undefined &&
      place.parent === last?.parent &&
      place.entry > last.entry &&
      place.entry <= last.entry + ahead;
    last = place;
    if (!goesOn) return place;
    places.clear();
    readAt = monotonicMs();
    for (const next of cachedPlacesAfter(index, place.parent, place.entry, ahead)) places.set(next.ino, next);
    return place;
  }

  return {
    getNow,
    clear() {
      places.clear();
      last = undefined;
    },
    get(ino) {
      const place = places.get(ino);
      if (place === undefined || monotonicMs() - readAt > momentMs) return getNow(ino);
      last = place;
      return place;
    },
  };
}
