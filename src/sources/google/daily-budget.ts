/**
 * The day's quota of a project: how much of it is used is counted over restarts and processes, so that the program stops by
 * itself, and says when to go on, before Google has to.
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
  /** Adds 1 to a count unless it is at its limit; whether it did. */
  take(project: string, day: string, quota: DailyQuota, limit: number): boolean;
  used(project: string, day: string, quota: DailyQuota): number;
}

export interface DailyBudget {
  /** To be called before each request. @throws `quota` with the time when to go on */
  take(quota: DailyQuota): void;
  /** How many are left today, to plan with. */
  left(quota: DailyQuota): number;
}

export function createDailyBudget(counts: DailyCounts, projectNow: () => string): DailyBudget {
  let known: string | undefined;
  // Asked for at every request, and read from a file.
  const project = () => {
    known ??= projectNow();
    return known;
  };
  return {
    take(quota) {
      const now = Date.now();
      if (counts.take(project(), pacificDay(now), quota, limits[quota])) return;
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
    left: (quota) => Math.max(0, limits[quota] - counts.used(project(), pacificDay(Date.now()), quota)),
  };
}
