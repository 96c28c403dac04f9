/**
 * A cache disk that fails, or can't be written any more: what is cached is read right or not at all, what isn't is read
 * right from its source, and the mount lives on.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlace, type Place } from '../cli/run-program.ts';
import { canMount, eventually, runProgram } from '../helpers/mount-client.ts';
import { python } from '../mount/semantics/hands.ts';
import { buildLibrary, type Library, partialsOf, wrongInCache } from './library.ts';
import { endMount, mount } from './mounting.ts';
import { mountSmallDisk } from './small-disk.ts';

let place: Place;
let disk: string;
let library: Library;

beforeEach(async () => {
  place = createPlace({ GPHOTOSFS_CACHE: 'disk/cache' });
  disk = join(place.folder, 'disk');
  mkdirSync(disk);
  if (!canMount()) return;
  mountSmallDisk(place.folder, disk);
  library = await buildLibrary(join(place.folder, 'takeout'), { photos: 80, size: 400_000, parts: 2 });
  await place.run('add', 'takeout', ...library.archives);
  expect((await place.run('sync')).code).toBe(0);
  for (const year of ['2020', '2021', '2022'])
    expect((await place.run('prefetch', '--year', year)).code).toBe(0);
});
afterEach(async () => {
  await place.run('unmount', place.mountPoint);
  // A disk that failed may not let go at once.
  if (canMount()) execFileSync('umount', ['-l', disk]);
  await place.clean();
});

/** SHA-256 of a photo as a program reads it; undefined where it gets an error. */
async function hashOf(path: string): Promise<string | undefined> {
  const { status, stdout, stderr } = await runProgram('sha256sum', path);
  if (status === 0) return stdout.toString().split(' ', 1)[0];
  expect(stderr).toContain('Input/output error');
  return undefined;
}

/** Reads photos through the mount; gives how many were right, and fails where one was wrong. */
async function readAll(paths: readonly string[]): Promise<number> {
  let right = 0;
  for (const path of paths) {
    const hash = await hashOf(join(place.mountPoint, path));
    if (hash === undefined) continue;
    expect(hash, path).toBe(library.files.get(path));
    right += 1;
  }
  return right;
}

/**
 * Makes the file system fail from now on, as after an error of its disk: FS_IOC_SHUTDOWN of linux/fs.h, whose flag 2
 * leaves the log unwritten. Everything on it is EIO until it is mounted again.
 */
function breakDisk(): void {
  const code =
    'import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], 0), 0x8004587D, struct.pack("I", 2))';
  execFileSync(python, ['-c', code, disk]);
}

/** Reads some of a file, and the rest when a line comes; tells what came of it. */
const readHalf = `
import errno, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
os.pread(fd, 1000, 0)
print('begun', flush=True)
sys.stdin.readline()
try:
    for at in range(0, os.fstat(fd).st_size, 4096): os.pread(fd, 4096, at)
    print('all of it')
except OSError as e: print(errno.errorcode[e.errno])
`;

const cachedPaths = () => [...library.files.keys()].filter((path) => !path.startsWith('years/2023'));

describe.runIf(canMount())('a cache disk', () => {
  it('that fails gives right bytes or errors, file by file; the mount lives on, and so does what was cached', {
    timeout: 400_000,
  }, async () => {
    const mounted = await mount(place);
    // One that is in the middle of a cached photo, which the kernel holds no page of.
    const [half = ''] = cachedPaths();
    const reader = spawn(python, ['-c', readHalf, join(place.mountPoint, half)]);
    let told = '';
    reader.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    await eventually(
      () => told,
      (text) => text !== '',
    );
    breakDisk();
    expect(await hashOf(join(disk, 'cache', half)), 'the disk gives errors').toBeUndefined();
    reader.stdin.end('\n');
    await once(reader, 'close');
    expect(told.trim().split('\n').at(-1), 'what it gets then').toMatch(/^(EIO|all of it)$/);

    // From their source, past the cache.
    expect(await readAll([...library.files.keys()])).toBe(library.files.size);
    expect(mounted.stderr()).toContain('its disk reports an error');
    const away = join(place.folder, 'away');
    renameSync(join(place.folder, 'takeout'), away);
    expect(await hashOf(join(place.mountPoint, cachedPaths().at(-1) ?? ''))).toSatisfy(
      (hash) => hash === undefined || hash === library.files.get(cachedPaths().at(-1) ?? ''),
    );
    renameSync(away, join(place.folder, 'takeout'));
    expect(mounted.child.exitCode).toBeNull();
    const years = await runProgram('ls', join(place.mountPoint, 'years'));
    expect(years.stdout.toString()).toBe('2020\n2021\n2022\n2023\n');
    const refused = await place.run('prefetch');
    expect(refused.code, refused.stderr).toBe(6);
    expect(refused.stderr).toContain('its disk reports an error');
    expect(refused.stdout).toContain(`${cachedPaths().length} of ${library.files.size} files in the cache`);
    const repaired = await place.run('verify', '--repair');
    expect(repaired.code, repaired.stderr).toBe(6);
    expect(repaired.stderr).toContain('its disk reports an error');
    const ending = performance.now();
    await endMount(mounted);
    expect(performance.now() - ending).toBeLessThan(5000);

    execFileSync('umount', [disk]);
    execFileSync('mount', ['-o', 'loop', join(place.folder, 'disk.img'), disk]);
    expect((await place.run('prefetch')).code).toBe(0);
    // What could not be read then is right now.
    expect((await place.run('verify')).stdout).toContain('All is right.');
    const cache = join(disk, 'cache');
    expect(await wrongInCache({ home: place.home, cache }, library)).toEqual({ checked: 80, wrong: [] });
    expect(partialsOf(cache)).toEqual([]);
  });

  it('that is read-only gives all that it has; prefetch says why it can do nothing, and does it later', {
    timeout: 400_000,
  }, async () => {
    const [rotten = ''] = cachedPaths();
    const rot = () => readFileSync(join(disk, 'cache', rotten));
    writeFileSync(join(disk, 'cache', rotten), rot().reverse());
    const rotted = rot();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const repaired = await place.run('verify', '--repair');
    expect(repaired.code, repaired.stderr).toBe(6);
    expect(repaired.stderr).toContain('its disk is read-only');
    expect(rot().equals(rotted), 'it stays as it is').toBe(true);
    const refused = await place.run('prefetch');
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain('its disk is read-only');
    expect(refused.stdout).toContain(
      `${cachedPaths().length - 1} of ${library.files.size} files in the cache`,
    );
    const mounted = await mount(place);
    expect(await readAll([...library.files.keys()])).toBe(library.files.size);
    expect(mounted.stderr()).toContain('read-only');
    await endMount(mounted);
    expect(partialsOf(join(disk, 'cache'))).toEqual([]);
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    const mended = await place.run('verify', '--repair');
    expect(mended).toMatchObject({ code: 0, stdout: expect.stringContaining('1 file fetched again') });
    expect((await place.run('prefetch')).code).toBe(0);
  });
});
