/**
 * Serves a tree: joins a driver, the fetcher, and what other processes do to the index while the mount is up.
 *
 * A sync or a prefetch elsewhere writes to the index; then the index says what changed, and the kernel forgets just that.
 */
import type { Cache } from '../cache/cache.ts';
import type { FetcherRequest } from '../fetch/fetcher.ts';
import type { Index } from '../index/open.ts';
import { toGphotosfsError } from '../model/errors.ts';
import type { Source } from '../sources/source.ts';
import type { MountDriver, Mounted, MountRequest } from './driver.ts';
import { createIndexChanges } from './index-changes.ts';
import { createLazyFetcher } from './lazy-fetcher.ts';
import { watchIndex } from './watch-index.ts';

export interface ServeRequest extends Omit<MountRequest, 'indexPath' | 'cachePath' | 'remote'> {
  readonly driver: MountDriver;
  readonly index: Index;
  readonly cache: Cache;
  /** The folder of the index and its leases. */
  readonly home: string;
  readonly sources: readonly Source[];
  /** Opens a source that is added while the mount is up. */
  readonly openSource?: FetcherRequest['openSource'];
}

/** Mounts, and keeps the mount true until it is unmounted. */
export async function serve(request: ServeRequest): Promise<Mounted> {
  const { driver, index, cache, home, sources, openSource, log, ...mountRequest } = request;
  let mounted: Mounted | undefined;
  const fetcher = createLazyFetcher({
    index,
    cache,
    home,
    sources,
    openSource,
    log,
    onDoubt: (ino) => void tellKernel({ inodes: [ino], entries: [] }),
  });

  /** A kernel that can't be told keeps what it has for a while: no reason to end the mount. */
  async function tellKernel(change: Parameters<Mounted['invalidate']>[0]): Promise<void> {
    try {
      await mounted?.invalidate(change);
    } catch (error) {
      log('warn', `the kernel could not be told of a change: ${toGphotosfsError(error).message}`);
    }
  }

  /** The driver has yet to open the file that is the index now. */
  let isBehind = false;

  // From here on, so that what happens while the mount comes up is told to the kernel too.
  const changes = createIndexChanges(index, (message) => log('warn', message));
  const watching = watchIndex(index.path, log, async () => {
    if (mounted === undefined) return;
    const { change, reopened } = changes.next();
    isBehind ||= reopened;
    if (isBehind && index.file !== undefined) {
      // The driver first: what the kernel is told to forget it asks again. Where it fails, the next look tries again.
      try {
        mounted.reopen(index.file);
        isBehind = false;
      } catch (error) {
        log('warn', `the new index cannot be opened: ${toGphotosfsError(error).message}`);
      }
    }
    if (reopened) {
      log('info', `${index.path} was replaced; the mount shows the new one`);
    }
    mounted.published();
    if (change.entries.length > 0 || change.inodes.length > 0) await tellKernel(change);
  });
  const end = async () => {
    watching.close();
    await fetcher.close();
  };
  try {
    mounted = await driver.mount({
      ...mountRequest,
      indexPath: index.path,
      cachePath: cache.path,
      remote: fetcher,
      log,
    });
  } catch (error) {
    await end();
    throw toGphotosfsError(error);
  }
  watching.look();
  fetcher
    .load()
    .catch((error: unknown) => log('warn', toGphotosfsError(error, 'photos that are not cached').message));
  const closed = mounted.closed.finally(end);
  closed.catch(() => {});
  return { ...mounted, closed };
}
