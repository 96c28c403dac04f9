/**
 * The day's quota of a project: how much of it is used is counted over restarts and processes, so that the program stops by
 * itself, and says when to go on, before Google has to. A process takes some at a time, for a write to the counts costs as much
 * as the rest of a request; what it has left it gives back when it ends.
 */
import { GphotosfsError } from '../../model/errors.ts';
import { goOnHint } from './google-error.ts';
import { pacificDay, pacificMidnightAfter } from './pacific-day.ts';

/** What Google counts by day: calls of the Library API, and requests for the bytes of its media. */
export type DailyQuota = 'requests' | 'bytes';

/** The Library API's, per project and day (photos/library api-limits-quotas). */
const limits: Readonly<Record<DailyQuota, number>> = { requests: 10_000, bytes: 75_000 };

/** Where the counts are kept. */
export interface DailyCounts {
  /** Adds up to `many` to a count, as far as its limit allows; how many it added. */
  take(project: string, day: string, quota: DailyQuota, limit: number, many: number): number;
  /** Takes some off again. */
  giveBack(project: string, day: string, quota: DailyQuota, many: number): void;
  used(project: string, day: string, quota: DailyQuota): number;
}

export interface DailyBudget {
  /** To be called before each request. @throws `quota` with the time when to go on */
  take(quota: DailyQuota): void;
  /** How many are left today, to plan with. */
  left(quota: DailyQuota): number;
  /** Gives back what was taken ahead. */
  close(): void;
}

/** Taken ahead: a process that is killed wastes as many of the day's thousands at most. */
const ahead = 20;

export function createDailyBudget(counts: DailyCounts, projectNow: () => string): DailyBudget {
  let known: string | undefined;
  const held = new Map<DailyQuota, { readonly day: string; readonly count: number }>();
  const heldOn = (quota: DailyQuota, day: string): number => {
    const own = held.get(quota);
    return own?.day === day ? own.count : 0;
  };
  // Asked for at every request, and read from a file.
  const project = () => {
    known ??= projectNow();
    return known;
  };
  return {
    take(quota) {
      const now = Date.now();
      const day = pacificDay(now);
      const count = heldOn(quota, day) || counts.take(project(), day, quota, limits[quota], ahead);
      held.set(quota, { day, count: Math.max(0, count - 1) });
      if (count > 0) return;
      const retryAfterMs = pacificMidnightAfter(now) - now;
      const of = quota === 'bytes' ? 'downloads' : 'requests';
      throw new GphotosfsError(
        'quota',
        `the day's ${limits[quota]} ${of} of the Photos Library API are used up`,
        {
          hint: goOnHint(now, retryAfterMs),
          retryAfterMs,
        },
      );
    },
    left(quota) {
      const day = pacificDay(Date.now());
      return Math.max(0, limits[quota] - counts.used(project(), day, quota) + heldOn(quota, day));
    },
    close() {
      for (const [quota, { day, count }] of held)
        if (count > 0) counts.giveBack(project(), day, quota, count);
      held.clear();
    },
  };
}
