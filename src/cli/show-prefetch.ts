/** A prefetch with its progress shown, as every command runs one. */
import { type PrefetchReport, type PrefetchRequest, prefetch } from '../prefetch/run.ts';
import type { Context } from './context.ts';
import { countFiles, startProgress } from './progress.ts';

/** Fetches what the plan lists, and shows how far it is. @throws as `prefetch` */
export async function showPrefetch(
  context: Context,
  request: Omit<PrefetchRequest, 'jobs' | 'signal' | 'progress'>,
): Promise<PrefetchReport> {
  const progress = await startProgress(context.output);
  try {
    return await prefetch({
      ...request,
      jobs: context.settings.jobs,
      signal: context.signal(),
      progress: countFiles(progress, 'fetching'),
    });
  } finally {
    progress.stop();
  }
}
