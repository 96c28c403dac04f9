/**
 * Far seeks: a reader that jumps to the middle of a long video gets the blocks it asks for by ranges of their own, while
 * the fill goes on from the start. The blocks last read are kept, for readers come back to them.
 */
import { LRUCache } from 'lru-cache';
import { GphotosfsError } from '../model/errors.ts';
import type { Location } from '../model/words.ts';
import { abortable, abortableStream } from './abortable.ts';
import { type Place, placeKey } from './locate.ts';

/** The kernel asks for at most 1 MiB at once. */
const blockSize = 1 << 20;
/** 64 MiB: enough for a player's index at the end and its place in the middle, for several players. */
const keptBlocks = 64;

export interface RangeBlocks {
  /** Bytes `offset` to `end` of a seekable location, not verified. */
  read(place: Place, offset: number, end: number, signal: AbortSignal): Promise<Buffer>;
}

interface Block {
  readonly place: Place;
  readonly start: number;
}

/** @param stopping fires when the process stops: what is under way ends then, and not when one of its readers does */
export function createRangeBlocks(stopping: AbortSignal): RangeBlocks {
  const blocks = new LRUCache<string, Buffer, Block>({
    max: keptBlocks,
    // One request a block, however many readers wait for it; also when others push it out before it is there.
    ignoreFetchAbort: true,
    fetchMethod: (_key, _stale, { context }) => fetchBlock(context, stopping),
  });
  return {
    async read(place, offset, end, signal) {
      const parts: Buffer[] = [];
      for (let start = offset - (offset % blockSize); start < end; start += blockSize) {
        const key = `${placeKey(place.location)}\n${start}`;
        const bytes = await abortable(blocks.forceFetch(key, { context: { place, start } }), signal);
        parts.push(bytes.subarray(Math.max(0, offset - start), end - start));
      }
      return Buffer.concat(parts);
    },
  };
}

async function fetchBlock({ place, start }: Block, signal: AbortSignal): Promise<Buffer> {
  const { source, location } = place;
  const end = Math.min(start + blockSize, location.size);
  const chunks: Buffer[] = [];
  const stream = source.open(location, { start, end, signal });
  for await (const chunk of abortableStream(stream, signal)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length === end - start) return bytes;
  throw wrongLength(location, bytes.length, end - start);
}

function wrongLength(location: Location, got: number, wanted: number): GphotosfsError {
  return new GphotosfsError(
    'bad-content',
    `${location.archive} gave ${got} bytes where ${wanted} were asked for`,
    { hint: 'Run "gphotosfs sync": it finds out whether the archive is whole.' },
  );
}
