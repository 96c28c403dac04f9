/** Sources, with what came of each and how old it is. */
import type { SourceStatus } from '../../index/status.ts';
import type { Config } from '../config.ts';
import { formatBytes, formatColumns, formatCount, formatDay, formatTime } from '../format.ts';
import { isoTime, type Section, type Subject } from './section.ts';

export function sources({ context, status }: Subject): Section {
  const all = joinSources(context.config, status.sources);
  const record = all.map((source) => ({
    ...source,
    lastScan: isoTime(source.lastScan),
    newestExport: isoTime(source.newestExport),
  }));
  return { record: { sources: record }, lines: all.length === 0 ? [] : ['', ...describe(all)] };
}

/** Sources of the configuration, with what the index knows of them, and those that only the index has left. */
export function joinSources(config: Config, known: readonly SourceStatus[]): readonly SourceStatus[] {
  const unscanned = config.sources.flatMap(({ id, account }): SourceStatus[] => {
    if (known.some((source) => source.id === id)) return [];
    const nothing = { archives: 0, files: 0, bytes: 0, cachedFiles: 0, waiting: 0 };
    return [{ id, account, ...nothing, lastScan: undefined, newestExport: undefined }];
  });
  return [...known, ...unscanned];
}

function describe(all: readonly SourceStatus[]): string[] {
  const rows = all.map(({ id, account, archives, files, bytes, cachedFiles, newestExport, lastScan }) => [
    id,
    account,
    formatCount(archives),
    formatCount(files),
    formatBytes(bytes),
    formatCount(cachedFiles),
    newestExport === undefined ? '-' : formatDay(newestExport),
    lastScan === undefined ? 'never' : formatTime(lastScan),
  ]);
  const head = ['source', 'account', 'archives', 'files', 'size', 'cached', 'newest export', 'last read'];
  return formatColumns([head, ...rows], [2, 3, 4, 5]);
}
