/** A body as bytes that are as many as announced; a stream that breaks, stalls or has another length throws. */
import { GphotosfsError } from '../../model/errors.ts';
import type { HttpAnswer } from './http.ts';
import { networkError } from './network-error.ts';

export interface Announced {
  /** Bytes that the body should have; undefined where nothing tells. */
  readonly length: number | undefined;
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The body of an answer. Its connection is given back when it is read to its end, and closed when the reader returns
 * earlier, also one that has not begun.
 */
export function checkedBytes({ body, host }: HttpAnswer, announced: Announced): AsyncIterable<Buffer> {
  const { length, what, signal } = announced;
  const wrong = (how: string) =>
    new GphotosfsError('source-unreachable', `${what}: ${host} sent ${how} bytes than it had announced`);

  async function* read(): AsyncGenerator<Buffer, void> {
    let received = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        received += chunk.length;
        if (length !== undefined && received > length) throw wrong('more');
        yield chunk;
      }
    } catch (error) {
      throw networkError(error, what, host, signal);
    }
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
