/** `prefetch`: fills the cache. Made for cron: its exit code says whether everything selected is there. */

import type { Index } from '../index/open.ts';
import { countSelected, type SelectedTotals } from '../index/plan.ts';
import { putLastPrefetch } from '../index/reports.ts';
import { readStatus } from '../index/status.ts';
import { pathOf } from '../index/tree.ts';
import { GphotosfsError, isCacheClosed, toGphotosfsError } from '../model/errors.ts';
import { type Plan, planPrefetch } from '../prefetch/plan.ts';
import { notBegun, type PrefetchReport } from '../prefetch/run.ts';
import type { Context } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { formatBytes, formatColumns, formatCount, formatCounted } from './format.ts';
import type { Run } from './run.ts';
import { selectionOf, selectsAll } from './selection.ts';
import { showPrefetch } from './show-prefetch.ts';
import { describeArchives } from './status/archives.ts';

export const run: Run = async (context) => {
  const { settings, output } = context;
  const index = await context.index();
  const { lastSync, files } = readStatus(index);
  if (lastSync === undefined && files === 0) {
    throw new GphotosfsError('usage', 'nothing has been synced yet', { hint: 'Run "gphotosfs sync" first.' });
  }
  const plan = planPrefetch(index, selectionOf(settings));
  if (settings.dryRun) {
    output.result(recordOfPlan(index, plan), describePlan(index, plan));
    return exitCodes.done;
  }
  const report = await fetchPlanned(context, plan);
  const now = countSelected(index, plan.selection);
  if (!output.json) {
    for (const { path, message, hint } of report.failed) {
      output.log('warn', `${path}: ${message}${hint === undefined ? '' : `. ${hint}`}`);
    }
  }
  try {
    noteRun(index, plan, report);
  } catch (error) {
    // Where there is no room for that either, the report below says how far it came.
    const known = toGphotosfsError(error);
    if (!isCacheClosed(known)) throw error;
    output.log('debug', `the run cannot be noted: ${known.message}`);
  }
  const { record, lines } = describeArchives(index);
  output.result({ ...recordOfReport(report, now), ...record }, [...describeReport(report, now), ...lines]);
  if (report.stopped !== undefined) throw report.stopped;
  if (!report.complete && report.failed.length === 0) {
    output.log('warn', 'a sync listed more files meanwhile: run "gphotosfs prefetch" again');
  }
  return report.complete ? exitCodes.done : exitCodes.partial;
};

/** For `status`, also after a night's run whose output nobody kept. */
function noteRun(index: Index, plan: Plan, report: PrefetchReport): void {
  const { complete, fetchedFiles, fetchedBytes, failed, stopped } = report;
  putLastPrefetch(index, {
    at: Math.floor(Date.now() / 1000),
    complete,
    isWhole: selectsAll(plan.selection),
    fetchedFiles,
    fetchedBytes,
    failedFiles: failed.length,
    failures: failed.map(({ path, kind, message }) => ({ path, kind, message })),
    stopped: stopped?.message ?? null,
  });
}

/** Fetches what a plan lists, and shows how far it is. */
export async function fetchPlanned(context: Context, plan: Plan): Promise<PrefetchReport> {
  try {
    await context.cache();
    await context.fetcher();
  } catch (error) {
    // A disk that fails may not even let it be opened; how far the cache is, the index knows.
    return notBegun(error);
  }
  const [index, cache, fetcher, sources] = await Promise.all([
    context.index(),
    context.cache(),
    context.fetcher(),
    context.sources(),
  ]);
  return showPrefetch(context, {
    index,
    cache,
    fetcher,
    sources,
    plan,
    refine: async (refined) => (await import('./refine.ts')).refineSources(context, refined),
  });
}

const unavailableIn = (index: Index, plan: Plan): string[] =>
  plan.unavailable.map(({ ino }) => pathOf(index, ino)?.join('/') ?? String(ino));

function recordOfPlan(index: Index, plan: Plan): object {
  const { runs: _, ...numbers } = plan;
  return { type: 'plan', ...numbers, unavailable: unavailableIn(index, plan) };
}

function describePlan(index: Index, plan: Plan): string[] {
  const size = (files: number, bytes: number) => `${formatCounted(files, 'file')}, ${formatBytes(bytes)}`;
  const archives = plan.archives.map(({ name, files, bytes }) => [
    name,
    formatCount(files),
    formatBytes(bytes),
  ]);
  return [
    `selected     ${size(plan.selectedFiles, plan.selectedBytes)}`,
    `cached       ${size(plan.cachedFiles, plan.cachedBytes)}`,
    `to fetch     ${size(plan.missingFiles - plan.unavailable.length, plan.missingBytes)}`,
    ...(archives.length > 0 ? ['', ...formatColumns([['from', 'files', 'size'], ...archives], [1, 2])] : []),
    ...unavailableIn(index, plan).map((path) => `unavailable  ${path}`),
  ];
}

function recordOfReport(report: PrefetchReport, now: SelectedTotals): object {
  const { fetchedFiles, fetchedBytes, reusedFiles, complete } = report;
  const failed = report.failed.map((file) => ({ ...file, hint: file.hint ?? null }));
  const { files: selectedFiles, bytes: selectedBytes, cachedFiles } = now;
  return {
    type: 'prefetch',
    complete,
    selectedFiles,
    selectedBytes,
    cachedFiles,
    fetchedFiles,
    fetchedBytes,
    reusedFiles,
    failed,
  };
}

function describeReport(report: PrefetchReport, now: SelectedTotals): string[] {
  const parts = [
    `${formatCounted(report.fetchedFiles, 'file')} fetched (${formatBytes(report.fetchedBytes)})`,
  ];
  if (report.reusedFiles > 0) parts.push(`${formatCount(report.reusedFiles)} copied from equal ones`);
  if (report.failed.length > 0) parts.push(`${formatCount(report.failed.length)} failed`);
  const whole = `${formatCounted(now.files, 'file')}, ${formatBytes(now.bytes)}`;
  const far = `${formatCount(now.cachedFiles)} of ${formatCounted(now.files, 'file')} in the cache`;
  return [parts.join(', '), report.complete ? `Complete: ${whole} in the cache.` : `Not complete: ${far}.`];
}
