/**
 * How many small requests are on their way to Drive at a time. What the quota allows nobody tells beforehand (it is per
 * minute, and older projects have less): so, as in TCP, half as many when Drive says that it is too much, and one more
 * after each round that went well.
 */
import pLimit from 'p-limit';

/** At 50 ms a request 16 are some 300 a second: below what a newer project may (325,000 units a minute), above what an older may (12,000 a minute). */
const firstAtATime = 16;
/** Of the pool's 32 connections some are for who opens a photo meanwhile. */
const mostAtATime = 24;

export interface Pace {
  /** Does the task in its turn. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Drive asked to slow down; of no account while none of the tasks is on its way: then others were meant. */
  slowed(): void;
  atATime(): number;
}

export function createPace(): Pace {
  const limit = pLimit(firstAtATime);
  /** Counts decreases: a refusal of a request that was on its way before the last one is the same trouble. */
  let round = 0;
  let inFlight = 0;
  /** On their way since before the last decrease. */
  let earlier = 0;
  let wentWell = 0;
  return {
    run: (task) =>
      limit(async () => {
        const begunIn = round;
        inFlight++;
        try {
          const done = await task();
          if (begunIn === round && ++wentWell >= limit.concurrency && limit.concurrency < mostAtATime) {
            limit.concurrency++;
            wentWell = 0;
          }
          return done;
        } finally {
          inFlight--;
          if (begunIn !== round) earlier--;
        }
      }),
    slowed() {
      // Long streams are refused, too, and are none of these: each of their tries would halve again.
      if (earlier > 0 || inFlight === 0) return;
      limit.concurrency = Math.max(1, limit.concurrency >> 1);
      round++;
      earlier = inFlight;
      wentWell = 0;
    },
    atATime: () => limit.concurrency,
  };
}
