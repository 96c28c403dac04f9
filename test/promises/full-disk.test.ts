/**
 * A cache on a disk that is too small, in bytes or in inodes, on one of its own or the home's: readers of the mount get
 * right bytes all the same, prefetch says how far it came, and goes on when there is room.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlace, type Place } from '../cli/run-program.ts';
import { canMount, eventually, runProgram } from '../helpers/mount-client.ts';
import {
  buildLibrary,
  contentsOf,
  filesIn,
  type Library,
  listFiles,
  partialsOf,
  wrongInCache,
} from './library.ts';
import { endMount, mount, mountWith } from './mounting.ts';
import { fillBytes, fillDisk, mountSmallDisk } from './small-disk.ts';

let place: Place;
let disk: string;
let cache: string;

beforeEach(() => {
  // To the last byte: `free-floor.test.ts` is about stopping before.
  place = createPlace({ GPHOTOSFS_CACHE: 'disk/cache', GPHOTOSFS_FREE_FLOOR: '0' });
  disk = join(place.folder, 'disk');
  cache = join(disk, 'cache');
  mkdirSync(disk);
  if (canMount()) mountSmallDisk(place.folder, disk);
});
afterEach(async () => {
  await place.run('unmount', place.mountPoint);
  // What a test that failed has left may still use it.
  if (canMount()) execFileSync('umount', ['-l', disk]);
  await place.clean();
});

const diskIsFull = /its disk is full/;

/** Takes inodes from the disk until only so many are left. */
function fillInodes(left: number): void {
  mkdirSync(join(disk, 'filler'));
  for (let count = 0; statfsSync(disk).ffree > left; count++)
    writeFileSync(join(disk, 'filler', String(count)), '');
}

describe.runIf(canMount())('a cache disk', () => {
  it.each([
    ['bytes', { photos: 60, size: 500_000 }, () => fillBytes(disk, 15_000_000)],
    ['inodes', { photos: 400, size: 3000 }, () => fillInodes(150)],
  ] as const)(
    'without %s left costs no reader a byte; prefetch stops, and goes on',
    async (_, spec, fill) => {
      const library: Library = await buildLibrary(join(place.folder, 'takeout'), { ...spec, parts: 2 });
      await place.run('add', 'takeout', ...library.archives);
      expect((await place.run('sync')).code).toBe(0);
      const { blocks, bsize, files } = statfsSync(disk);
      expect(blocks * bsize).toBeLessThanOrEqual(64 << 20);
      expect(files).toBeLessThanOrEqual(1024);
      fill();

      const stopped = await place.run('prefetch');
      expect(stopped.code, stopped.stderr).toBe(6);
      const cached = cachedCount();
      expect(cached).toBeGreaterThan(spec.photos / 10);
      expect(cached).toBeLessThan(spec.photos);
      expect(stopped.stdout).toContain(`${cached} of ${spec.photos} files`);
      expect(stopped.stderr).toMatch(diskIsFull);
      // Whole files under their names, nothing else.
      const kept = filesIn(await contentsOf(cache));
      for (const [path, hash] of kept) expect(hash).toBe(library.files.get(path));
      expect(partialsOf(cache)).toEqual([]);
      expect((await place.run('prefetch')).code, 'the second one, with nothing changed').toBe(6);

      const mounted = await mount(place);
      const paths = [...library.files.keys()].slice(-80);
      const { status, stdout } = await runProgram(
        'sha256sum',
        '--',
        ...paths.map((path) => join(place.mountPoint, path)),
      );
      const hashes = stdout
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ', 1)[0]);
      expect({ status, hashes }).toEqual({ status: 0, hashes: paths.map((path) => library.files.get(path)) });
      expect(mounted.stderr(), 'it was full').toMatch(diskIsFull);
      expect(cachedCount()).toBeLessThan(spec.photos);
      await endMount(mounted);

      rmSync(join(disk, 'filler'), { recursive: true });
      const finished = await place.run('prefetch');
      expect(finished.code, finished.stderr).toBe(0);
      expect(await wrongInCache({ home: place.home, cache }, library)).toEqual({
        checked: spec.photos,
        wrong: [],
      });
      expect(partialsOf(cache)).toEqual([]);
    },
  );
});

describe.runIf(canMount())('a disk that has home and cache, without a byte left', () => {
  it.each([
    ['', ''],
    [' and the temporary folder has none either', 'tmp'],
  ])('costs no reader a byte%s; prefetch says how far it came, and goes on', async (_, folder) => {
    const library = await buildLibrary(join(place.folder, 'takeout'), {
      photos: 60,
      size: 500_000,
      parts: 2,
    });
    const temporary = folder === '' ? {} : { TMPDIR: join(disk, folder) };
    mkdirSync(join(disk, folder), { recursive: true });
    const env = { GPHOTOSFS_HOME: disk, GPHOTOSFS_CACHE: cache, ...temporary };
    const run = (...args: string[]) => place.runWith(env, ...args);
    await run('add', 'takeout', ...library.archives);
    expect((await run('sync')).code).toBe(0);
    const prefetched = async (code: number) => {
      const { code: got, stdout, stderr } = await run('prefetch');
      expect(got, stderr).toBe(code);
      return { stdout, stderr };
    };
    const hashes = async (paths: readonly string[]) => {
      const places = paths.map((path) => join(place.mountPoint, path));
      const { stdout } = await runProgram('sha256sum', '--', ...places);
      const lines = stdout.toString().trimEnd().split('\n');
      return lines.map((line) => line.split(' ', 1)[0]);
    };
    const paths = [...library.files.keys()];
    const right = (some: readonly string[]) => some.map((path) => library.files.get(path));

    // Full under a mount that is up, and then before one.
    for (const some of [paths.slice(0, 15), paths.slice(15, 30)]) {
      const isFullBefore = existsSync(join(disk, 'filler'));
      const mounted = await mountWith(place, env);
      if (!isFullBefore) fillDisk(disk);
      expect(await hashes(some)).toEqual(right(some));
      expect(mounted.stderr(), 'it was full').toMatch(/cannot be cached: .*full/);
      const { stdout, stderr } = await prefetched(6);
      expect(stdout).toContain('0 of 60 files');
      expect(stderr).toMatch(/Free some space/);
      await endMount(mounted);
    }
    expect((await prefetched(6)).stdout).toContain('0 of 60 files');

    const mounted = await mountWith(place, env);
    expect(await hashes(paths.slice(30, 31))).toEqual(right(paths.slice(30, 31)));
    rmSync(join(disk, 'filler'));
    expect(await hashes(paths.slice(31, 33))).toEqual(right(paths.slice(31, 33)));
    const isCached = () => paths.slice(31, 33).every((path) => existsSync(join(cache, path)));
    expect(await eventually(isCached, (yes) => yes), 'it goes on by itself').toBe(true);
    await endMount(mounted);
    await prefetched(0);
    expect(await wrongInCache({ home: disk, cache }, library)).toEqual({ checked: 60, wrong: [] });
    expect(partialsOf(cache)).toEqual([]);
  });
});

const cachedCount = (): number =>
  existsSync(place.home) ? listFiles(place.home).filter((file) => file.cached !== undefined).length : 0;
