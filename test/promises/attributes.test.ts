/** What backup programs go by is the same for ever: of 10,000 files over all that happens to a library. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlace, type Place, until } from '../cli/run-program.ts';
import { canMount } from '../helpers/mount-client.ts';
import { attributesOf, buildLibrary, contentsOf, filesIn, type Library, listFiles } from './library.ts';
import { endMount, mount, mountWith } from './mounting.ts';

const photos = 10_000;

let place: Place;
let library: Library;
beforeAll(async () => {
  place = createPlace();
  const albums = [{ folder: 'Summer in Italy', every: 10 }];
  library = await buildLibrary(join(place.folder, 'takeout'), { photos, size: 300, albums });
  await place.run('add', 'takeout', ...library.archives);
  expect((await place.run('sync')).code).toBe(0);
});
afterAll(() => place.clean());

describe.runIf(canMount())(
  `inode, type, mode, links, size, blocks, mtime, ctime and name of ${photos} files`,
  () => {
    it('are the same after remounts, syncs, moved archives, a prefetch, a rebuild and a copy of the state', {
      timeout: 600_000,
    }, async () => {
      const see = async () => {
        const mounted = await mount(place);
        const seen = await attributesOf(place.mountPoint);
        await endMount(mounted);
        return seen;
      };
      const first = await see();
      expect([...first.keys()].filter((path) => library.files.has(path))).toHaveLength(photos);
      expect([...first.keys()].filter((path) => path.startsWith('albums/Summer in Italy/'))).toHaveLength(
        photos / 10,
      );
      expect(new Set([...first.values()].map((line) => line.split(' ', 1)[0])).size).toBe(first.size);

      const expectSame = async (after: string, seen?: ReadonlyMap<string, string>) => {
        const now = seen ?? (await see());
        const changed = [...first].filter(([path, line]) => now.get(path) !== line);
        // A few are enough to read; all of them take minutes to print.
        const examples = changed.slice(0, 3).map(([path, line]) => [path, line, now.get(path)]);
        expect(examples, `after ${after}`).toEqual([]);
        expect(now.size, `after ${after}`).toBe(first.size);
      };
      // Times are whole seconds: what is set to "now" shows only in another one.
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await expectSame('a remount');
      expect((await place.run('sync')).code).toBe(0);
      await expectSame('a sync');
      expect((await place.run('sync', '--rescan')).code).toBe(0);
      await expectSame('a rescan');

      moveArchives();
      expect((await place.run('add', 'takeout', join(place.folder, 'moved'))).code).toBe(0);
      // The paths given at first lead nowhere now, and it says so.
      expect((await place.run('sync')).code).toBe(3);
      await expectSame('a move of the archives');

      const mounted = await mount(place);
      expect(await place.run('prefetch')).toMatchObject({ code: 0 });
      expect(listFiles(place.home).filter(({ cached }) => cached === undefined)).toEqual([]);
      await expectSame(
        'a prefetch, in the mount that was up meanwhile',
        await attributesOf(place.mountPoint),
      );
      await endMount(mounted);
      await expectSame('a prefetch');
      await place.run('sync', '--rescan');
      await expectSame('a rescan of what is cached');

      const through = await mount(place);
      for (const end of ['', '-wal', '-shm']) rmSync(join(place.home, `index.db${end}`), { force: true });
      expect((await place.run('sync', '--rebuild')).code).toBe(3);
      await until(() => through.stderr().includes('was replaced'));
      await expectSame(
        'a rebuild of the index, in the mount that was up meanwhile',
        await attributesOf(place.mountPoint),
      );
      await endMount(through);
      await expectSame('a rebuild of the index');
      expect(listFiles(place.home).filter(({ cached }) => cached === undefined)).toEqual([]);

      // Nothing but the copy is left: neither what it was made of, nor the archives.
      const copy = join(place.folder, 'copy');
      execFileSync('cp', ['-a', place.home, copy]);
      renameSync(place.home, join(place.folder, 'home-before'));
      rmSync(join(place.folder, 'moved'), { recursive: true });
      const copied = await mountWith(place, { GPHOTOSFS_HOME: copy });
      await expectSame('a copy of the state', await attributesOf(place.mountPoint));
      const bytes = filesIn(await contentsOf(place.mountPoint));
      expect(bytes.size).toBe(photos);
      expect([...bytes].filter(([path, hash]) => library.files.get(path) !== hash)).toEqual([]);
      await endMount(copied);
    });
  },
);

function moveArchives(): void {
  const folder = join(place.folder, 'moved');
  mkdirSync(folder);
  for (const archive of library.archives) renameSync(archive, join(folder, basename(archive)));
  rmSync(join(place.folder, 'takeout'), { recursive: true });
}
