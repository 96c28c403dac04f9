/** Google's quota days: they begin at midnight in California, with its daylight saving. */

const californian = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

const hourMs = 3_600_000;
/** Asked for at every request, and the calendar takes its time: the hour that was asked for last, and its day. */
let last = { hour: Number.NaN, day: '' };

/** The Pacific day of a time (ms since 1970), such as `2026-11-25`. */
export function pacificDay(ms: number): string {
  // Offsets are whole hours, so days begin at whole hours.
  const hour = Math.floor(ms / hourMs);
  if (hour !== last.hour) last = { hour, day: californian.format(ms) };
  return last.day;
}

/** The first moment (ms since 1970) of the next Pacific day. Days have 23 to 25 hours. */
export function pacificMidnightAfter(ms: number): number {
  const today = pacificDay(ms);
  let at = Math.floor(ms / hourMs) * hourMs + hourMs;
  while (pacificDay(at) === today) at += hourMs;
  return at;
}
