/** `sources`: where photos come from. */
import { stat } from 'node:fs/promises';
import { exitCodes } from './exit-codes.ts';
import { formatCounted } from './format.ts';
import type { Run } from './run.ts';

export const run: Run = async ({ config, output }) => {
  for (const source of config.sources) {
    const { id, kind, account } = source;
    if (source.kind !== 'takeout') {
      output.result({ type: 'source', id, kind, account }, [
        `${id}  (account "${account}", ${serviceNames[source.kind]})`,
      ]);
      continue;
    }
    const { paths } = source;
    const places = await Promise.all(paths.map(async (path) => ({ path, missing: await isMissing(path) })));
    output.result({ type: 'source', id, kind, account, paths: places }, [
      `${id}  (account "${account}", ${formatCounted(paths.length, 'archive')})`,
      ...places.map(({ path, missing }) => `  ${path}${missing ? '  (not there now)' : ''}`),
    ]);
  }
  if (config.sources.length === 0 && !output.json) {
    output.result({}, ['No source yet. Add one: gphotosfs add takeout ~/Downloads/takeout-*.zip']);
  }
  return exitCodes.done;
};

const serviceNames = {
  drive: 'Takeout in Google Drive',
  library: 'Photos Library API',
  picker: 'Photos Picker API',
} as const;

/** A disk that isn't mounted is no error: photos that are cached don't need it. */
async function isMissing(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    () => true,
  );
}
