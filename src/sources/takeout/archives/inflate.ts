/**
 * Inflates raw deflate data with a promised length: never more than promised is handed out or held, so a few bytes
 * that would inflate to terabytes cost one chunk.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, crc32, createInflateRaw, gunzipSync, inflateRawSync } from 'node:zlib';
import { errorCode, GphotosfsError } from '../../../model/errors.ts';
import { downloadAgain } from './problem-list.ts';

/** Bytes of output at a time: Node's own 16 KiB would cost eight times the calls. */
const chunkSize = 128 * 1024;

/** Compressed data that is damaged, too short or too long. `what` names entry and archive. */
export const badContent = (what: string, why: string, cause?: unknown) =>
  new GphotosfsError('bad-content', `${what}: ${why}`, {
    hint: downloadAgain,
    ...(cause === undefined ? {} : { cause }),
  });

/**
 * Streams the inflated bytes. When the receiver stops early, the compressed stream is closed before this returns.
 * @throws GphotosfsError `bad-content` when the data don't inflate, or not to exactly `size` bytes; and whatever
 * `compressed` throws.
 */
export async function* inflate(
  compressed: AsyncIterable<Buffer>,
  size: number,
  what: string,
): AsyncGenerator<Buffer, void, undefined> {
  const inflater = createInflateRaw({ chunkSize });
  const pumped = pipeline(Readable.from(compressed, { objectMode: true, highWaterMark: 1 }), inflater);
  // Its failure also reaches the loop below; here it is only kept from being an unhandled rejection.
  pumped.catch(() => undefined);
  let produced = 0;
  try {
    for await (const chunk of inflater as AsyncIterable<Buffer>) {
      produced += chunk.length;
      if (produced > size)
        throw badContent(what, `it inflates to more than the ${size} bytes it should have`);
      yield chunk;
    }
    if (produced < size) throw badContent(what, `it inflates to ${produced} bytes instead of ${size}`);
  } catch (error) {
    throw inflateFailure(error, what);
  } finally {
    inflater.destroy();
    await pumped.catch(() => undefined);
  }
}

/**
 * Inflates at once what is small enough to be held twice.
 * @throws GphotosfsError `bad-content` as `inflate`.
 */
export function inflateWhole(compressed: Buffer, size: number, what: string): Buffer {
  let bytes: Buffer;
  try {
    // One byte more than promised would be an error; zero is not allowed as a limit.
    // In one chunk, a little longer so that it need not be known whether more would come: half the time for 300 kB.
    const chunkSize = size + 64;
    bytes = inflateRawSync(compressed, { maxOutputLength: Math.max(1, size), chunkSize });
  } catch (error) {
    if (errorCode(error) === 'ERR_BUFFER_TOO_LARGE')
      throw badContent(what, `it inflates to more than the ${size} bytes it should have`, error);
    throw inflateFailure(error, what);
  }
  if (bytes.length !== size)
    throw badContent(what, `it inflates to ${bytes.length} bytes instead of ${size}`);
  return bytes;
}

/**
 * Inflates the beginning of deflated data, as far as it goes; undefined where that is far more than the `wanted` bytes, so
 * that it is better streamed.
 * @throws GphotosfsError `bad-content` when the data are damaged.
 */
export function inflateBeginning(compressed: Buffer, wanted: number, what: string): Buffer | undefined {
  try {
    const maxOutputLength = 2 * wanted + chunkSize;
    return inflateRawSync(compressed, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength });
  } catch (error) {
    if (errorCode(error) === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw inflateFailure(error, what);
  }
}

/** Deflated data with the length and the CRC-32 that the archive's directory promises. */
export interface Deflated {
  readonly data: Buffer;
  readonly size: number;
  readonly crc32: number;
}

/** A gzip member's header with nothing in it, and the length of what stands behind its data (RFC 1952 section 2.3). */
const memberHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const memberTrailerBytes = 8;

/**
 * Inflates many small ones in one call, each put between header and trailer of a gzip member, of which a gzip stream may
 * have many: a call for each of 100,000 sidecars takes 4.5 s more of the processor (measured). All are
 * whole and right by their CRC-32, or it gives undefined, and `inflateWhole` tells which of them is wrong. The
 * buffers are parts of one.
 */
export function inflateTogether(all: readonly Deflated[]): readonly Buffer[] | undefined {
  let total = 0;
  let length = 0;
  for (const { data, size } of all) {
    total += size;
    length += memberHeader.length + data.length + memberTrailerBytes;
  }
  const members = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { data, size, crc32: sum } of all) {
    // Not by `copy`, which looks at much before it does this.
    members.set(memberHeader, at);
    members.set(data, at + memberHeader.length);
    at += memberHeader.length + data.length;
    at = members.writeUInt32LE(sum, at);
    at = members.writeUInt32LE(size % 2 ** 32, at);
  }
  let bytes: Buffer;
  try {
    // A chunk a little longer than all of it, so that there is but one.
    bytes = gunzipSync(members, { chunkSize: total + 64, maxOutputLength: Math.max(1, total) });
  } catch {
    return undefined;
  }
  if (bytes.length !== total) return undefined;
  const inflated: Buffer[] = [];
  at = 0;
  for (const { size, crc32: sum } of all) {
    const one = bytes.subarray(at, at + size);
    // Asked again: data that hold gzip members of their own would shift what comes behind.
    if (crc32(one) !== sum) return undefined;
    inflated.push(one);
    at += size;
  }
  return inflated;
}

function inflateFailure(error: unknown, what: string): unknown {
  const fromZlib = errorCode(error)?.startsWith('Z_') ?? false;
  return fromZlib ? badContent(what, 'its compressed data are damaged', error) : error;
}
