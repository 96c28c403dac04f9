/**
 * Puts the parts together for a command. Each is made when it is first asked for, its modules loaded then, and all are
 * closed in the opposite order.
 */
import { mkdirSync } from 'node:fs';
import type { Cache } from '../cache/cache.ts';
import type { Fetcher } from '../fetch/fetcher.ts';
import type { Index } from '../index/open.ts';
import type { Settings } from '../model/options.ts';
import { openSources, type SourceParts } from '../sources/all.ts';
import type { GoogleClient } from '../sources/google/client.ts';
import { limitRate } from '../sources/google/limit-rate.ts';
import type { Source } from '../sources/source.ts';
import { type Config, readConfig } from './config.ts';
import type { Output } from './output.ts';
import { type Environment, type Paths, resolvePaths } from './paths.ts';
import { type Flags, type Origin, resolveHome, resolveSettings } from './settings.ts';
import { watchSignals } from './signals.ts';

export interface Context {
  readonly settings: Settings;
  /** Where each setting came from. */
  readonly origins: Readonly<Record<keyof Settings, Origin>>;
  readonly paths: Paths;
  readonly cachePath: string;
  /** As it was when the command started. */
  readonly config: Config;
  readonly output: Output;
  /** Fires when the owner wants the command to end; asked for by commands that can end early. */
  signal(): AbortSignal;
  index(): Promise<Index>;
  cache(): Promise<Cache>;
  /** What sources are opened with. */
  readonly sourceParts: SourceParts;
  sources(): Promise<readonly Source[]>;
  fetcher(): Promise<Fetcher>;
  close(): Promise<void>;
}

export interface ContextRequest {
  readonly flags: Flags;
  readonly env: Environment;
  readonly createOutput: (settings: Settings) => Output;
}

export function createContext({ flags, env, createOutput }: ContextRequest): Context {
  const paths = resolvePaths(resolveHome(flags, env), env);
  const config = readConfig(paths.config);
  const { settings, origins } = resolveSettings({ flags, env, config, configPath: paths.config });
  const cachePath = settings.cache ?? paths.defaultCache;
  const output = createOutput(settings);
  const closers: (() => void | Promise<void>)[] = [];

  const signal = once(() => {
    const watch = watchSignals();
    closers.push(watch.close);
    return watch.signal;
  });
  const index = once(async () => {
    mkdirSync(paths.dataFolder, { recursive: true, mode: 0o700 });
    const { closeIndex, openIndex } = await import('../index/open.ts');
    const opened = openIndex(paths.index);
    closers.push(() => closeIndex(opened));
    return opened;
  });
  const cache = once(async () => {
    const [{ openCache }, opened] = await Promise.all([import('../cache/cache.ts'), index()]);
    const made = openCache(cachePath, opened, { freeFloor: settings.freeFloor });
    closers.push(() => made.close());
    return made;
  });
  const counts = once(async () => {
    const { openDailyCounts } = await import('../index/daily-counts.ts');
    const opened = openDailyCounts(paths.dataFolder);
    closers.push(() => opened.close());
    return opened;
  });
  const clients = new Map<string, Promise<GoogleClient>>();
  const sourceParts: SourceParts = {
    transfer: {
      longRange: settings.longRange,
      limit: settings.limitRate === undefined ? undefined : limitRate(settings.limitRate),
      spool: settings.tgz ? paths.spool : undefined,
    },
    google(account) {
      const known = clients.get(account);
      if (known !== undefined) return known;
      const made = openGoogleClient(account);
      clients.set(account, made);
      return made;
    },
  };
  async function openGoogleClient(account: string): Promise<GoogleClient> {
    const [{ createGoogleClient }, { endpointsOf }, opened] = await Promise.all([
      import('../sources/google/client.ts'),
      import('../sources/google/endpoints.ts'),
      counts(),
    ]);
    const client = createGoogleClient({
      account,
      endpoints: endpointsOf(settings),
      secretPath: paths.clientSecret,
      tokenPath: paths.tokens,
      counts: opened,
      log: (message) => output.log('info', message),
    });
    closers.push(() => client.close());
    return client;
  }
  const sources = once(async () => {
    const opened = await openSources(config.sources, sourceParts);
    for (const source of opened) closers.push(() => source.close());
    return opened;
  });
  const fetcher = once(async () => {
    const [{ createFetcher }, { metadataSource }, opened, made, from] = await Promise.all([
      import('../fetch/fetcher.ts'),
      import('../sync/metadata-source.ts'),
      index(),
      cache(),
      sources(),
    ]);
    const { dataFolder: home } = paths;
    const all = [...from, metadataSource(opened)];
    const fetching = createFetcher({ index: opened, cache: made, home, sources: all, log: output.log });
    closers.push(() => fetching.close());
    return fetching;
  });

  return {
    settings,
    origins,
    paths,
    cachePath,
    config,
    output,
    signal,
    index,
    cache,
    sourceParts,
    sources,
    fetcher,
    async close() {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
