/** `adopt DIR`: the cache was moved; from now on it is used there. Only the cache that belongs to this home is taken. */
import { resolve } from 'node:path';
import { GphotosfsError } from '../model/errors.ts';
import { updateValue } from './config.ts';
import { exitCodes } from './exit-codes.ts';
import type { Run } from './run.ts';

export const run: Run = async (context, [given = '']) => {
  const { origins, output, paths } = context;
  const path = resolve(given);
  const [index, { cacheIdAt, knownId }] = await Promise.all([context.index(), import('../cache/binding.ts')]);
  const known = knownId(index);
  if (known === undefined) {
    throw new GphotosfsError('usage', 'this home has no cache yet', {
      hint: `To use ${path}, run "gphotosfs --cache ${path} sync", with --rebuild if its index was lost.`,
    });
  }
  const found = cacheIdAt(path);
  if (found !== known) {
    const what = found === undefined ? 'holds no cache' : 'is the cache of another home';
    throw new GphotosfsError('wrong-cache', `${path} ${what}`, {
      hint: 'Name the directory that has ".gphotosfs" in it. Nothing was changed.',
    });
  }
  await updateValue(paths.config, 'cache', path);
  const isOverruled = origins.cache === 'flag' || origins.cache === 'environment';
  output.result({ type: 'adopted', cache: path }, [
    `The cache is ${path}.`,
    'A copy has other file times: the first read of each file checks it, or "gphotosfs verify" checks all at once.',
  ]);
  if (isOverruled) output.log('warn', '--cache or GPHOTOSFS_CACHE still names another place, and wins');
  return exitCodes.done;
};
