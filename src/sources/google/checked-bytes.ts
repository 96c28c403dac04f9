/** A body as bytes that are as many as announced; a stream that breaks, stalls or has another length throws. */
import { GphotosfsError } from '../../model/errors.ts';
import type { HttpAnswer } from './http.ts';
import { networkError } from './network-error.ts';

export interface Announced {
  /** Bytes that the body should have; undefined where nothing tells. */
  readonly length: number | undefined;
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** Give pieces as the connection does: for who takes them at once, a joined one is a copy. */
  readonly asTheyCome?: boolean | undefined;
}

/**
 * A connection gives small pieces, and each costs all who hand it on: a photo of 300 kB goes through seven of them. So pieces
 * are joined, but a reader of a slow connection doesn't wait for that.
 */
const pieceBytes = 128 << 10;
const pieceMs = 100;

function gather() {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let since = 0;
  return {
    length: () => bytes,
    add(chunk: Buffer) {
      if (bytes === 0) since = performance.now();
      chunks.push(chunk);
      bytes += chunk.length;
    },
    isDue: () => bytes >= pieceBytes || performance.now() - since >= pieceMs,
    take(): Buffer {
      const [first = Buffer.alloc(0)] = chunks;
      const all = chunks.length === 1 ? first : Buffer.concat(chunks, bytes);
      chunks = [];
      bytes = 0;
      return all;
    },
  };
}

/**
 * The body of an answer. Its connection is given back when it is read to its end, and closed when the reader returns
 * earlier, also one that has not begun.
 */
export function checkedBytes({ body, host }: HttpAnswer, announced: Announced): AsyncIterable<Buffer> {
  const { length, what, signal, asTheyCome = false } = announced;
  const wrong = (how: string) =>
    new GphotosfsError('source-unreachable', `${what}: ${host} sent ${how} bytes than it had announced`);

  async function* read(): AsyncGenerator<Buffer, void> {
    let received = 0;
    const gathered = gather();
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        received += chunk.length;
        if (length !== undefined && received > length) throw wrong('more');
        if (asTheyCome) {
          yield chunk;
          continue;
        }
        gathered.add(chunk);
        if (received === length || gathered.isDue()) yield gathered.take();
      }
    } catch (error) {
      // What came until then is right, and need not come again.
      if (gathered.length() > 0) yield gathered.take();
      throw networkError(error, what, host, signal);
    }
    if (gathered.length() > 0) yield gathered.take();
    if (length !== undefined && received < length) throw wrong('fewer');
  }

  return {
    [Symbol.asyncIterator]() {
      const reading = read();
      return {
        next: () => reading.next(),
        async return() {
          // A generator that has not begun would leave the body, and so its connection, as they are.
          body.destroy();
          return reading.return();
        },
      };
    },
  };
}
