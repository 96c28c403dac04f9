/** Waiting that can be given up. */
import { GphotosfsError } from '../model/errors.ts';

/** The promise's outcome, or `interrupted` as soon as the signal fires. What the promise does goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(gaveUp());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

const gaveUp = () => new GphotosfsError('interrupted', 'the reader gave up');

/** The stream's items until the signal fires; then `interrupted`, also from a stream that hangs. */
export async function* abortableStream<T>(
  stream: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void> {
  const iterator = stream[Symbol.asyncIterator]();
  let atRest = true;
  // One listener for the whole stream: all streams of a process hear the same signal, and each that is added looks at the others.
  let refuse: (error: unknown) => void = () => {};
  const onAbort = () => refuse(gaveUp());
  signal.addEventListener('abort', onAbort, { once: true });
  const step = () =>
    new Promise<IteratorResult<T>>((resolve, reject) => {
      refuse = reject;
      iterator.next().then(resolve, reject);
    });
  try {
    for (;;) {
      if (signal.aborted) throw gaveUp();
      atRest = false;
      const { done, value } = await step();
      atRest = true;
      if (done === true) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // A stream that is in the middle of a step ends behind it, whenever that is.
    const ended = Promise.resolve(iterator.return?.()).catch(() => {});
    if (atRest) await ended;
  }
}

/** Waits until the promise has settled, either way. */
export async function settled(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  await abortable(
    promise.then(
      () => {},
      () => {},
    ),
    signal,
  );
}
