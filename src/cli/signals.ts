/** Being told to stop: the first signal asks, the second one doesn't wait. */
import { setMaxListeners } from 'node:events';
import { exitCodes } from './exit-codes.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal that fires at the first SIGINT, SIGTERM or SIGHUP (a closed terminal); `close` ends the watch. */
export function watchSignals(): { readonly signal: AbortSignal; close(): void } {
  const controller = new AbortController();
  // One listener for each thing that is under way, which may be many at once; none of them leaks.
  setMaxListeners(0, controller.signal);
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  };
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    close() {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
