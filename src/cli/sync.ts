/** `sync`: brings the index up to date, and says what could not be read. */
import type { Index } from '../index/open.ts';
import { putRebuildStage } from '../index/replacement.ts';
import { putLastSync } from '../index/reports.ts';
import { filterOf, layoutOf } from '../index/settings.ts';
import { GphotosfsError, toGphotosfsError } from '../model/errors.ts';
import { type Choice, type Filter, parseTerms } from '../model/filter.ts';
import { flagOf } from '../model/options.ts';
import type { Problem } from '../model/words.ts';
import type { Source } from '../sources/source.ts';
import type { RebuildReport } from '../sync/rebuild.ts';
import { type SourceReport, type SyncReport, sync } from '../sync/sync.ts';
import type { Context } from './context.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts';
import { formatCounted } from './format.ts';
import { type ProgressState, startProgress } from './progress.ts';
import type { Run } from './run.ts';

export const run: Run = async (context) => {
  const { output } = context;
  const rebuilt = context.settings.rebuild ? await rebuildIndex(context) : undefined;
  const sources = await context.sources();
  if (sources.length === 0 && rebuilt !== undefined) {
    putRebuildStage(await context.index(), undefined);
    return exitCodes.done;
  }
  if (sources.length === 0) {
    throw new GphotosfsError('usage', 'there is no source yet', {
      hint: 'Add one first: gphotosfs add takeout ~/Downloads/takeout-*.zip',
    });
  }
  const progress = await startProgress(output);
  let report: SyncReport;
  try {
    report = await syncSources(context, sources, context.signal(), (state) => progress.update(state));
  } finally {
    progress.stop();
  }
  if (rebuilt !== undefined) await adoptRest(context);
  if (!output.json) for (const source of report.sources) tellProblems(context, source);
  output.result(recordOf(report), report.sources.flatMap(describeSource));
  const code = syncExitCode(report);
  if (code === exitCodeOf('interrupted')) return code;
  const after = await followUp(context);
  return code === exitCodes.done ? after : code;
};

/** What options want done after a sync. */
async function followUp(context: Context): Promise<ExitCode> {
  const { tgz, thumbnails } = context.settings;
  const code = tgz ? await (await import('./keep-spooled.ts')).keepSpooled(context) : exitCodes.done;
  if (thumbnails !== undefined) await tryThumbnails(context, thumbnails);
  return code;
}

/** What goes wrong with thumbnails is told, and tried again after the next sync: a backup that waits for this one need not care. */
async function tryThumbnails(context: Context, mountPoint: string): Promise<void> {
  const { showThumbnails } = await import('./thumbnails.ts');
  try {
    await showThumbnails(context, mountPoint, true);
  } catch (error) {
    const known = toGphotosfsError(error);
    if (known.kind === 'interrupted') throw known;
    context.output.log('warn', `thumbnails: ${known.message}`);
  }
}

/** Restores what the journal in the cache knows; then a sync finds it all known. */
async function rebuildIndex(context: Context): Promise<RebuildReport> {
  const { cachePath, output, paths } = context;
  const [index, { openCache }, { rebuild }] = await Promise.all([
    context.index(),
    import('../cache/cache.ts'),
    import('../sync/rebuild.ts'),
  ]);
  const report = await rebuild({
    index,
    cachePath,
    home: paths.dataFolder,
    openCache: () => openCache(cachePath, index),
    signal: context.signal(),
  });
  output.result({ type: 'rebuild', ...report }, describeRebuild(report));
  return report;
}

function describeRebuild(report: RebuildReport): string[] {
  if (!report.journal) {
    return [
      'There is no journal in the cache: names may differ from before and inode numbers do. Cached photos are found by path and content.',
    ];
  }
  const { files, albums, cachedFiles, lost, damagedLines, leftOut } = report;
  const lines = [
    `restored: ${formatCounted(files, 'file')} and ${formatCounted(albums, 'album')}, ${formatCounted(cachedFiles, 'cached file')}`,
  ];
  if (lost > 0) lines.push(`${formatCounted(lost, 'cached file')} of the journal not in the cache as it was`);
  if (damagedLines > 0) lines.push(`${formatCounted(damagedLines, 'line')} of the journal unreadable`);
  if (leftOut > 0) lines.push(`${formatCounted(leftOut, 'name')} not restored; the sync gives them anew`);
  return lines;
}

/** What lies in the cache though nothing knows of it any more need not be fetched. */
async function adoptRest(context: Context): Promise<void> {
  const [index, cache, { adoptCached }] = await Promise.all([
    context.index(),
    context.cache(),
    import('../sync/restore-cached.ts'),
  ]);
  const adopted = await adoptCached(index, cache, context.signal());
  if (adopted > 0) {
    context.output.result({ type: 'adopted', files: adopted }, [
      `${formatCounted(adopted, 'file')} found in the cache by path and content`,
    ]);
  }
}

/** Syncs these sources with the context's settings. */
export async function syncSources(
  context: Context,
  sources: readonly Source[],
  signal: AbortSignal,
  progress: (state: ProgressState) => void,
): Promise<SyncReport> {
  const { settings, origins, paths, cachePath } = context;
  const index = await context.index();
  // What nobody asked for in words is not insisted on, so a later run needs no flag to match the first one.
  const chosen = layoutOf(index);
  const report = await sync({
    index,
    cachePath,
    home: paths.dataFolder,
    layout: {
      years: origins.years === 'default' ? chosen.years : settings.years,
      albums: origins.albums === 'default' ? chosen.albums : settings.albums,
    },
    filter: chooseFilter(context, filterOf(index)),
    ...(origins.sidecars === 'default' ? {} : { sidecars: settings.sidecars }),
    sources,
    rescan: settings.rescan,
    signal,
    progress: (source, { phase, ...state }) => progress({ phase: `${source}: ${phase}`, ...state, unit: '' }),
  });
  noteRun(index, report);
  return report;
}

/** For `status`. */
function noteRun(index: Index, { sources }: SyncReport): void {
  const problems = sources.flatMap((source) =>
    losses(source).map((problem) => ({ ...problem, source: source.id })),
  );
  putLastSync(index, {
    at: Math.floor(Date.now() / 1000),
    errors: sources.flatMap(({ id, error }) =>
      error === undefined ? [] : [{ source: id, message: error.message }],
    ),
    problemCount: problems.length,
    problems,
  });
}

/** As with the layout: what nobody said this time stays as it was said last. */
function chooseFilter({ settings, origins }: Context, last: Filter): Filter {
  const choose = (name: 'listOnly' | 'listSkip', before: Choice, back: string): Choice => {
    if (origins[name] === 'default') return before;
    return parseTerms(
      settings[name].filter((term) => term !== back),
      flagOf(name),
    );
  };
  return {
    only: choose('listOnly', last.only, 'all'),
    skip: choose('listSkip', last.skip, 'none'),
  };
}

/** 0 when all was read; 3 when something was left out; an error's own code when no source could be read at all. */
export function syncExitCode(report: SyncReport): ExitCode {
  const [first] = report.sources;
  if (first?.error !== undefined && report.sources.every(({ error }) => error !== undefined)) {
    return exitCodeOf(first.error.kind);
  }
  return report.sources.some((source) => source.error !== undefined || losses(source).length > 0)
    ? exitCodes.partial
    : exitCodes.done;
}

function losses(source: SourceReport): readonly Problem[] {
  return source.problems.filter(({ severity }) => severity !== 'notice');
}

function tellProblems({ output }: Context, { id, problems, error }: SourceReport): void {
  for (const { where, what, remedy, severity } of problems) {
    output.log(severity === 'notice' ? 'info' : 'warn', `${where}: ${what}. ${remedy}`);
  }
  if (error !== undefined) {
    output.log('error', `${id}: ${error.message}${error.hint === undefined ? '' : `. ${error.hint}`}`);
  }
}

function describeSource(source: SourceReport): string[] {
  const { id, newItems, newFiles, newAlbums, heldBack, filtered, waiting, error } = source;
  const parts = [
    `${formatCounted(newItems, 'new item')} in ${formatCounted(newFiles, 'file')}`,
    formatCounted(newAlbums, 'new album'),
  ];
  if (filtered > 0) parts.push(`${formatCounted(filtered, 'item')} left out by the filter`);
  if (heldBack > 0) parts.push(`${formatCounted(heldBack, 'trashed item')} held back`);
  if (waiting > 0) parts.push(`${formatCounted(waiting, 'item')} not listed yet`);
  const lost = losses(source).length;
  if (lost > 0) parts.push(formatCounted(lost, 'problem'));
  if (error !== undefined) parts.push('not read to its end');
  return [`${id}: ${parts.join(', ')}`];
}

function recordOf(report: SyncReport): object {
  const sources = report.sources.map(({ error, ...source }) => ({
    ...source,
    error:
      error === undefined ? null : { kind: error.kind, message: error.message, hint: error.hint ?? null },
  }));
  return { type: 'sync', complete: syncExitCode(report) === exitCodes.done, sources };
}
