/**
 * The process that serves a library in these tests: the built program's own parts, with sources that can be told to
 * be slow. What it is to do comes over Node's IPC from `client.ts`.
 */
import { join } from 'node:path';
import type { Location } from '../../../src/model/words.ts';
import type { OpenRequest, Source } from '../../../src/sources/source.ts';
import type { ServerReply, ServerRequest, ServerSetup } from './client.ts';

const built = new URL('../../../dist/', import.meta.url);
const load = <T>(path: string): Promise<T> => import(new URL(path.replace(/ts$/, 'js'), built).href);
const [{ serve }, { loadDriver }, { openIndex }, { openCache }, { noAccounts, openSources }] =
  await Promise.all([
    load<typeof import('../../../src/mount/serve.ts')>('mount/serve.ts'),
    load<typeof import('../../../src/mount/drivers.ts')>('mount/drivers.ts'),
    load<typeof import('../../../src/index/open.ts')>('index/open.ts'),
    load<typeof import('../../../src/cache/cache.ts')>('cache/cache.ts'),
    load<typeof import('../../../src/sources/all.ts')>('sources/all.ts'),
  ]);

const setup: ServerSetup = JSON.parse(process.argv[2] ?? '');

/** Streams from these places stop after so many bytes, until the place is let go. */
const held = new Map<
  string,
  { readonly after: number; readonly go: Promise<void>; readonly letGo: () => void }
>();
const opens: Record<string, number> = {};

function slowed(source: Source): Source {
  async function* open(location: Location, request: OpenRequest = {}): AsyncGenerator<Buffer> {
    const place = `${location.archive}:${location.offset}`;
    // A range of a far seek goes past the hold: only what fills the cache is held.
    const hold = (request.start ?? 0) === 0 ? held.get(place) : undefined;
    if ((request.start ?? 0) === 0) opens[place] = (opens[place] ?? 0) + 1;
    let done = 0;
    for await (const chunk of source.open(location, request)) {
      if (hold === undefined || done + chunk.length <= hold.after) yield chunk;
      else {
        const first = Math.max(0, hold.after - done);
        if (first > 0) yield chunk.subarray(0, first);
        const stopped = new Promise<void>((resolve) =>
          request.signal?.addEventListener('abort', () => resolve()),
        );
        await Promise.race([hold.go, stopped]);
        request.signal?.throwIfAborted();
        yield chunk.subarray(first);
      }
      done += chunk.length;
    }
  }
  return { ...source, open };
}

function hold(place: string, after: number): void {
  let letGo = () => {};
  const go = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  held.set(place, { after, go, letGo });
}

const log: string[] = [];
const index = openIndex(join(setup.home, 'index.db'));
const cache = openCache(setup.cachePath, index);
const driver = await loadDriver(setup.driver);
const sources = await openSources(setup.sources, noAccounts);

async function start() {
  return serve({
    driver,
    index,
    cache,
    home: setup.home,
    sources: sources.map(slowed),
    mountPoint: setup.mountPoint,
    uid: setup.uid,
    gid: setup.gid,
    umask: setup.umask,
    allowOther: setup.allowOther,
    log: (level, message) => log.push(`${level}: ${message}`),
  });
}

const say = (reply: ServerReply) => process.send?.(reply);
try {
  const mounted = await start();
  process.on('message', (request: ServerRequest) => {
    if (request.do === 'hold') hold(request.place, request.after);
    if (request.do === 'let go') {
      held.get(request.place)?.letGo();
      held.delete(request.place);
    }
    say({ id: request.id, value: { opens, log } });
  });
  const stop = () => void mounted.unmount();
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(signal, stop);
  say({ id: 0, value: { features: driver.features } });
  await mounted.closed;
  for (const source of sources) await source.close();
  cache.close();
  // Ends by itself, when nothing is left to do: what would keep a process is a defect.
  if (process.connected) process.disconnect();
} catch (error) {
  const { kind, message, hint } = error as { kind?: string; message: string; hint?: string };
  say({ id: 0, error: { kind, message, hint } });
  process.exitCode = 7;
  if (process.connected) process.disconnect();
}
