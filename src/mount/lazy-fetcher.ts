/**
 * A fetcher that is loaded at its first use: a mount answers `ls` before the modules that only a fetch needs have been
 * read (some 50 ms of its start).
 */
import type { Fetcher, FetcherRequest } from '../fetch/fetcher.ts';
import type { RemoteReader } from './driver.ts';

export interface LazyFetcher extends RemoteReader {
  /** Loads it now: in the quiet after the start. */
  load(): Promise<unknown>;
  close(): Promise<void>;
}

export function createLazyFetcher(request: FetcherRequest): LazyFetcher {
  let loading: Promise<Fetcher> | undefined;
  const load = (): Promise<Fetcher> => {
    if (loading !== undefined) return loading;
    const started = import('../fetch/fetcher.ts').then(({ createFetcher }) => createFetcher(request));
    loading = started;
    // What was in its way (a full disk) may be gone at the next read.
    started.catch(() => {
      loading = undefined;
    });
    return started;
  };
  return {
    load,
    read: async (...args) => (await load()).read(...args),
    close: async () => (await loading)?.close(),
  };
}
