/** The last sync and the last prefetch: when, and what they could not do. */
import { lastPrefetch, lastSync } from '../../index/reports.ts';
import { formatBytes, formatCount, formatCounted, formatTime } from '../format.ts';
import { isoTime, labelled, type Section, type Subject } from './section.ts';

/** So many reasons are shown of each. */
const shown = 5;

export function runs({ index, status }: Subject): Section {
  const synced = lastSync(index);
  const fetched = lastPrefetch(index);
  const troubles = [
    ...(synced?.errors ?? []).map(({ source, message }) => `${source}: ${message}`),
    ...(synced?.problems ?? []).map(({ where, what }) => `${where}: ${what}`),
  ];
  const lines = [
    ...labelled(
      'last sync',
      status.lastSync === undefined ? 'never' : formatTime(status.lastSync),
      ...some(troubles, (synced?.problemCount ?? 0) + (synced?.errors.length ?? 0)),
    ),
  ];
  if (fetched === undefined) lines.push(...labelled('prefetch', 'never'));
  else {
    const { at, complete, isWhole, fetchedFiles, fetchedBytes, failedFiles, failures, stopped } = fetched;
    const all = isWhole ? 'complete' : 'all that was selected is cached';
    const outcome = complete ? all : (stopped ?? `${formatCounted(failedFiles, 'file')} failed`);
    lines.push(
      ...labelled(
        'prefetch',
        `${formatTime(at)}, ${outcome} (${formatCounted(fetchedFiles, 'file')} fetched, ${formatBytes(fetchedBytes)})`,
        ...some(
          failures.map(({ path, message }) => `${path}: ${message}`),
          failedFiles,
        ),
      ),
    );
  }
  return {
    record: {
      lastSync: isoTime(status.lastSync),
      lastSyncReport: synced === undefined ? null : { ...synced, at: isoTime(synced.at) },
      lastPrefetch: fetched === undefined ? null : { ...fetched, at: isoTime(fetched.at) },
    },
    lines,
  };
}

function some(texts: readonly string[], count: number): string[] {
  const first = texts.slice(0, shown);
  const rest = count - first.length;
  return rest > 0 && first.length > 0 ? [...first, `and ${formatCount(rest)} more`] : first;
}
