/** Choosing where a file's bytes are taken from: the places that hold them, without those that just failed. */
import { LRUCache } from 'lru-cache';
import { getFile } from '../index/items.ts';
import { locationsOf } from '../index/locations.ts';
import type { Index } from '../index/open.ts';
import { getRevision } from '../index/revisions.ts';
import { sameContent } from '../model/content.ts';
import { GphotosfsError, toGphotosfsError } from '../model/errors.ts';
import type { Content, Location } from '../model/words.ts';
import type { Source } from '../sources/source.ts';

/** How long a place that failed is passed over, ms: a reader that repeats at once should not wait for it again. */
const passOverMs = 10_000;
/** An archive that is gone fails for each of its files; forgetting one costs another try. */
const keptFailures = 10_000;

/** Places that failed: they are tried again after a while, others first. */
export interface FailedPlaces {
  note(location: Location, error: unknown): void;
  /** The failure for which the place is passed over by whoever began at `since` (ms), if there is one. */
  recent(location: Location, since: number): { readonly error: unknown } | undefined;
}

export function createFailedPlaces(): FailedPlaces {
  const failures = new LRUCache<string, { at: number; error: unknown }>({ max: keptFailures });
  return {
    note: (location, error) => void failures.set(placeKey(location), { at: Date.now(), error }),
    recent(location, since) {
      const failure = failures.get(placeKey(location));
      if (failure === undefined) return undefined;
      // Nobody tries one place twice, however long its failing took.
      if (failure.at >= since) return failure;
      // The owner may have signed in meanwhile; where they have not, that is told without a wait.
      if (toGphotosfsError(failure.error).kind === 'sign-in') return undefined;
      return Date.now() - failure.at <= passOverMs ? failure : undefined;
    },
  };
}

export interface Place {
  readonly source: Source;
  readonly location: Location;
}

export function placeKey({ source, archive, fingerprint, offset }: Location): string {
  return [source, archive, fingerprint, offset].join('\n');
}

/**
 * What a fetch of the file shall bring: what is shown, or, for prefetch (`newest`) and where nothing else can be had,
 * its revision.
 */
export function wantedContent(index: Index, ino: number, newest: boolean): Content {
  const file = getFile(index, ino);
  if (file === undefined) throw new GphotosfsError('not-found', `inode ${ino} is no file`);
  const revision = getRevision(index, ino);
  if (revision === undefined) return file;
  const locations = locationsOf(index, ino);
  const canBeHad = (content: Content) => locations.some((location) => sameContent(location, content));
  return canBeHad(revision) && (newest || !canBeHad(file)) ? revision : file;
}

/**
 * The best of these places to take this content from.
 * @param name the file's, for messages
 * @param since when the fetch was asked for, ms
 * @throws the last failure where every place has just failed; `unavailable` where there is none
 */
export function choosePlace(
  locations: readonly Location[],
  sources: Pick<ReadonlyMap<string, Source>, 'get'>,
  failed: FailedPlaces,
  name: string,
  content: Content,
  since: number,
): Place {
  let failure: { readonly error: unknown } | undefined;
  for (const location of locations) {
    const source = sources.get(location.source);
    if (source === undefined || !sameContent(location, content)) continue;
    const recent = failed.recent(location, since);
    if (recent === undefined) return { source, location };
    failure = recent;
  }
  if (failure !== undefined) throw failure.error;
  throw new GphotosfsError('unavailable', `"${name}" is in no source any more`, {
    hint: 'Add the archive it came from again, then run "gphotosfs sync".',
  });
}
