/**
 * One fetch from its start to the cache: recheck what lies there already, copy a twin, or fill from the best place;
 * then publish. Its readers are served while it fills.
 */
import { getFile } from '../index/items.ts';
import { isWanted } from '../index/revisions.ts';
import { toGphotosfsError } from '../model/errors.ts';
import { abortable } from './abortable.ts';
import type { Fetch, FetchParts, FetchTask, Outcome } from './fetch.ts';
import type { Fill, Filled } from './fill.ts';
import { createHeldBlock, heldBack } from './held-block.ts';
import { type Filling, findOrigin, type Origin } from './origin.ts';
import { createVessel } from './vessel.ts';

/** A jump so far ahead of the fill is served by ranges: the fill needs longer for it than a request takes. */
const farSeek = 8 << 20;
/** How often other processes are told how far a fetch is, ms: small files are done before the first time. */
const tellEveryMs = 200;

/** Starts a fetch. Failures are in its promises, which need not be looked at. */
export function startFetch(parts: FetchParts, task: FetchTask): Fetch {
  const { index, cache, log } = parts;
  const { ino, content } = task;
  const label = getFile(index, ino)?.name ?? String(ino);
  /** Someone reads along, or may: then the bytes are wanted also where the cache can't take them. */
  let isRead = task.mayBeLoose;
  const vessel = createVessel({
    cache,
    name: task.name,
    label,
    size: content.size,
    noLease: task.noLease,
    mayBeLoose: () => isRead,
    log,
  });
  let seen = false;
  let retry = false;
  let isVerified = false;
  let isLoose = false;
  let isOver = false;

  const held = createHeldBlock(content.size);
  const origin = findOrigin({
    parts,
    task,
    vessel,
    label,
    held,
    isRead: () => isRead,
    progress: tellOthers(),
  });
  const verified = origin.then(verify);
  const published = verified.then(publish);
  for (const promise of [origin, verified, published]) promise.catch(() => {});
  void verified
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });

  async function verify(from: Origin): Promise<{ outcome: Outcome; filled: Filled | undefined }> {
    if (from.outcome === 'cached') return { outcome: 'cached', filled: undefined };
    const filled = 'filled' in from ? from.filled : await finish(from);
    isVerified = true;
    vessel.wrote(content.size);
    return { outcome: from.outcome, filled };
  }

  /** A sync has changed what is wanted: who has seen bytes must not go on with others, and nobody is to blame. */
  function startAgain(): void {
    if (seen) parts.onDoubt(ino);
    retry = true;
  }

  async function finish({ fill, place, continued }: Filling): Promise<Filled> {
    try {
      return await fill.done;
    } catch (error) {
      if (!isWanted(index, ino, content)) {
        startAgain();
        throw error;
      }
      if (seen) parts.onDoubt(ino);
      const isSources = vessel.refusal() === undefined && !parts.signal.aborted;
      const location = place?.location ?? task.given?.location;
      // What was continued may be wrong where the dead process wrote it: the place gets another chance, from its start.
      if (isSources && location !== undefined && !continued) {
        if (parts.correctSize(ino, location, error)) {
          log('info', `the size of "${label}" was listed wrong and is put right`);
          // Also for those who have read nothing yet: they were told the wrong size.
          if (!seen) parts.onDoubt(ino);
          retry = true;
          throw error;
        }
        parts.failed.note(location, error);
      }
      retry = isSources && !seen;
      throw error;
    }
  }

  async function publish(from: { outcome: Outcome; filled: Filled | undefined }): Promise<Outcome> {
    if (from.filled === undefined) return 'cached';
    try {
      await parts.publisher.publish({ ino, partial: vessel.toPublish(), ...from.filled });
      vessel.wasPublished();
      return from.outcome;
    } catch (error) {
      vessel.unname();
      const known = toGphotosfsError(error, `"${label}" cannot be cached`);
      if (known.kind === 'source-changed') {
        startAgain();
        throw known;
      }
      isLoose = isRead;
      if (known !== vessel.refusal()) log('warn', known.message);
      throw known;
    }
  }

  /** Tells other processes how far the fill is: now and then, and soon after the last step too, for it may stall. */
  function tellOthers(): (written: number) => void {
    let told = Date.now();
    let latest = 0;
    let timer: NodeJS.Timeout | undefined;
    const tell = () => {
      timer = undefined;
      told = Date.now();
      if (isOver || vessel.refusal() !== undefined) return;
      parts.leases.beat(task.key, Math.min(latest, Math.max(0, content.size - heldBack)));
    };
    return (written) => {
      vessel.wrote(written);
      latest = written;
      const due = told + tellEveryMs - Date.now();
      if (due > 0) timer ??= setTimeout(tell, due).unref();
      else if (timer === undefined) tell();
    };
  }

  async function read(offset: number, length: number, signal: AbortSignal): Promise<Buffer | undefined> {
    isRead = true;
    vessel.hold();
    try {
      const from = await abortable(origin, signal);
      if (from.outcome === 'cached') return undefined;
      if ('filled' in from) return await vessel.read(offset, length);
      return (
        (await readFar(from, offset, length, signal)) ?? (await readFilled(from.fill, offset, length, signal))
      );
    } finally {
      vessel.release();
    }
  }

  async function readFilled(
    fill: Fill,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Buffer> {
    await fill.until(offset + length, signal);
    seen = true;
    return await vessel.read(offset, length);
  }

  /** A range of its own, for a jump far ahead of the fill; undefined where that doesn't go, or failed. */
  async function readFar(
    { fill, place }: Filling,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<Buffer | undefined> {
    const end = offset + length;
    const filled = fill.readable();
    const isFar = offset > filled + farSeek;
    if (!isFar || place === undefined || !place.location.seekable) return undefined;
    if (!held.allows(offset, end, filled)) return undefined;
    try {
      const bytes = await parts.blocks.read(place, offset, end, signal);
      seen = true;
      return bytes;
    } catch (error) {
      if (signal.aborted) throw error;
      // The fill comes by, too, or says what is wrong.
      log('debug', `cannot read ahead in "${label}": ${toGphotosfsError(error).message}`);
      return undefined;
    }
  }

  return {
    content,
    read,
    verified,
    published,
    mayRetry: () => retry,
    gaveUp: vessel.gaveUp,
    isVerified: () => isVerified,
    isLoose: () => isLoose,
    release: vessel.release,
  };
}
