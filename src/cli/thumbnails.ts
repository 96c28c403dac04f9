/** `thumbnails`: small pictures for file managers, so that looking into a folder fetches nothing. */
import { resolve } from 'node:path';
import type { Directory } from '../cache/directories.ts';
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
  return showThumbnails(context, mountPoint, false);
};

/** Places thumbnails, with progress and a report. @param onlyNew @see ThumbnailsRequest */
export async function showThumbnails(
  context: Context,
  mountPoint: string,
  onlyNew: boolean,
): Promise<ExitCode> {
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
      onlyNew,
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
    const report = await thumbnailsFor(context, settings.thumbnails, sources, signal, () => {}, true);
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
  onlyNew: boolean,
): Promise<ThumbnailsReport> {
  const index = await context.index();
  const { folder, cache } = { folder: context.paths.thumbnails, cache: await cacheOf(context) };
  return placeThumbnails({ index, sources, cache, onlyNew, mountPoint, folder, signal, progress });
}

async function cacheOf(context: Context): Promise<Directory | undefined> {
  try {
    return (await context.cache()).root;
  } catch (error) {
    context.output.log('warn', `no thumbnails of cached files: ${toGphotosfsError(error).message}`);
    return undefined;
  }
}

const isComplete = ({ failed, stopped }: ThumbnailsReport): boolean =>
  failed.length === 0 && stopped === undefined;

function describe(report: ThumbnailsReport): string[] {
  const { files, pictures, cards, present, failed, fetchedBytes } = report;
  const parts = [`${formatCounted(pictures, 'thumbnail')} made`];
  if (cards > 0) parts.push(`${formatCounted(cards, 'card')} for files without a preview`);
  if (present > 0) parts.push(`${formatCount(present)} there already`);
  if (failed.length > 0) parts.push(`${formatCount(failed.length)} failed`);
  const { cachedFiles, cachedPictures, cachedPresent } = report;
  const lines = [];
  if (files > 0 || cachedFiles === 0)
    lines.push(
      `${formatCounted(files, 'file')} not cached: ${parts.join(', ')}; ${formatBytes(fetchedBytes)} read for it`,
    );
  const left = cachedFiles - cachedPictures - cachedPresent;
  if (cachedFiles > 0) {
    const others = left > 0 ? `, ${formatCount(left)} left to the file manager` : '';
    lines.push(
      `${formatCounted(cachedFiles, 'file')} cached: ${formatCounted(cachedPictures, 'thumbnail')} made, ${formatCount(cachedPresent)} there already${others}`,
    );
  }
  return lines;
}
