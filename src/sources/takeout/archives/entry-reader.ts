/**
 * Reads a file from front to back through a few long ranges, so many bytes at a time: what a range was opened for is split
 * into entries as it arrives.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { RandomAccess } from './archive-file.ts';

export interface EntryReader {
  /** Where the next byte comes from. */
  position(): number;
  /** The next bytes; fewer only at the end of the file. */
  read(length: number): Promise<Buffer>;
  /** The next bytes as a stream. What isn't taken of it is skipped by `skipTo`. */
  take(length: number): AsyncIterable<Buffer>;
  /** Goes on at a later place: reads on to there within a range, leaves the range otherwise. */
  skipTo(position: number): Promise<void>;
  close(): Promise<void>;
}

/** Beginning and end (exclusive) of a range. */
export type Range = readonly [start: number, end: number];

/**
 * @param ranges ascending. Bytes in none of them can be read too, in a range of their own.
 */
export function entryReader(
  file: RandomAccess,
  ranges: readonly Range[],
  signal: AbortSignal | undefined,
): EntryReader {
  let position = ranges[0]?.[0] ?? 0;
  let stream: AsyncIterator<Buffer> | undefined;
  let streamEnd = position;
  /** Arrived and not taken yet. */
  let rest: Buffer = Buffer.alloc(0);

  async function leave(): Promise<void> {
    rest = Buffer.alloc(0);
    streamEnd = position;
    const former = stream;
    stream = undefined;
    await former?.return?.();
  }

  /** The next chunk, of at most `most` bytes; undefined at the end of a range. */
  async function chunk(most: number): Promise<Buffer | undefined> {
    while (rest.length === 0) {
      if (stream === undefined) {
        const planned = ranges.find(([start, end]) => start <= position && position < end)?.[1];
        streamEnd = planned ?? position + most;
        stream = file.stream(position, streamEnd, signal)[Symbol.asyncIterator]();
      }
      const next = await stream.next().catch(async (error: unknown) => {
        await leave();
        throw error;
      });
      if (next.done === true) {
        stream = undefined;
        if (position < streamEnd) return undefined;
        continue;
      }
      rest = next.value;
    }
    const piece = rest.length > most ? rest.subarray(0, most) : rest;
    rest = rest.subarray(piece.length);
    position += piece.length;
    return piece;
  }

  return {
    position: () => position,
    async read(length) {
      const pieces: Buffer[] = [];
      for (let left = length; left > 0; ) {
        const piece = await chunk(left);
        if (piece === undefined) break;
        pieces.push(piece);
        left -= piece.length;
      }
      return Buffer.concat(pieces);
    },
    async *take(length) {
      for (let left = length; left > 0; ) {
        const piece = await chunk(left);
        if (piece === undefined)
          throw new GphotosfsError('bad-source', `${file.path} ends at byte ${position}`);
        left -= piece.length;
        yield piece;
      }
    },
    async skipTo(target) {
      if (target < position) throw new GphotosfsError('internal', `${file.path}: can't go back to ${target}`);
      if (stream === undefined || target >= streamEnd) {
        await leave();
        position = target;
        streamEnd = target;
        return;
      }
      while (position < target)
        if ((await chunk(target - position)) === undefined)
          throw new GphotosfsError('bad-source', `${file.path} ends at byte ${position}`);
    },
    close: leave,
  };
}
