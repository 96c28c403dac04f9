/**
 * A mount whose source is slow: each stream stops for some milliseconds after each chunk. Says `ready` when it answers,
 * and unmounts at SIGTERM.
 *
 *     node --import tsx slow-server.ts HOME MOUNT MILLISECONDS ARCHIVE…
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Source } from '../../src/sources/source.ts';

const [home = '', mountPoint = '', pause = '', ...paths] = process.argv.slice(2);
const built = new URL('../../dist/', import.meta.url);
const load = <T>(path: string): Promise<T> => import(new URL(path.replace(/ts$/, 'js'), built).href);
const [{ serve }, { loadDriver }, { openIndex }, { openCache }, { createTakeoutSource }] = await Promise.all([
  load<typeof import('../../src/mount/serve.ts')>('mount/serve.ts'),
  load<typeof import('../../src/mount/drivers.ts')>('mount/drivers.ts'),
  load<typeof import('../../src/index/open.ts')>('index/open.ts'),
  load<typeof import('../../src/cache/cache.ts')>('cache/cache.ts'),
  load<typeof import('../../src/sources/takeout/takeout-source.ts')>('sources/takeout/takeout-source.ts'),
]);

const source: Source = createTakeoutSource({ id: 'takeout', account: 'default', paths });
const slow: Source = {
  ...source,
  async *open(location, request) {
    for await (const chunk of source.open(location, request)) {
      await sleep(Number(pause));
      yield chunk;
    }
  },
};
const index = openIndex(join(home, 'home', 'index.db'));
const cache = openCache(join(home, 'cache'), index);
const mounted = await serve({
  driver: await loadDriver('kernel'),
  index,
  cache,
  home: join(home, 'home'),
  sources: [slow],
  mountPoint,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  umask: 0o022,
  allowOther: false,
  log: (_level, message) => console.error(message),
});
process.on('SIGTERM', () => void mounted.unmount());
console.log('ready');
await mounted.closed;
await source.close();
cache.close();
