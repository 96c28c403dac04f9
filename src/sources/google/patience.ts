/**
 * How long to go on asking: what passes by itself is tried again after the wait that Google advises, until patience runs
 * out. When one request is told to slow down, all to that host wait, or 20 at once would go on knocking.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { GphotosfsError } from '../../model/errors.ts';
import { isOffline } from './network-error.ts';

export interface Patience {
  /** For all tries and waits of one request, ms. */
  readonly totalMs: number;
  /** The same where there is no network at all, ms: who opens a photo without one should know soon. */
  readonly offlineMs: number;
  /** First wait after a server's error, ms; it doubles each time. */
  readonly firstWaitMs: number;
}

/** Google advises to begin with 1 s (best-practices guide); a 429 asks for 30 s, so three of them are waited for. */
export const standardPatience: Patience = { totalMs: 120_000, offlineMs: 3000, firstWaitMs: 1000 };

const longestWaitMs = 32_000;

/** Hosts that have asked for a rest, with when it ends (performance.now()). */
export type Rests = Map<string, number>;

export interface PatientRequest {
  readonly host: string;
  readonly rests: Rests;
  readonly patience: Patience;
  /** How long to go on trying after an error, ms, where that is less than patience. */
  readonly patienceFor?: ((error: unknown) => number | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told each time the host asks to slow down. */
  readonly slowed?: (() => void) | undefined;
  readonly log: (message: string) => void;
}

/** Does `once` until it succeeds, fails for good, or patience ends; then the last error is thrown. */
export async function withPatience<T>(request: PatientRequest, once: () => Promise<T>): Promise<T> {
  const { host, rests, patience, patienceFor, signal, slowed, log } = request;
  const began = performance.now();
  for (let wait = patience.firstWaitMs; ; wait = Math.min(2 * wait, longestWaitMs)) {
    await untilRested(request, began);
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof GphotosfsError) || !error.retryCanHelp) throw error;
      if (error.kind === 'quota' && !error.ofOneArchive) slowed?.();
      // Advice may be 0, and each try is one of the day's requests.
      const waitMs = Math.max(error.retryAfterMs ?? 0, wait * (1 + Math.random() / 4));
      const mostMs = isOffline(error) ? patience.offlineMs : patience.totalMs;
      const limit = Math.min(mostMs, patienceFor?.(error) ?? mostMs);
      if (performance.now() - began + waitMs > limit) throw error;
      if (error.retryAfterMs !== undefined) rests.set(host, performance.now() + waitMs);
      log(`${error.message}; trying again in ${Math.ceil(waitMs / 1000)} s`);
      await wakeable(waitMs, signal);
    }
  }
}

/**
 * Waits as long as the host wants to be left alone.
 * @param began when the request's patience began (performance.now())
 * @throws `quota` where that is longer than patience, `interrupted`
 */
export async function untilRested(
  { host, rests, patience, signal }: Pick<PatientRequest, 'host' | 'rests' | 'patience' | 'signal'>,
  began = performance.now(),
): Promise<void> {
  for (;;) {
    const left = (rests.get(host) ?? 0) - performance.now();
    if (left <= 0) return;
    if (performance.now() - began + left > patience.totalMs) {
      throw new GphotosfsError('quota', `${host} wants to be left alone for ${Math.ceil(left / 1000)} s`, {
        hint: 'Try again later.',
        retryAfterMs: left,
      });
    }
    await wakeable(left, signal);
  }
}

/** A wait that the owner's signal ends at once. @throws `interrupted` */
export async function wakeable(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw new GphotosfsError('interrupted', 'the wait was stopped', { cause: error });
  }
}
