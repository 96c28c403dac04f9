/**
 * Where a fetch gets its bytes from, in this order: what lies in the cache already, a cached twin with equal bytes, the
 * rest of what a dead process had begun, a thread that does all of it, a fill from the best place.
 */
import { copyTwin } from '../cache/copy-twin.ts';
import { removePartial, reopenPartial } from '../cache/partial.ts';
import { timeOf } from '../cache/publish-group.ts';
import { recheckFile } from '../cache/recheck.ts';
import { cachedTwins } from '../index/cached.ts';
import { getFile } from '../index/items.ts';
import { locationsOf } from '../index/locations.ts';
import { toGphotosfsError } from '../model/errors.ts';
import type { Location, UnixSeconds } from '../model/words.ts';
import type { FetchParts, FetchTask, Outcome } from './fetch.ts';
import { type Fill, type Filled, startFill } from './fill.ts';
import type { HeldBlock } from './held-block.ts';
import { hashLeft } from './left-behind.ts';
import { choosePlace, type Place } from './locate.ts';
import type { Vessel } from './vessel.ts';

export type Origin =
  | { readonly outcome: 'cached' }
  | { readonly outcome: 'copied' | 'fetched'; readonly filled: Filled }
  | Filling;

/** A fill that has begun. */
export interface Filling {
  readonly outcome: Extract<Outcome, 'fetched'>;
  readonly fill: Fill;
  readonly place: Place | undefined;
  /** It goes on from what a dead process had left, so wrong bytes may be that one's. */
  readonly continued: boolean;
}

export interface OriginRequest {
  readonly parts: FetchParts;
  readonly task: FetchTask;
  readonly vessel: Vessel;
  /** The photo, in messages. */
  readonly label: string;
  readonly held: HeldBlock;
  /** Whether someone reads along by now. */
  readonly isRead: () => boolean;
  /** Told how much is written. */
  readonly progress: (written: number) => void;
}

/** Finds the bytes, and starts to fill the vessel where they have to be fetched. */
export async function findOrigin(request: OriginRequest): Promise<Origin> {
  const { parts, task, vessel, label } = request;
  const { left, given, content } = task;
  const known = askIndex(request);
  if (left !== undefined) vessel.take({ fd: left.fd, name: task.name });
  if (await liesThere(request)) return { outcome: 'cached' };
  if (left === undefined) {
    const filled = await copy(request, known.twins);
    if (filled !== undefined) return { outcome: 'copied', filled };
  }
  const place = given === undefined ? await findPlace(request, known.locations) : undefined;
  const from = place === undefined ? '' : ` from ${place.location.archive}`;
  parts.log('debug', `"${label}" is fetched${from}`);
  const threaded = await fillInThread(request, place, known.mtime);
  if (threaded !== undefined) return { outcome: 'fetched', filled: threaded };
  const fd = left?.fd ?? vessel.create();
  const begun = left === undefined ? undefined : await hashLeft(left);
  const { signal } = parts;
  const bytes =
    place === undefined
      ? (given?.bytes ?? nothing())
      : place.source.open(place.location, begun === undefined ? { signal } : { signal, start: begun.size });
  const fill = startFill({
    name: label,
    fd,
    expected: content,
    held: request.held,
    begun,
    bytes,
    signal,
    progress: request.progress,
    replace: vessel.moveOut,
  });
  return { outcome: 'fetched', fill, place, continued: begun !== undefined };
}

/** What the index knows of the file's bytes, asked at once: whoever starts a fetch does so in one transaction. */
function askIndex({ parts: { index }, task: { ino, content } }: OriginRequest) {
  return {
    twins: cachedTwins(index, ino, content),
    locations: locationsOf(index, ino),
    mtime: timeOf(index, ino, content),
  };
}

async function findPlace(
  { parts, task, label }: OriginRequest,
  locations: readonly Location[],
): Promise<Place> {
  const { sources, failed } = parts;
  await sources.open(locations.map(({ source }) => source));
  return choosePlace(locations, sources, failed, label, task.content, task.since);
}

/** What has the file's name may be right, though the index has no record of it, or another. */
async function liesThere({ parts, task, label }: OriginRequest): Promise<boolean> {
  const { index, cache, log } = parts;
  const { ino, content } = task;
  try {
    if (!(await recheckFile(index, cache, ino))) return false;
  } catch (error) {
    log('debug', `cannot check what lies under "${label}": ${toGphotosfsError(error).message}`);
    return false;
  }
  // Not so while a revision is wanted that is still to be fetched.
  const shown = getFile(index, ino);
  return shown?.size === content.size && (content.crc32 === undefined || shown.crc32 === content.crc32);
}

async function copy(
  { parts, task, vessel, label }: OriginRequest,
  twins: readonly number[],
): Promise<Filled | undefined> {
  const { index, cache, cachedFiles, log } = parts;
  try {
    const copied = await copyTwin(index, cache, cachedFiles, twins, task.content, task.name);
    if (copied === undefined) return undefined;
    vessel.take(copied.partial);
    return { content: copied.content, sha256: copied.content.sha256 };
  } catch (error) {
    // A copy that fails (disk full) costs nothing: the bytes are fetched as if there were no twin.
    log('debug', `cannot copy the twin of "${label}": ${toGphotosfsError(error).message}`);
    removePartial(cache.partial, task.name);
    return undefined;
  }
}

/** Where nobody reads along, a thread may do all of it; what goes wrong there is done again here, and told. */
async function fillInThread(
  { parts, task, vessel, label, isRead }: OriginRequest,
  place: Place | undefined,
  mtime: UnixSeconds | undefined,
): Promise<Filled | undefined> {
  if (place === undefined || task.left !== undefined || isRead() || !vessel.hasRoom()) return undefined;
  const { cache, threads, log } = parts;
  const { content, name } = task;
  try {
    const filled = await threads.fill({ ...place, content, mtime, directory: cache.partial, name });
    if (filled !== undefined) vessel.take(reopenPartial(cache.partial, name, filled.file));
    return filled;
  } catch (error) {
    log('debug', `a thread could not fetch "${label}": ${toGphotosfsError(error).message}`);
    removePartial(cache.partial, name);
    return undefined;
  }
}

async function* nothing(): AsyncGenerator<Buffer, void> {}
