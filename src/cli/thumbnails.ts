/** `thumbnails`: small pictures for file managers, so that looking into a folder fetches nothing. */
import { resolve } from 'node:path';
import { GphotosfsError, toGphotosfsError } from '../model/errors.ts';
import type { Source } from '../sources/source.ts';
import { placeThumbnails, type ThumbnailsReport } from '../thumbnails/place-thumbnails.ts';
import type { Context } from './context.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { formatBytes, formatCount, formatCounted } from './format.ts';
import { startProgress } from './progress.ts';
import type { Run } from './run.ts';

export const run: Run = async (context, [dir]) => {
  const mountPoint = dir === undefined ? context.settings.thumbnails : resolve(dir);
  if (mountPoint === undefined) {
    throw new GphotosfsError('usage', 'for which mount?', {
      hint: 'Name the folder where the photos are mounted: gphotosfs thumbnails ~/Photos',
    });
  }
  return showThumbnails(context, mountPoint);
};

/** Places thumbnails, with progress and a report. */
export async function showThumbnails(context: Context, mountPoint: string): Promise<ExitCode> {
  const { output } = context;
  const progress = await startProgress(output);
  let report: ThumbnailsReport;
  try {
    report = await thumbnailsFor(
      context,
      mountPoint,
      await context.sources(),
      context.signal(),
      (done, total) => progress.update({ phase: 'thumbnails', done, total, unit: 'files' }),
    );
  } finally {
    progress.stop();
  }
  if (!output.json) for (const { path, message } of report.failed) output.log('warn', `${path}: ${message}`);
  const { stopped, ...record } = report;
  output.result({ type: 'thumbnails', ...record, complete: isComplete(report) }, describe(report));
  if (stopped !== undefined) throw stopped;
  return isComplete(report) ? exitCodes.done : exitCodes.partial;
}

/** The same beside a mount: what goes wrong is told, and tried again after the next sync. */
export async function refreshThumbnails(
  context: Context,
  sources: readonly Source[],
  signal: AbortSignal,
): Promise<void> {
  const { settings, output } = context;
  if (settings.thumbnails === undefined) return;
  try {
    const report = await thumbnailsFor(context, settings.thumbnails, sources, signal, () => {});
    output.log('debug', describe(report).join('. '));
  } catch (error) {
    output.log('warn', `thumbnails: ${toGphotosfsError(error).message}`);
  }
}

async function thumbnailsFor(
  context: Context,
  mountPoint: string,
  sources: readonly Source[],
  signal: AbortSignal,
  progress: (done: number, total: number) => void,
): Promise<ThumbnailsReport> {
  const index = await context.index();
  return placeThumbnails({ index, sources, mountPoint, folder: context.paths.thumbnails, signal, progress });
}

const isComplete = ({ failed, stopped }: ThumbnailsReport): boolean =>
  failed.length === 0 && stopped === undefined;

function describe(report: ThumbnailsReport): string[] {
  const { files, pictures, cards, present, failed, fetchedBytes, handedOver } = report;
  const parts = [`${formatCounted(pictures, 'thumbnail')} made`];
  if (cards > 0) parts.push(`${formatCounted(cards, 'card')} for files without a preview`);
  if (present > 0) parts.push(`${formatCount(present)} there already`);
  if (failed.length > 0) parts.push(`${formatCount(failed.length)} failed`);
  const lines = [
    `${formatCounted(files, 'file')} not cached: ${parts.join(', ')}; ${formatBytes(fetchedBytes)} read for it`,
  ];
  if (handedOver > 0)
    lines.push(`${formatCounted(handedOver, 'cached file')} left to the file manager from now on`);
  return lines;
}
