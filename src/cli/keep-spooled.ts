/**
 * What `sync --tgz` has downloaded is taken into the cache at once: a tgz is read from its start for every photo, so its
 * photos are fetched from the copy that its listing left, which then goes.
 */
import { rmSync } from 'node:fs';
import { listMissing } from '../index/plan.ts';
import type { Context } from './context.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { fetchPlanned } from './prefetch.ts';
import { selectionOf } from './selection.ts';

/** Fetches what is missing of tgz archives that are far away. Gives the exit code of that. */
export async function keepSpooled(context: Context): Promise<ExitCode> {
  const { output, paths, settings } = context;
  const [index, { planMissing }] = await Promise.all([context.index(), import('../prefetch/plan.ts')]);
  const selection = selectionOf(settings);
  const missing = listMissing(index, selection).filter(({ sequential, remote }) => sequential && remote);
  const report =
    missing.length === 0 ? undefined : await fetchPlanned(context, planMissing(index, selection, missing));
  for (const { path, message } of report?.failed ?? []) output.log('warn', `${path}: ${message}`);
  if (report?.stopped !== undefined) throw report.stopped;
  if (report !== undefined && report.failed.length > 0) return exitCodes.partial;
  rmSync(paths.spool, { recursive: true, force: true });
  return exitCodes.done;
}
