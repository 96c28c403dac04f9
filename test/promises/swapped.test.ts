/**
 * A cache, and an unpacked Takeout, in which somebody else swaps folders and files for links, FIFOs and devices while
 * gphotosfs works on them: nothing outside is served, and nothing is written there.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlace, type Place } from '../cli/run-program.ts';
import { canMount, runProgram } from '../helpers/mount-client.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { python } from '../mount/semantics/hands.ts';
import { buildLibrary, contentsOf, filesIn, type Library, sha256 } from './library.ts';
import { endMount, mount } from './mounting.ts';

/** Swaps the names of each pair (renameat2 with RENAME_EXCHANGE) again and again; tells how often when it is ended. */
const swapper = `
import ctypes, os, signal, sys, time
libc, count, over = ctypes.CDLL(None), 0, []
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
pairs = [(os.fsencode(a), os.fsencode(b)) for a, b in zip(sys.argv[1::2], sys.argv[2::2])]
def swap():
    for a, b in pairs: libc.renameat2(-100, a, -100, b, 2)
print('ready', flush=True)
while not over:
    swap(); count += 1
    time.sleep(0.0005 * (count % 7))
if count % 2: swap()
print(count)
`;

interface Swapping {
  /** Ends it, with all as it was; gives how often it has swapped. */
  stop(): Promise<number>;
}

async function startSwapping(
  pairs: readonly (readonly [string, string])[],
  script = swapper,
): Promise<Swapping> {
  const child: ChildProcess = spawn(python, ['-c', script, ...pairs.flat()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return {
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'close');
      return Number(told.trim().split('\n').at(-1));
    },
  };
}

let place: Place;
const outside = (path = '') => join(place.folder, 'outside', path);
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

/** What must not be served, nor be touched. */
function inventory(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { size, mtimeMs, ino } = statSync(join(folder, name));
      return `${name} ${size} ${mtimeMs} ${ino}`;
    });
}

describe.runIf(canMount())('in the cache', () => {
  it('folders and photos swapped for links, FIFOs and devices under a prefetch and readers', {
    timeout: 300_000,
  }, async () => {
    const albums = [{ folder: 'Rome', every: 4 }];
    const library: Library = await buildLibrary(join(place.folder, 'takeout'), {
      photos: 240,
      size: 30_000,
      albums,
    });
    await place.run('add', 'takeout', ...library.archives);
    expect((await place.run('sync')).code).toBe(0);
    const years = join(place.cache, 'years');
    for (const year of ['2020', '2021']) expect((await place.run('prefetch', '--year', year)).code).toBe(0);

    // Outside lies the same library with other bytes of the same sizes and times.
    cpSync(years, outside('years'), { recursive: true, preserveTimestamps: true });
    mkdirSync(outside('years/2022'), { recursive: true });
    mkdirSync(outside('albums/Rome'), { recursive: true });
    for (const name of readdirSync(outside('years'), { recursive: true, encoding: 'utf8' })) {
      const path = outside(join('years', name));
      const { size, atime, mtime } = statSync(path);
      if (statSync(path).isDirectory()) continue;
      writeFileSync(path, Buffer.alloc(size, 'x'));
      utimesSync(path, atime, mtime);
    }
    const before = inventory(outside());
    const inPlaceOf = (path: string, make: (decoy: string) => void): [string, string] => {
      const decoy = join(place.cache, `decoy-${path.replaceAll('/', '-')}`);
      make(decoy);
      mkdirSync(join(place.cache, dirname(path)), { recursive: true });
      return [join(place.cache, path), decoy];
    };
    const link = (to: string) => (decoy: string) => symlinkSync(outside(to), decoy);
    mkdirSync(join(years, '2022'), { recursive: true });
    mkdirSync(join(place.cache, 'albums', 'Rome'), { recursive: true });
    const pairs = [
      inPlaceOf('years/2021', link('years/2021')),
      inPlaceOf('years/2022', link('years/2022')),
      inPlaceOf('albums/Rome', link('albums/Rome')),
      inPlaceOf('years/2020/IMG_00000.jpg', link('years/2020/IMG_00000.jpg')),
      inPlaceOf('years/2020/IMG_00004.jpg', (decoy) => void execFileSync('mkfifo', [decoy])),
      inPlaceOf('years/2020/IMG_00008.jpg', (decoy) => void execFileSync('mknod', [decoy, 'c', '1', '5'])),
      inPlaceOf('years/2020/IMG_00012.jpg', mkdirSync),
    ];
    const mounted = await mount(place);
    const swapping = await startSwapping(pairs);
    const prefetching = place.run('prefetch');
    let right = 0;
    for (let round = 0; round < 3; round++) {
      const paths = [...library.files.keys()].filter((_, at) => at % 3 === round);
      const { stdout } = await runProgram('sha256sum', ...paths.map((path) => join(place.mountPoint, path)));
      for (const line of stdout.toString().trimEnd().split('\n')) {
        const [hash, path = ''] = line.split('  ');
        expect(hash, path).toBe(library.files.get(path.slice(place.mountPoint.length + 1)));
        right += 1;
      }
    }
    const verified = await place.run('verify');
    // What it could not put where it belongs it tells; it may not hang.
    expect([0, 1, 3]).toContain((await prefetching).code);
    expect([0, 3]).toContain(verified.code);
    expect(await swapping.stop(), 'swaps').toBeGreaterThan(100);
    expect(right, 'photos read').toBeGreaterThan(100);
    await endMount(mounted);
    expect(inventory(outside())).toEqual(before);

    for (const [, decoy] of pairs) rmSync(decoy, { recursive: true, force: true });
    await place.run('prefetch');
    expect((await place.run('prefetch')).code).toBe(0);
    expect(filesIn(await contentsOf(place.cache))).toEqual(library.files);
    expect(inventory(outside())).toEqual(before);
  });
});

/** Gives names of partial files to other bytes of their size as soon as they are there; tells how often. */
const partialSwapper = `
import os, signal, sys
folder, over, count, seen = sys.argv[1], [], 0, set()
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
print('ready', flush=True)
while not over:
    for name in os.listdir(folder):
        if name in seen or name.startswith('x'): continue
        path, wanted = os.path.join(folder, name), int(name.split('-')[1])
        if wanted == 0: continue
        try:
            with open(os.path.join(folder, 'x'), 'wb') as other: other.write(b'x' * wanted)
            if not os.path.exists(path): continue
            os.rename(os.path.join(folder, 'x'), path)
            seen.add(name); count += 1
        except OSError: pass
print(count)
`;

describe('among the partial files', () => {
  it('other bytes under the name of a file that a thread has filled are not published as that file', {
    timeout: 120_000,
  }, async () => {
    const library = await buildLibrary(join(place.folder, 'takeout'), { photos: 300, size: 30_000 });
    await place.run('add', 'takeout', ...library.archives);
    expect((await place.run('sync')).code).toBe(0);
    expect((await place.run('prefetch', '--year', '2020')).code).toBe(0);
    const swapping = await startSwapping([[join(place.cache, '.gphotosfs/partial'), '']], partialSwapper);
    await place.run('prefetch');
    expect(await swapping.stop(), 'swaps').toBeGreaterThan(50);
    // What was swapped later is not what was recorded, and is fetched again.
    expect((await place.run('prefetch')).code).toBe(0);
    expect(filesIn(await contentsOf(place.cache))).toEqual(library.files);
    expect((await place.run('verify')).code).toBe(0);
  });
});

describe('in an unpacked Takeout', () => {
  it('photos and folders swapped for links under a sync and a prefetch', { timeout: 300_000 }, async () => {
    const entries = Array.from({ length: 150 }, (_, at) => {
      const name = `IMG_${at}.jpg`;
      return { folder: `Photos from ${2021 + (at % 2)}`, name, bytes: photo(name, 20_000) };
    });
    const [root = ''] = await buildTakeout(join(place.folder, 'takeout'), { format: 'folder', entries });
    const photos = join(root, 'Takeout/Google Photos');
    const right = new Map<string, string>();
    for (const { folder, name } of entries)
      right.set(`years/${folder.slice(-4)}/${name}`, await sha256(join(photos, folder, name)));
    // Secrets under the same names, of the same sizes and times: nothing in a stat tells them apart.
    cpSync(photos, outside(), { recursive: true, preserveTimestamps: true });
    for (const { folder, name } of entries) {
      const path = outside(join(folder, name));
      const { size, atime, mtime } = statSync(path);
      writeFileSync(path, Buffer.alloc(size, 'secret '));
      utimesSync(path, atime, mtime);
    }
    await place.run('add', 'takeout', root);
    expect((await place.run('sync')).code).toBe(0);
    const decoys = join(place.folder, 'decoys');
    mkdirSync(decoys);
    // The folder of one year, the photos of another.
    symlinkSync(outside('Photos from 2021'), join(decoys, 'folder'));
    const pairs: [string, string][] = [[join(photos, 'Photos from 2021'), join(decoys, 'folder')]];
    for (const { folder, name } of entries.slice(0, 40)) {
      if (folder !== 'Photos from 2022') continue;
      symlinkSync(outside(join(folder, name)), join(decoys, name));
      pairs.push([join(photos, folder, name), join(decoys, name)]);
    }
    const swapping = await startSwapping(pairs);
    for (let round = 0; round < 3; round++) {
      await place.run('prefetch');
      await place.run('sync', '--rescan');
    }
    expect(await swapping.stop(), 'swaps').toBeGreaterThan(100);
    const last = await place.run('sync', '--rescan');
    expect(last.code, last.stderr).toBe(0);
    expect((await place.run('prefetch')).code).toBe(0);
    expect(filesIn(await contentsOf(place.cache))).toEqual(right);
  });
});
