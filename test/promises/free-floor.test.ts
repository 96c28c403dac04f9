/**
 * Some of the cache's disk is left free, whoever fetches: a prefetch stops before, and says how far it came; readers of
 * the mount get right bytes all the same, which are not kept then.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlace, type Place } from '../cli/run-program.ts';
import { canMount, runProgram } from '../helpers/mount-client.ts';
import { buildLibrary, type Library, listFiles, partialsOf, wrongInCache } from './library.ts';
import { endMount, mount } from './mounting.ts';
import { fillBytes, freePercent, mountSmallDisk } from './small-disk.ts';

const photos = 60;
let place: Place;
let disk: string;
let library: Library;

beforeEach(async () => {
  place = createPlace({ GPHOTOSFS_CACHE: 'disk/cache' });
  disk = join(place.folder, 'disk');
  mkdirSync(disk);
  if (!canMount()) return;
  mountSmallDisk(place.folder, disk);
  library = await buildLibrary(join(place.folder, 'takeout'), { photos, size: 300_000, parts: 2 });
  await place.run('add', 'takeout', ...library.archives);
  expect((await place.run('sync')).code).toBe(0);
});
afterEach(async () => {
  await place.run('unmount', place.mountPoint);
  if (canMount()) execFileSync('umount', [disk]);
  await place.clean();
});

const cachedCount = () => listFiles(place.home).filter(({ cached }) => cached !== undefined).length;
const floorSays = (percent: number) => `less than ${percent} % of the cache's disk would be left free`;

async function expectFloorKept(percent: number, ...args: string[]): Promise<void> {
  const stopped = await place.run('prefetch', ...args);
  expect(stopped.code, stopped.stderr).toBe(6);
  expect(stopped.stderr).toContain(floorSays(percent));
  const cached = cachedCount();
  expect(cached).toBeGreaterThan(5);
  expect(cached).toBeLessThan(photos);
  expect(stopped.stdout).toContain(`${cached} of ${photos} files`);
  expect(partialsOf(join(disk, 'cache'))).toEqual([]);
  // Close to it: directories and the file system's own need some.
  expect(freePercent(disk)).toBeGreaterThanOrEqual(percent - 0.1);
  expect(freePercent(disk)).toBeLessThan(percent + 5);

  const mounted = await mount(place, ...args);
  const paths = [...library.files.keys()];
  const { status, stdout } = await runProgram(
    'sha256sum',
    ...paths.map((path) => join(place.mountPoint, path)),
  );
  const hashes = stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ', 1)[0]);
  expect({ status, hashes }).toEqual({ status: 0, hashes: paths.map((path) => library.files.get(path)) });
  expect(mounted.stderr()).toContain(floorSays(percent));
  await endMount(mounted);
  expect(cachedCount()).toBeLessThan(photos);
  expect(freePercent(disk)).toBeGreaterThanOrEqual(percent - 0.1);
}

async function expectFinished(...args: string[]): Promise<void> {
  const finished = await place.run('prefetch', ...args);
  expect(finished.code, finished.stderr).toBe(0);
  const cache = join(disk, 'cache');
  expect(await wrongInCache({ home: place.home, cache }, library)).toEqual({ checked: photos, wrong: [] });
}

describe.runIf(canMount())('a part of the cache disk that is left free', () => {
  it('is 5 % where nobody says otherwise; it goes on when there is room', async () => {
    fillBytes(disk, 11_000_000);
    await expectFloorKept(5);
    rmSync(join(disk, 'filler'));
    await expectFinished();
  });

  it('is what the option says; with none, the disk is filled', async () => {
    await expectFloorKept(85, '--free-floor', '85');
    await expectFinished('--free-floor', '0');
  });
});
