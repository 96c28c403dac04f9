/** `verify`: are the bytes in the cache still the right ones? With `--repair`, what can be had again is fetched again. */
import { availableParallelism } from 'node:os';
import type { Finding } from '../cache/finding.ts';
import type { VerifyReport } from '../cache/verify.ts';
import { GphotosfsError, isCacheClosed } from '../model/errors.ts';
import type { Repaired } from '../prefetch/repair.ts';
import type { Context } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { formatBytes, formatColumns, formatCounted } from './format.ts';
import { countFiles, type Progress, startProgress } from './progress.ts';
import type { Run } from './run.ts';

/** More threads than this read faster than disks deliver. */
const mostThreads = 8;

export const run: Run = async (context) => {
  const { settings, output, paths } = context;
  const threads = Math.min(availableParallelism(), mostThreads);
  const { createInspectors } = await import('../cache/inspectors.ts');
  // First of all: they come up while all else is loaded.
  const inspectors = createInspectors(threads);
  let progress: Progress | undefined;
  let repaired: Repaired | undefined;
  let report: VerifyReport;
  try {
    const [index, cache, { verify }, shown] = await Promise.all([
      context.index(),
      context.cache(),
      import('../cache/verify.ts'),
      startProgress(output),
    ]);
    progress = shown;
    report = await verify({
      index,
      cache,
      home: paths.dataFolder,
      sample: settings.sample,
      inspectors,
      signal: context.signal(),
      progress: countFiles(shown, 'verifying'),
      ...(settings.repair
        ? {
            repair: async (findings) => {
              repaired = await repairFound(context, findings, shown);
            },
          }
        : {}),
    });
  } finally {
    progress?.stop();
    await inspectors.close();
  }
  const judged = report.findings.map((finding) => judge(finding, repaired));
  const wrong = judged.filter((one) => !one.repaired);
  tell(context, judged);
  output.result(
    {
      type: 'verify',
      complete: !report.stopped,
      resumed: report.resumed,
      checkedFiles: report.checkedFiles,
      checkedBytes: report.checkedBytes,
      found: judged.length,
      repaired: judged.length - wrong.length,
      threads,
    },
    describe(report, judged, settings.repair),
  );
  if (report.stopped) {
    throw new GphotosfsError('interrupted', 'verify was stopped', {
      ...(settings.sample === undefined ? { hint: 'The next one goes on from here.' } : {}),
    });
  }
  const closed = [...(repaired?.failures.values() ?? [])].find(isCacheClosed);
  if (closed !== undefined) throw closed;
  return wrong.length > 0 ? exitCodes.partial : exitCodes.done;
};

async function repairFound(
  context: Context,
  findings: readonly Finding[],
  progress: Progress,
): Promise<Repaired | undefined> {
  if (findings.every(({ ino }) => ino === undefined)) return undefined;
  const [index, cache, fetcher, sources, { repair }] = await Promise.all([
    context.index(),
    context.cache(),
    context.fetcher(),
    context.sources(),
    import('../prefetch/repair.ts'),
  ]);
  return repair({
    index,
    cache,
    fetcher,
    sources,
    findings,
    jobs: 4,
    signal: context.signal(),
    progress: ({ files, totalFiles }) =>
      progress.update({ phase: 'repairing', done: files, total: totalFiles, unit: 'files' }),
  });
}

/** A finding with what became of it. */
interface Judged extends Omit<Finding, 'ino'> {
  readonly repaired: boolean;
  /** Why it is not repaired, where that was tried. */
  readonly reason: string | undefined;
}

function judge({ ino, ...finding }: Finding, repaired: Repaired | undefined): Judged {
  const error = ino === undefined ? undefined : repaired?.failures.get(ino);
  return {
    ...finding,
    repaired: ino !== undefined && repaired?.mended.has(ino) === true,
    reason: error === undefined ? undefined : [error.message, error.hint].filter(Boolean).join('. '),
  };
}

function tell({ output }: Context, judged: readonly Judged[]): void {
  if (output.json) {
    for (const { reason, ...one } of judged) {
      output.result({ type: 'finding', ...one, reason: reason ?? null }, []);
    }
    return;
  }
  const rows = judged.map(({ problem, path, detail, repaired, reason }) => [
    problem,
    path,
    repaired ? 'fetched again' : (reason ?? detail),
  ]);
  if (rows.length > 0) output.result({}, formatColumns(rows));
}

function describe(report: VerifyReport, judged: readonly Judged[], isRepairing: boolean): string[] {
  const { checkedFiles, checkedBytes, resumed, stopped } = report;
  const checked = `${formatCounted(checkedFiles, 'file')} checked, ${formatBytes(checkedBytes)}`;
  const lines = [resumed ? `${checked} (with those of the run that was stopped)` : checked];
  const wrong = judged.filter(({ repaired }) => !repaired);
  const repairedCount = judged.length - wrong.length;
  if (repairedCount > 0) lines.push(`${formatCounted(repairedCount, 'file')} fetched again.`);
  const extra = wrong.filter(({ problem }) => problem === 'extra').length;
  const bad = wrong.length - extra;
  if (extra > 0) {
    lines.push(`${formatCounted(extra, 'thing')} in the cache that gphotosfs did not put there.`);
  }
  if (bad > 0) {
    lines.push(
      `${formatCounted(bad, 'file')} wrong. ${isRepairing ? 'Nothing was deleted.' : 'Run "gphotosfs verify --repair" to fetch again what a source still has.'}`,
    );
  }
  if (wrong.length === 0 && !stopped) lines.push('All is right.');
  return lines;
}
