/**
 * Inflates raw deflate data with a promised length: never more than promised is handed out or held, so a few bytes
 * that would inflate to terabytes cost one chunk.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw, inflateRawSync } from 'node:zlib';
import { errorCode, GphotosfsError } from '../../model/errors.ts';
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
    bytes = inflateRawSync(compressed, { maxOutputLength: Math.max(1, size) });
  } catch (error) {
    if (errorCode(error) === 'ERR_BUFFER_TOO_LARGE')
      throw badContent(what, `it inflates to more than the ${size} bytes it should have`, error);
    throw inflateFailure(error, what);
  }
  if (bytes.length !== size)
    throw badContent(what, `it inflates to ${bytes.length} bytes instead of ${size}`);
  return bytes;
}

function inflateFailure(error: unknown, what: string): unknown {
  const fromZlib = errorCode(error)?.startsWith('Z_') ?? false;
  return fromZlib ? badContent(what, 'its compressed data are damaged', error) : error;
}
