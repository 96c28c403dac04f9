/** Threads that fill files, in the program as it is built: straight from the sources there are none. */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as CacheModule from '../../src/cache/cache.ts';
import { closeDirectory, type Directory, openRoot } from '../../src/cache/directories.ts';
import type * as FetcherModule from '../../src/fetch/fetcher.ts';
import type * as ThreadsModule from '../../src/fetch/fill-threads.ts';
import { locationsOf } from '../../src/index/locations.ts';
import type * as IndexModule from '../../src/index/open.ts';
import type { Location } from '../../src/model/words.ts';
import type * as SourcesModule from '../../src/sources/all.ts';
import type { Source } from '../../src/sources/source.ts';
import { createPlace, type Place } from '../cli/run-program.ts';
import { openFds, signal } from '../helpers/test-home.ts';
import {
  buildLibrary,
  type Library,
  listFiles,
  partialsOf,
  withIndex,
  wrongInCache,
} from '../promises/library.ts';

const built = <Module>(path: string): Promise<Module> =>
  import(new URL(`../../dist/${path}.js`, import.meta.url).href);
const { createFillThreads } = await built<typeof ThreadsModule>('fetch/fill-threads');
const { openSources, noAccounts } = await built<typeof SourcesModule>('sources/all');

/** So many files are filled before threads are worth their start. */
const withoutThreads = 64;

let place: Place;
let library: Library;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

async function setUp(photos: number, size: number): Promise<void> {
  library = await buildLibrary(join(place.folder, 'takeout'), { photos, size, parts: 1 });
  await place.run('add', 'takeout', ...library.archives);
  expect((await place.run('sync')).code).toBe(0);
}

const openLibrary = () =>
  openSources(
    [{ id: 'takeout', kind: 'takeout', account: 'default', paths: [...library.archives] }],
    noAccounts,
  );

/** Makes a photo's bytes in the archive, which is stored and not deflated, other than its directory says. */
async function spoil(path: string): Promise<void> {
  const [archive = ''] = library.archives;
  const offset = withIndex(place.home, (index) => {
    const ino = listFiles(place.home).find((file) => file.path === path)?.ino ?? 0;
    return locationsOf(index, ino)[0]?.offset ?? Number.NaN;
  });
  const fd = openSync(archive, 'r+');
  // Behind the local header and the name, in the photo.
  writeSync(fd, 'spoilt', offset + 1000);
  closeSync(fd);
  expect((await place.run('sync')).code).toBe(0);
}

describe('threads', () => {
  let directory: Directory;
  beforeEach(() => {
    const path = join(place.folder, 'partial');
    mkdirSync(path);
    directory = openRoot(path);
  });
  afterEach(() => closeDirectory(directory));
  const partials = () => readdirSync(directory.path);

  /** Fills all files of the library, and tells of each whether it was filled right. */
  async function fillAll(source: Source, stopping: AbortController, stopAfter = Number.POSITIVE_INFINITY) {
    const threads = createFillThreads(stopping.signal);
    const files = withIndex(place.home, (index) =>
      listFiles(place.home).map(({ ino, path }, at) => {
        const location = locationsOf(index, ino)[0] as Location;
        // Before 1970, too.
        const mtime = 86_400 * (at - 20);
        return {
          path,
          request: { source, location, content: location, directory, name: String(at), mtime },
        };
      }),
    );
    for (let at = 0; at < withoutThreads; at++)
      expect(threads.fill((files[0] as (typeof files)[0]).request)).toBeUndefined();
    let done = 0;
    const outcomes = await Promise.all(
      files.map(async (file) => {
        const filled = await threads.fill(file.request)?.catch(() => undefined);
        done += 1;
        if (done === stopAfter) stopping.abort();
        return { ...file, filled };
      }),
    );
    return { outcomes, threads };
  }

  it('fill files with right bytes, and leave none of those that are not', async () => {
    await setUp(40, 200_000);
    await spoil('years/2021/IMG_00005.jpg');
    const before = openFds().length;
    const [source] = (await openLibrary()) as [Source];
    const stopping = new AbortController();
    const { outcomes } = await fillAll(source, stopping);
    expect(outcomes.filter(({ filled }) => filled === undefined).map(({ path }) => path)).toEqual([
      'years/2021/IMG_00005.jpg',
    ]);
    expect(partials()).toHaveLength(39);
    for (const { path, request, filled } of outcomes) {
      if (filled === undefined) continue;
      const bytes = readFileSync(join(directory.path, request.name));
      expect(filled.sha256.toString('hex')).toBe(library.files.get(path));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(library.files.get(path));
      expect(filled.content.size).toBe(bytes.length);
      expect(filled.onDisk).toBe(true);
      expect(statSync(join(directory.path, request.name)).mtimeMs).toBe(request.mtime * 1000);
    }
    stopping.abort();
    await source.close();
    await vi.waitFor(() => expect(openFds().length).toBeLessThanOrEqual(before));
  });

  it('end in the middle of their work: nothing is left of a file that was not done', async () => {
    await setUp(40, 2_000_000);
    const [source] = (await openLibrary()) as [Source];
    const stopping = new AbortController();
    const { outcomes, threads } = await fillAll(source, stopping, 5);
    const filled = outcomes.filter((one) => one.filled !== undefined);
    expect(filled.length).toBeLessThan(40);
    expect(filled.length).toBeGreaterThanOrEqual(5);
    const names = filled.map(({ request }) => request.name);
    expect(partials().sort()).toEqual(names.sort());
    await sleep(200);
    expect(partials().sort()).toEqual(names.sort());
    for (const { request } of outcomes) expect(threads.fill(request)).toBeUndefined();
    await source.close();
  });
});

describe('a prefetch with threads', () => {
  it('lists the photos that are wrong, caches all others, and leaves nothing', async () => {
    await setUp(200, 50_000);
    const spoilt = ['years/2021/IMG_00101.jpg', 'years/2023/IMG_00199.jpg'];
    for (const path of spoilt) await spoil(path);
    const done = await place.run('prefetch', '--json');
    expect(done.code, done.stderr).toBe(3);
    const { failed } = JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '');
    expect(failed.map(({ path, kind }: { path: string; kind: string }) => `${kind} ${path}`).sort()).toEqual(
      spoilt.map((path) => `bad-content ${path}`),
    );
    expect(await wrongInCache(place, library)).toEqual({ checked: 198, wrong: [] });
    expect(partialsOf(place.cache)).toEqual([]);
  });

  it('serves readers that come while a thread fills', async () => {
    await setUp(150, 300_000);
    const [{ openIndex, closeIndex }, { openCache }, { createFetcher }] = await Promise.all([
      built<typeof IndexModule>('index/open'),
      built<typeof CacheModule>('cache/cache'),
      built<typeof FetcherModule>('fetch/fetcher'),
    ]);
    const index = openIndex(join(place.home, 'index.db'));
    const cache = openCache(place.cache, index);
    const [source] = (await openLibrary()) as [Source];
    const fetcher = createFetcher({ index, cache, home: place.home, sources: [source], log: () => {} });
    const files = listFiles(place.home);
    const fetched = files.map(({ ino }) => fetcher.ensure(ino, signal).published);
    const read = await Promise.all(files.map(({ ino, size }) => fetcher.read(ino, 0, size, signal)));
    for (const [at, bytes] of read.entries()) {
      const { path = '' } = files[at] ?? {};
      expect(createHash('sha256').update(bytes).digest('hex'), path).toBe(library.files.get(path));
    }
    expect(new Set(await Promise.all(fetched))).toEqual(new Set(['fetched']));
    await fetcher.close();
    await source.close();
    cache.close();
    closeIndex(index);
    expect(await wrongInCache(place, library)).toEqual({ checked: 150, wrong: [] });
  });
});
