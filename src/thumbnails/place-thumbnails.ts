/**
 * Puts thumbnails where file managers look for them, so that opening a folder fetches no photo: of what isn't cached from its
 * sources, of what is from the cache.
 */
import type { Directory } from '../cache/directories.ts';
import { choosePlace, createFailedPlaces, wantedContent } from '../fetch/locate.ts';
import { listCachedSince } from '../index/cached.ts';
import { isSequential, locationsOf } from '../index/locations.ts';
import type { Index } from '../index/open.ts';
import { getSetting, putSetting } from '../index/settings.ts';
import { sameContent } from '../model/content.ts';
import { type ErrorKind, GphotosfsError, toGphotosfsError } from '../model/errors.ts';
import type { Location } from '../model/words.ts';
import { createGivenUp } from '../prefetch/given-up.ts';
import type { Source } from '../sources/source.ts';
import { groupsOf, prepare } from './groups.ts';
import type { Picture } from './picture.ts';
import { type CachedThumbnails, placeCached } from './place-cached.ts';
import { listWanted, type Wanted, wantedOf } from './plan.ts';
import { drawCards, inAllSizes } from './renditions.ts';
import { embeddedPicture, mayHavePreview, openHead, scaledPicture } from './small-picture.ts';
import { openThumbnailStore, sizeNames } from './store.ts';

export interface ThumbnailsRequest {
  readonly index: Index;
  readonly sources: readonly Source[];
  /** undefined where it can't be opened: then only what isn't cached is looked at. */
  readonly cache: Directory | undefined;
  /** Of what is cached, only what came since the last run for this mount: what a run could make nothing of is not tried again. */
  readonly onlyNew: boolean;
  /** Absolute, as file managers are led to it. */
  readonly mountPoint: string;
  /** `thumbnails` in the user's cache folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

export interface ThumbnailsReport extends CachedThumbnails {
  /** Files that aren't cached. */
  readonly files: number;
  /** Of these: have a picture by now, had all they need before, or a card in place of one. */
  readonly pictures: number;
  readonly present: number;
  readonly cards: number;
  /** Taken from sources. */
  readonly fetchedBytes: number;
  readonly failed: readonly FailedThumbnail[];
  /** A source was given up, or the owner stopped it. */
  readonly stopped: GphotosfsError | undefined;
}

export interface FailedThumbnail {
  /** In the tree. */
  readonly path: string;
  readonly kind: ErrorKind;
  readonly message: string;
}

/** Files side by side: each is a request where the source is far away. */
const lanes = 16;
/** As many as a source is told of at once. */
const batchLength = 50;

/** The thumbnails' own disk: no other place helps. */
function isDisk(error: unknown): boolean {
  const { kind } = toGphotosfsError(error);
  return kind === 'no-space' || kind === 'no-permission';
}

/** @throws `usage` where the folder is another user's */
export async function placeThumbnails(request: ThumbnailsRequest): Promise<ThumbnailsReport> {
  const { index, mountPoint, signal } = request;
  const sources = new Map(request.sources.map((source) => [source.id, source]));
  const store = openThumbnailStore(request.folder);
  const cards = drawCards();
  const failedPlaces = createFailedPlaces();
  /** Why a pass through a tgz brought nothing, by inode number. */
  const sweptInVain = new Map<number, { readonly error: unknown }>();
  const givenUp = createGivenUp();
  const since = Date.now();
  const failed: FailedThumbnail[] = [];
  const counts = { pictures: 0, present: 0, cards: 0, fetchedBytes: 0, done: 0 };
  const count = (bytes: number) => {
    counts.fetchedBytes += bytes;
  };

  const wanted = listWanted(index, sources);
  const cachedInos = request.cache === undefined ? [] : newlyCached(request);
  const total = wanted.length + cachedInos.length;

  function settle({ kind, subjects }: Wanted, picture: Picture | undefined): void {
    if (picture === undefined) counts.cards += 1;
    else counts.pictures += 1;
    const renditions = picture === undefined ? cards[kind] : inAllSizes(picture);
    const shows = picture === undefined ? 'card' : 'picture';
    for (const subject of subjects)
      for (const size of sizeNames)
        if (store.find(subject, size) === 'nothing') store.write(subject, size, renditions[size], shows);
  }

  /** Notes what went wrong with a file: it is left without a thumbnail, for the next run. */
  function fail(file: Wanted, error: unknown): void {
    const known = toGphotosfsError(error);
    if (signal.aborted || known.kind === 'interrupted') return;
    if (isDisk(known)) throw known;
    if (givenUp.failed(file.place.source, known, file.place.archive)) return;
    failed.push({ path: file.path, kind: known.kind, message: known.message });
  }

  async function make(file: Wanted): Promise<void> {
    const { source, archive } = file.place;
    if (signal.aborted || givenUp.has(source, archive)) return;
    try {
      settle(file, await fetchPicture(file));
      givenUp.succeeded(source);
    } catch (error) {
      fail(file, error);
    }
  }

  /** From the best place, or, where that fails, from the next one. */
  async function fetchPicture({ place: { ino }, name }: Wanted): Promise<Picture | undefined> {
    let failure = sweptInVain.get(ino);
    for (;;) {
      const places = locationsOf(index, ino);
      const { source, location } = choosePlace(places, sources, failedPlaces, name, shown(ino), since);
      const isSlow = source.openSmall === undefined && isSequential(index, location);
      if (isSlow && failure !== undefined) throw failure.error;
      // In an archive that is read from its start only, a head costs what stands before it.
      if (isSlow || (source.openSmall === undefined && !mayHavePreview(name))) return undefined;
      try {
        return source.openSmall === undefined
          ? await embeddedPicture(openHead(source, location, signal), count)
          : await scaledPicture(source.openSmall(location, signal), count);
      } catch (error) {
        if (signal.aborted) throw error;
        failedPlaces.note(location, error);
        failure = { error };
      }
    }
  }

  const shown = (ino: number) => wantedContent(index, ino, false);

  /** A tgz on this disk is gone through once for all of its files. Gives those that failed, for another place may have them. */
  async function sweep(source: Source, files: readonly Wanted[]): Promise<Wanted[]> {
    const inVain: Wanted[] = [];
    const miss = (file: Wanted, location: Location, error: unknown) => {
      failedPlaces.note(location, error);
      sweptInVain.set(file.place.ino, { error });
      inVain.push(file);
    };
    const byOffset = new Map<number, Wanted>();
    const locations: Location[] = [];
    for (const file of files) {
      const location = locationsOf(index, file.place.ino).find(
        ({ archive, source: id, ...place }) =>
          archive === file.place.archive && id === source.id && sameContent(place, shown(file.place.ino)),
      );
      if (location === undefined || !mayHavePreview(file.name)) {
        settle(file, undefined);
        continue;
      }
      byOffset.set(location.offset, file);
      locations.push(location);
    }
    if (locations.length === 0) return [];
    locations.sort((a, b) => a.offset - b.offset);
    try {
      for await (const { location, bytes } of source.openMany?.(locations, signal) ?? []) {
        const file = byOffset.get(location.offset);
        byOffset.delete(location.offset);
        if (file !== undefined)
          await embeddedPicture(bytes, count).then(
            (picture) => settle(file, picture),
            (error: unknown) => miss(file, location, error),
          );
        await bytes[Symbol.asyncIterator]().return?.();
      }
    } catch (error) {
      if (isDisk(error)) throw error;
      // The archive itself: each file that it still owes fails with it.
      for (const location of locations) {
        const file = byOffset.get(location.offset);
        if (file !== undefined) miss(file, location, error);
      }
    }
    return inVain;
  }

  function tell(files: number): void {
    counts.done += files;
    request.progress(counts.done, total);
  }

  const cached = await placeCached({ ...request, store, inos: cachedInos, tell: () => tell(1) });
  if (request.cache !== undefined && !signal.aborted)
    putSetting(index, lastRunKey, `${Math.floor(since / 1000)} ${mountPoint}`);

  for (const { source, places, isSweep } of groupsOf(wanted, sources)) {
    const lacking: Wanted[] = [];
    for (const place of places) {
      const file = wantedOf(index, mountPoint, place);
      if (file === undefined) continue;
      const isThere = file.subjects.every((subject) =>
        sizeNames.every((size) => store.find(subject, size) !== 'nothing'),
      );
      if (isThere) counts.present += 1;
      else lacking.push(file);
    }
    tell(places.length - lacking.length);
    if (signal.aborted || lacking.length === 0) continue;
    const left = isSweep ? await sweep(source, lacking) : lacking;
    tell(lacking.length - left.length);
    for (let at = 0; at < left.length && !signal.aborted && !givenUp.has(source.id); at += batchLength) {
      const batch = left.slice(at, at + batchLength);
      await prepare(index, source, batch);
      const queue = batch.values();
      const lane = async () => {
        for (const file of queue) {
          await make(file);
          tell(1);
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
    }
  }
  const { done: _, ...totals } = counts;
  const interrupted = signal.aborted ? new GphotosfsError('interrupted', 'it was stopped') : undefined;
  return { files: wanted.length, ...totals, ...cached, failed, stopped: interrupted ?? givenUp.reason() };
}

/** Of which mount the cached files were looked at last, and when that began. */
const lastRunKey = 'thumbnails';

function newlyCached({ index, mountPoint, onlyNew }: ThumbnailsRequest): number[] {
  const [, last, lastMount] = /^(\d+) (.*)$/s.exec(getSetting(index, lastRunKey) ?? '') ?? [];
  return listCachedSince(index, onlyNew && lastMount === mountPoint ? Number(last) : 0);
}
