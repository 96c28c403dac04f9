/** A mount whose index is deleted and made again: it goes on, goes over to the new one, and fetches nothing again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlace, type Place, until } from '../cli/run-program.ts';
import { canMount } from '../helpers/mount-client.ts';
import { attributesOf, buildLibrary, journalOf, listFiles, wrongInCache } from './library.ts';
import { endMount, mount } from './mounting.ts';

let place: Place;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

/** By programs of their own: whoever reads a mount from the process that waits for it waits for itself. */
async function hashesOf(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const child = spawn('sha256sum', ['--', ...paths], { cwd: place.mountPoint });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  await once(child, 'close');
  const lines = stdout.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

const spec = { photos: 120, size: 100_000, albums: [{ folder: 'Summer in Italy', every: 6 }] };
const takeout = (): string => join(place.folder, 'takeout');

async function grow(first: number, photos: number) {
  return buildLibrary(takeout(), {
    ...spec,
    first,
    photos,
    exportTime: `202601${10 + first / 1000}T120000Z`,
  });
}

describe.runIf(canMount()).each(['kernel', 'fuse-native'])(
  'the index is deleted under a mount by %s',
  (driver) => {
    // Without its log, a new index would have found that of the mount.
    it.each([
      ['with its log', ['', '-wal', '-shm']],
      ['without its log', ['']],
    ])('%s', async (_, ends) => {
      const files = new Map((await buildLibrary(takeout(), spec)).files);
      await place.run('add', 'takeout', takeout());
      expect((await place.run('sync')).code).toBe(0);
      expect((await place.run('prefetch', '--year', '2020')).code).toBe(0);
      const mounted = await mount(place, '--driver', driver);
      const before = await attributesOf(place.mountPoint);
      const of = (year: number) => [...files.keys()].filter((path) => path.includes(`/${year}/`));
      const expectRight = async (paths: readonly string[]) =>
        expect(await hashesOf(paths)).toEqual(new Map(paths.map((path) => [path, files.get(path)])));
      await expectRight(of(2021).slice(0, 10));

      // Readers all the while.
      const known = [...of(2020), ...of(2021)];
      let reading = true;
      let rounds = 0;
      const readers = (async () => {
        for (; reading; rounds++) await expectRight(known);
      })();
      for (const end of ends) rmSync(join(place.home, `index.db${end}`), { force: true });
      await expectRight(of(2022).slice(0, 10));
      expect(existsSync(join(place.home, 'index.db'))).toBe(false);

      expect(await place.run('sync', '--rebuild')).toMatchObject({ code: 0 });
      await until(() => mounted.stderr().includes('was replaced'));
      await expectRight(of(2022));
      const more = await grow(1000, 40);
      for (const [path, hash] of more.files) files.set(path, hash);
      expect((await place.run('sync')).code).toBe(0);
      const [newest = ''] = more.files.keys();
      await until(() => readdirOf(newest).includes(basename(newest)), 20_000);
      await expectRight([...more.files.keys()].slice(0, 10));
      expect((await place.run('prefetch')).code).toBe(0);
      reading = false;
      await readers;
      expect(rounds).toBeGreaterThan(1);
      await expectRight([...files.keys()]);

      // The kernel may hold on to attributes for as long as it was told.
      if (driver === 'fuse-native') await sleep(5500);
      const after = await attributesOf(place.mountPoint);
      const isOld = (path: string) => /IMG_0\d{4}/.test(path);
      const old = (all: ReadonlyMap<string, string>) => new Map([...all].filter(([path]) => isOld(path)));
      expect(old(before).size).toBeGreaterThan(files.size - 40);
      for (const [path, line] of old(before)) expect(after.get(path), path).toBe(line);
      await endMount(mounted);

      expect(await wrongInCache(place, { files })).toEqual({ checked: files.size, wrong: [] });
      const published = journalOf(place.cache).filter(({ type }) => type === 'cached');
      expect(published.map(({ ino }) => ino).sort()).toEqual(
        listFiles(place.home)
          .map(({ ino }) => ino)
          .sort(),
      );
      expect(readdirSync(join(place.cache, '.gphotosfs/superseded'))).toEqual([]);
    });
  },
);

const readdirOf = (path: string): string[] => readdirSync(join(place.mountPoint, path, '..'));
