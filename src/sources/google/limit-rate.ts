/** Streams held to a rate, all of them together: whoever has taken bytes waits until these were due. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GphotosfsError } from '../../model/errors.ts';

/** Slows a stream down, so that all of them together come as fast as the owner allows. */
export type Limit = (chunks: AsyncIterable<Buffer>, signal?: AbortSignal) => AsyncIterable<Buffer>;

/** How far the streams may be ahead of the rate, ms: a server sends in bursts. */
const aheadMs = 100;

/** One for all that shares the line. */
export function limitRate(bytesPerSecond: number): Limit {
  /** When all that was taken so far is due (performance.now()). */
  let due = Number.NEGATIVE_INFINITY;
  return async function* limited(chunks, signal) {
    for await (const chunk of chunks) {
      yield chunk;
      const now = performance.now();
      due = Math.max(due, now - aheadMs) + (1000 * chunk.length) / bytesPerSecond;
      if (due <= now) continue;
      await sleep(due - now, undefined, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
        throw new GphotosfsError('interrupted', 'reading was stopped', { cause });
      });
    }
  };
}
