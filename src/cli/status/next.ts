/** What to do next: one line, the most urgent. */
import { lastPrefetch } from '../../index/reports.ts';
import { formatDay } from '../format.ts';
import type { Section, Subject } from './section.ts';
import { joinSources } from './sources.ts';

/** Google's own schedule exports every two months; after three something has been forgotten. Seconds. */
const oldExport = 92 * 86_400;

export function next(subject: Subject): Section {
  const text = nextStep(subject);
  return { record: { next: text ?? null }, lines: text === undefined ? [] : ['', `Next: ${text}`] };
}

function nextStep({ context, index, status }: Subject): string | undefined {
  const sources = joinSources(context.config, status.sources);
  if (sources.length === 0) return 'gphotosfs add takeout ~/Downloads/takeout-*.zip';
  if (status.lastSync === undefined || sources.some(({ lastScan }) => lastScan === undefined))
    return 'gphotosfs sync';
  if (status.unavailable > 0) {
    return 'add the archives again that the missing photos came from, then gphotosfs sync';
  }
  if (!status.complete) {
    return lastPrefetch(index) === undefined
      ? 'gphotosfs prefetch, or gphotosfs mount DIR and look around'
      : 'gphotosfs prefetch';
  }
  const exports = sources.flatMap(({ newestExport }) => newestExport ?? []);
  const newest = Math.max(...exports);
  if (exports.length > 0 && Date.now() / 1000 - newest > oldExport) {
    return `a new export from takeout.google.com; the newest one is of ${formatDay(newest)}`;
  }
  return undefined;
}
