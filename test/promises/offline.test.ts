/** Without its sources a library stays as it was: what is cached can be read, the rest is listed and says why not. */
import { cpSync, mkdirSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlace, type Place } from '../cli/run-program.ts';
import { canMount, runProgram } from '../helpers/mount-client.ts';
import { attributesOf, buildLibrary, type Library, listFiles, sha256 } from './library.ts';
import { endMount, mount } from './mounting.ts';

let place: Place;
let library: Library;
const folder = () => join(place.folder, 'takeout');
const elsewhere = () => join(place.folder, 'elsewhere');

beforeEach(async () => {
  place = createPlace();
  const albums = [{ folder: 'Summer in Italy', every: 3 }];
  library = await buildLibrary(folder(), { photos: 400, size: 20_000, albums, parts: 4 });
  // By its folder: what lies in it may change without the owner saying so.
  await place.run('add', 'takeout', folder());
  expect((await place.run('sync')).code).toBe(0);
  // The years 2020 and 2021, a half.
  expect((await place.run('prefetch', '--year', '2020', '--year', '2021')).code).toBe(0);
});
afterEach(() => place.clean());

function takeAway(archives: readonly string[]): void {
  mkdirSync(elsewhere(), { recursive: true });
  for (const archive of archives) renameSync(archive, join(elsewhere(), basename(archive)));
}

const isCached = (path: string): boolean => /^years\/202[01]\//.test(path);
const cachedPaths = () => [...library.files.keys()].filter(isCached);
const uncachedPaths = () => [...library.files.keys()].filter((path) => !isCached(path));

describe.runIf(canMount())('offline', () => {
  it('an added folder may lose archives whose photos are all cached: a sync has nothing to say', async () => {
    expect((await place.run('prefetch')).code).toBe(0);
    takeAway(library.archives.slice(0, 2));
    expect(await place.run('sync')).toMatchObject({ code: 0 });
    expect((await place.run('prefetch')).code).toBe(0);
  });

  for (const when of ['before the mount', 'under the mount']) {
    it(`(archives gone ${when}) lists all, reads what is cached, and says why not the rest`, async () => {
      const first = await mount(place);
      const shown = await attributesOf(place.mountPoint);
      await endMount(first);
      expect(cachedPaths()).toHaveLength(200);

      if (when === 'before the mount') takeAway(library.archives);
      const mounted = await mount(place);
      if (when === 'under the mount') takeAway(library.archives);
      expect(await attributesOf(place.mountPoint)).toEqual(shown);
      for (const path of cachedPaths())
        expect(await sha256(join(place.mountPoint, path))).toBe(library.files.get(path));

      for (const path of uncachedPaths().slice(0, 5)) {
        const since = performance.now();
        const { status, stdout, stderr } = await runProgram('cat', join(place.mountPoint, path));
        expect([status, stdout.length]).toEqual([1, 0]);
        expect(stderr).toContain('Input/output error');
        expect(performance.now() - since).toBeLessThan(5000);
      }
      expect(mounted.stderr()).toMatch(/takeout-\S+\.zip/);
      expect(mounted.stderr()).toMatch(/IMG_\d+\.jpg/);
      await endMount(mounted);

      const second = await mount(place);
      expect(await attributesOf(place.mountPoint)).toEqual(shown);
      await endMount(second);
      expect(listFiles(place.home).filter(({ cached }) => cached !== undefined)).toHaveLength(200);

      for (const archive of library.archives) renameSync(join(elsewhere(), basename(archive)), archive);
      expect((await place.run('prefetch')).code).toBe(0);
      const [path = ''] = uncachedPaths();
      expect(await sha256(join(place.cache, path))).toBe(library.files.get(path));
    });
  }

  it('a copied cache that no source knows any more is checked and read, by both drivers, and prefetch checks it', async () => {
    const [damaged = '', ...right] = cachedPaths();
    expect(await place.run('remove', 'takeout')).toMatchObject({ code: 0 });
    for (const way of ['kernel', 'fuse-native', 'prefetch'] as const) {
      const copy = join(place.folder, `copied for ${way}`);
      cpSync(place.cache, copy, { recursive: true, verbatimSymlinks: true });
      writeFileSync(join(copy, damaged), 'damaged');
      expect((await place.run('adopt', copy)).code).toBe(0);
      if (way === 'prefetch') {
        const ended = await place.run('prefetch', '--year', '2020', '--year', '2021', '--json');
        const report = JSON.parse(ended.stdout.split('\n')[0] ?? '');
        expect(report).toMatchObject({ reusedFiles: right.length, fetchedFiles: 0 });
        expect(report.failed.map(({ path }: { path: string }) => path)).toEqual([damaged]);
        expect(ended.code).toBe(3);
      } else {
        const mounted = await mount(place, '--driver', way);
        for (const path of right)
          expect(await sha256(join(place.mountPoint, path))).toBe(library.files.get(path));
        const { status, stderr } = await runProgram('cat', join(place.mountPoint, damaged));
        expect([status, stderr]).toEqual([1, expect.stringContaining('Input/output error')]);
        await endMount(mounted);
      }
    }
    writeFileSync(
      join(place.folder, 'copied for prefetch', damaged),
      readFileSync(join(place.cache, damaged)),
    );
    expect((await place.run('prefetch', '--year', '2020', '--year', '2021')).code).toBe(0);
  });

  it.each([
    ['half of the archives', (all: readonly string[]) => takeAway(all.slice(2))],
    ['all archives', (all: readonly string[]) => takeAway(all)],
    [
      'the folder itself',
      () => {
        renameSync(folder(), elsewhere());
      },
    ],
    [
      'the second half of each archive',
      (all: readonly string[]) => {
        for (const archive of all) truncateSync(archive, statSync(archive).size >> 1);
      },
    ],
    [
      'the bytes of all archives',
      (all: readonly string[]) => {
        for (const archive of all) writeFileSync(archive, '');
      },
    ],
  ])('deletes nothing when %s is gone at a sync', async (what, takeFrom) => {
    const mounted = await mount(place);
    const shown = await attributesOf(place.mountPoint);
    takeFrom(library.archives);
    const syncs = [await place.run('sync'), await place.run('sync', '--rescan'), await place.run('sync')];
    // It is told at each sync, for photos that are not cached went with them.
    expect(syncs.map(({ code }) => code)).not.toContain(0);
    for (const { stderr } of syncs) expect(stderr).toContain(folder());
    if (what === 'half of the archives') expect(syncs.at(-1)?.stderr).toContain('that only it has');
    const prefetched = await place.run('prefetch');
    expect(prefetched.code).not.toBe(0);
    expect(prefetched.stderr).toContain('years/202');
    expect(await attributesOf(place.mountPoint)).toEqual(shown);
    for (const path of cachedPaths())
      expect(await sha256(join(place.mountPoint, path))).toBe(library.files.get(path));
    await endMount(mounted);
    const again = await mount(place);
    expect(await attributesOf(place.mountPoint)).toEqual(shown);
    await endMount(again);
    const kept = listFiles(place.home).filter(({ cached }) => cached !== undefined);
    expect(kept.map(({ path }) => path)).toEqual(expect.arrayContaining(cachedPaths()));
  });
});
