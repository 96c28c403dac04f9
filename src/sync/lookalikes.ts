/**
 * Is an item of an API the one that Takeout has, too? Only where title, time to the second and pixels agree and nothing else
 * could be meant: one item with that title and second on either side, with one original. Takeout tells no pixels, so the
 * first bytes of its photo are read, or its video's directory, for such candidates only. What can't be compared (a RAW, an
 * archive that is gone) stays apart: in doubt both are kept.
 *
 * Length and hash say nothing, for an API's videos are encoded anew and its photos stripped. Of videos pixels say little
 * (most are 1920 × 1080), so their duration has to agree, too: the API doesn't tell it, but its video's directory does.
 */
import { closeSync, readSync } from 'node:fs';
import pLimit from 'p-limit';
import type { Cache } from '../cache/cache.ts';
import { createCachedFiles } from '../cache/cached-file.ts';
import { filesOfItem } from '../index/items.ts';
import { type AlikeItem, hasLikeness, itemsAlike, type Sides } from '../index/likeness.ts';
import { fileAt, findArchive, locationsOf } from '../index/locations.ts';
import type { Index } from '../index/open.ts';
import type { Location } from '../model/words.ts';
import type { Page, ScannedArchive, ScannedFile, ScannedItem, Source } from '../sources/source.ts';
import { type PixelSize, pixelHead, pixelSizeOf } from './pixel-size.ts';
import { type ReadRange, type VideoLooks, videoLooksOf } from './video-size.ts';

export interface LookalikeRequest {
  readonly index: Index;
  readonly cache: Cache;
  /** Whose scan it is. */
  readonly source: Source;
  /** All that bytes can be had from. */
  readonly sources: readonly Source[];
  readonly signal: AbortSignal;
}

/** The items of the index that items of a page are, by their looks. */
export type Lookalikes = ReadonlyMap<ScannedItem, number>;

/** Photos looked at side by side, where they lie in Drive. */
const sideBySide = 8;
/** Between a video and itself encoded anew, seconds: whole frames are dropped or added at its ends. */
const sameSeconds = 1;
const none: Lookalikes = new Map();

/** A page with the lookalikes among its items. */
export interface LookedAt {
  readonly page: Page;
  readonly lookalikes: Lookalikes;
}

/** Gives what finds the lookalikes of each page before it is applied: apply the page that it gives back. */
export function createLookalikes(request: LookalikeRequest): (page: Page) => Promise<LookedAt> {
  const { index, source } = request;
  const isApi = !source.features.exactSizes;
  const isNeeded = isApi || hasLikeness(index);
  const archives = new Map<string, ScannedArchive>();
  const limit = pLimit(sideBySide);

  return async (listed) => {
    if (!isNeeded) return { page: listed, lookalikes: none };
    for (const archive of listed.archives) archives.set(archive.name, archive);
    // Items may be made while they are gone through, and are told by which object they are.
    const page = { ...listed, items: [...listed.items] };
    const isAlone = onlyOnes(page.items);
    const found = new Map<ScannedItem, number>();
    const look = async (item: ScannedItem) => {
      const candidate = candidateFor(request, item);
      if (candidate === undefined || !isAlone(item)) return;
      if (await isSame(request, candidate, archives)) found.set(item, candidate.id);
    };
    await Promise.all(page.items.map((item) => (mayJoin(item) ? limit(() => look(item)) : undefined)));
    return { page, lookalikes: found };
  };
}

export function sidesOf([width, height]: PixelSize): Sides {
  return [Math.max(width, height), Math.min(width, height)];
}

const agree = (a: Sides, b: Sides): boolean => a[0] === b[0] && a[1] === b[1];

/** What is read of a photo, or of a video, which has a duration. */
type Looks = VideoLooks | { readonly size: PixelSize; readonly seconds?: undefined };

async function isSame(
  request: LookalikeRequest,
  candidate: Candidate,
  archives: ReadonlyMap<string, ScannedArchive>,
): Promise<boolean> {
  const isApi = !request.source.features.exactSizes;
  // Of two APIs all that can be compared was.
  if (isApi && candidate.isApis) return true;
  const known = () => knownLooks(request, candidate);
  const scanned = () => scannedLooks(request, candidate.original, archives);
  const takeouts = await (isApi ? known() : scanned());
  if (takeouts === undefined || !agree(sidesOf(takeouts.size), candidate.sides)) return false;
  if (takeouts.seconds === undefined) return true;
  const apis = await (isApi ? scanned() : known());
  return apis?.seconds !== undefined && Math.abs(apis.seconds - takeouts.seconds) <= sameSeconds;
}

const mayJoin = ({ takenAt, provisional, trashed }: ScannedItem): boolean =>
  takenAt !== undefined && !provisional && !trashed;

/** Which items of a page have no other with their title and second in it. */
function onlyOnes(items: readonly ScannedItem[]): (item: ScannedItem) => boolean {
  const keyOf = ({ takenAt, title }: ScannedItem) => `${takenAt} ${title}`;
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return (item) => counts.get(keyOf(item)) === 1;
}

interface Candidate {
  readonly id: number;
  readonly isApis: boolean;
  /** Inode and size of its one original. */
  readonly ino: number;
  readonly size: number;
  /** The scanned item's one original. */
  readonly original: ScannedFile;
  /** What the API says, of whichever side is an API's. */
  readonly sides: Sides;
}

/** The one item that a scanned one could be, if it is new. */
function candidateFor({ index, source }: LookalikeRequest, scanned: ScannedItem): Candidate | undefined {
  const isApi = !source.features.exactSizes;
  const { title, takenAt, dimensions } = scanned;
  const [original, ...others] = scanned.files.filter(({ role }) => role === 'original');
  if (takenAt === undefined || original === undefined || others.length > 0) return undefined;
  const alike = itemsAlike(index, source.account, title, takenAt);
  const [item] = alike;
  if (item === undefined || alike.length > 1 || isKnown(index, source.id, scanned)) return undefined;
  const isApis = isApiOnly(item);
  // Two Takeouts have better signs.
  if (!isApi && !isApis) return undefined;
  const sides = isApi ? dimensions && sidesOf(dimensions) : item.sides;
  const [file, ...more] = filesOfItem(index, item.id).filter(({ role }) => role === 'original');
  if (sides === undefined || file === undefined || more.length > 0) return undefined;
  // What two APIs give of one photo are the same bytes.
  const isOther =
    isApi && isApis && !(item.sides && agree(item.sides, sides) && file.size === original.content.size);
  return isOther ? undefined : { id: item.id, isApis, ino: file.ino, size: file.size, original, sides };
}

/** Whether no Takeout has it. */
const isApiOnly = ({ sides, factsTime }: AlikeItem): boolean => sides !== undefined && factsTime === 0;

function isKnown(index: Index, source: string, { files }: ScannedItem): boolean {
  return files.some(({ locations }) =>
    locations.some(({ archive, offset }) => {
      const known = findArchive(index, source, archive);
      return known !== undefined && fileAt(index, known.id, offset) !== undefined;
    }),
  );
}

/** Of a candidate in the index: from the cache, or from where it lies. */
async function knownLooks(
  { index, cache, sources, signal }: LookalikeRequest,
  { ino, size }: Candidate,
): Promise<Looks | undefined> {
  const cached = await inCached(index, cache, ino, size);
  if (cached !== undefined) return cached;
  const location = locationsOf(index, ino).find((one) => one.seekable && one.size === size);
  const source = sources.find(({ id }) => id === location?.source);
  if (location === undefined || source === undefined) return undefined;
  return looksAt(source, location, signal);
}

async function inCached(index: Index, cache: Cache, ino: number, size: number): Promise<Looks | undefined> {
  const files = createCachedFiles(index, cache.root);
  const fd = files.open(ino);
  try {
    if (fd === undefined) return undefined;
    return await looksIn(async (start, end) => {
      const bytes = Buffer.alloc(end - start);
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, start));
    }, size);
  } finally {
    if (fd !== undefined) closeSync(fd);
    files.close();
  }
}

/** Of a photo that a scan has just found. */
async function scannedLooks(
  { source, signal }: LookalikeRequest,
  { content, locations }: ScannedFile,
  archives: ReadonlyMap<string, ScannedArchive>,
): Promise<Looks | undefined> {
  const place = locations.find(({ seekable }) => seekable);
  const archive = archives.get(place?.archive ?? '');
  if (place === undefined || archive === undefined) return undefined;
  const location = { ...place, ...content, source: source.id, fingerprint: archive.fingerprint };
  return looksAt(source, location, signal);
}

async function looksAt(source: Source, location: Location, signal: AbortSignal): Promise<Looks | undefined> {
  try {
    return await looksIn(async (start, end) => {
      const chunks: Buffer[] = [];
      for await (const chunk of source.open(location, { start, end, signal })) chunks.push(chunk);
      return Buffer.concat(chunks);
    }, location.size);
  } catch (error) {
    if (signal.aborted) throw error;
    // It can't be read now: then it can't be compared.
    return undefined;
  }
}

/** By the head, of which a video's first boxes are read as well; its directory may lie anywhere. */
async function looksIn(read: ReadRange, size: number): Promise<Looks | undefined> {
  const head = await read(0, Math.min(size, pixelHead));
  const readOn: ReadRange = async (start, end) =>
    end <= head.length ? head.subarray(start, end) : read(start, end);
  const pixels = pixelSizeOf(head);
  return pixels === undefined ? videoLooksOf(readOn, size) : { size: pixels };
}
