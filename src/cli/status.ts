/** `status`: how things stand. */
import type { SourceStatus } from '../index/status.ts';
import type { Config } from './config.ts';
import { exitCodes } from './exit-codes.ts';
import {
  formatBytes,
  formatColumns,
  formatCount,
  formatCounted,
  formatPercent,
  formatTime,
} from './format.ts';
import type { Run } from './run.ts';

export const run: Run = async (context) => {
  const [index, { readStatus }] = await Promise.all([context.index(), import('../index/status.ts')]);
  const status = readStatus(index);
  const { items, files, bytes, cachedFiles, cachedBytes, albums, complete, unavailable, lastSync } = status;
  const sources = joinSources(context.config, status.sources);
  const record = {
    items,
    files,
    bytes,
    cachedFiles,
    cachedBytes,
    albums,
    complete,
    lastSync: isoTime(lastSync),
    unavailable,
    provisional: status.provisional,
    revisions: status.revisions,
    cache: context.cachePath,
    sources: sources.map((source) => ({ ...source, lastScan: isoTime(source.lastScan) })),
  };
  const lines = [
    `photos     ${formatCounted(items, 'item')} in ${formatCounted(files, 'file')}, ${formatBytes(bytes)}, ${formatCounted(albums, 'album')}`,
    `cached     ${formatCounted(cachedFiles, 'file')}, ${formatBytes(cachedBytes)} (${formatPercent(cachedBytes, bytes)}) in ${context.cachePath}`,
    `last sync  ${lastSync === undefined ? 'never' : formatTime(lastSync)}`,
  ];
  if (unavailable > 0)
    lines.push(`missing    ${formatCounted(unavailable, 'file')} neither cached nor in any source`);
  const waiting = sources.reduce((sum, source) => sum + source.waiting, 0);
  if (waiting > 0)
    lines.push(
      `waiting    ${formatCounted(waiting, 'item')} that will be listed when a sync has learnt the size`,
    );
  if (status.revisions > 0)
    lines.push(`newer      ${formatCounted(status.revisions, 'file')} with newer bytes to fetch`);
  if (sources.length > 0) lines.push('', ...describeSources(sources));
  const next = nextStep(sources, lastSync, complete);
  if (next !== undefined) lines.push('', next);
  context.output.result(record, lines);
  return exitCodes.done;
};

/** Sources of the configuration, with what the index knows of them, and those that only the index has left. */
function joinSources(config: Config, known: readonly SourceStatus[]): readonly SourceStatus[] {
  const unscanned = config.sources.flatMap(({ id, account }): SourceStatus[] => {
    if (known.some((source) => source.id === id)) return [];
    return [
      { id, account, archives: 0, files: 0, bytes: 0, cachedFiles: 0, waiting: 0, lastScan: undefined },
    ];
  });
  return [...known, ...unscanned];
}

function describeSources(sources: readonly SourceStatus[]): string[] {
  const rows = sources.map(({ id, account, archives, files, bytes, lastScan }) => [
    id,
    account,
    formatCount(archives),
    formatCount(files),
    formatBytes(bytes),
    lastScan === undefined ? 'never' : formatTime(lastScan),
  ]);
  return formatColumns([['source', 'account', 'archives', 'files', 'size', 'last read'], ...rows], [2, 3, 4]);
}

function nextStep(
  sources: readonly SourceStatus[],
  lastSync: number | undefined,
  complete: boolean,
): string | undefined {
  if (sources.length === 0) return 'Next: gphotosfs add takeout ~/Downloads/takeout-*.zip';
  if (lastSync === undefined) return 'Next: gphotosfs sync';
  return complete ? undefined : 'Next: gphotosfs prefetch, or gphotosfs mount DIR and look around';
}

function isoTime(seconds: number | undefined): string | null {
  return seconds === undefined ? null : new Date(seconds * 1000).toISOString();
}
