/** `remove ID`: stops using a source. What is cached stays, and what is listed stays listed. */
import { GphotosfsError } from '../model/errors.ts';
import { updateSources } from './config.ts';
import { exitCodes } from './exit-codes.ts';
import { formatCounted } from './format.ts';
import type { Run } from './run.ts';

export const run: Run = async (context, [id = '']) => {
  const { config, output, paths } = context;
  if (!config.sources.some((source) => source.id === id)) {
    const ids = config.sources.map((source) => source.id).join(', ');
    throw new GphotosfsError('not-found', `there is no source "${id}"`, {
      hint: ids === '' ? 'There is none at all.' : `Sources: ${ids}.`,
    });
  }
  const [index, { dropSource }] = await Promise.all([context.index(), import('../index/sources.ts')]);
  // The index first: a source that is only left in the configuration can be removed again.
  const { locations, unavailable } = dropSource(index, id);
  await updateSources(paths.config, (sources) => sources.filter((source) => source.id !== id));
  const lines = [`${id}: removed; cached photos stay.`];
  if (unavailable > 0) {
    lines.push(
      `${formatCounted(unavailable, 'file')} can't be read any more: neither cached nor in another source.`,
    );
  }
  output.result({ type: 'removed', id, locations, unavailable }, lines);
  return exitCodes.done;
};
