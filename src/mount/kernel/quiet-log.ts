/** A log that does not repeat itself: one broken archive or index can fail thousands of requests in a second. */
import type { MountRequest } from '../driver.ts';

const quietMs = 10_000;
/** Different messages that are remembered; beyond, the oldest may come again early. */
const mostRemembered = 100;

/** Passes a message on, and the same again only after ten seconds. */
export function createQuietLog(log: MountRequest['log']): MountRequest['log'] {
  const said = new Map<string, number>();
  return (level, message) => {
    const now = Date.now();
    if (now - (said.get(message) ?? 0) < quietMs) return;
    said.delete(message);
    said.set(message, now);
    const [oldest] = said.keys();
    if (said.size > mostRemembered && oldest !== undefined) said.delete(oldest);
    log(level, message);
  };
}
