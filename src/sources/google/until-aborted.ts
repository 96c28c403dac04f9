/** Waiting that can be given up: what is waited for goes on, for others may wait for it too. */
import { GphotosfsError } from '../../model/errors.ts';

/** The promise's outcome, unless the signal fires first. @throws `interrupted`, or what `reason` gives */
export function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  reason: () => GphotosfsError = () => new GphotosfsError('interrupted', 'the wait was stopped'),
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(reason());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
