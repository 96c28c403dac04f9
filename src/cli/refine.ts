/**
 * Refining what a sync that was cut off has listed early: a prefetch brings the sidecars along with the photos, and their
 * dates, albums and flags shall be there when it ends, not only after the next sync.
 */
import { layoutOf } from '../index/settings.ts';
import { describeFailure, toGphotosfsError } from '../model/errors.ts';
import type { Source } from '../sources/source.ts';
import { sync } from '../sync/sync.ts';
import type { Context } from './context.ts';

/**
 * Some lie apart from all photos, or beside photos that were cached before, or went with a prefetch that was killed; to ask for so
 * many, 16 at a time, takes some 5 s.
 */
const mostAskedFor = 1000;

/** What goes wrong is told only: the next sync does the same. */
export async function refineSources(context: Context, sources: readonly Source[]): Promise<void> {
  const { cachePath, output, paths } = context;
  const index = await context.index();
  try {
    const { sources: reports } = await sync({
      index,
      cachePath,
      home: paths.dataFolder,
      layout: layoutOf(index),
      sources,
      rescan: false,
      lateOnly: mostAskedFor,
      signal: context.signal(),
      progress: () => {},
    });
    for (const { id, problems, error } of reports) {
      for (const { where, what, remedy } of problems) output.log('info', `${where}: ${what}. ${remedy}`);
      if (error !== undefined) output.log('info', `${id}: ${describeFailure(error)}`);
    }
  } catch (error) {
    const known = toGphotosfsError(error);
    if (known.kind !== 'interrupted') output.log('info', `the next sync refines dates: ${known.message}`);
  }
}
