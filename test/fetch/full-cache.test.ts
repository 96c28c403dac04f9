/** A cache that takes nothing more: reads stay right, nothing half is visible, and it goes on when there is room. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { everything } from '../../src/model/filter.ts';
import { planPrefetch } from '../../src/prefetch/plan.ts';
import { prefetch } from '../../src/prefetch/run.ts';
import { type FetchTaskOf, sharedExport } from '../helpers/fetch-process.ts';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  kindOf,
  openFds,
  signal,
  type TestHome,
} from '../helpers/test-home.ts';

const canMount = process.getuid?.() === 0;
let disk: string;
let test: TestHome;

/** A small file system of its own, with the cache in it. */
function mountDisk(options: string): string {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]);
  return join(disk, 'cache');
}
beforeEach(() => {
  disk = mkdtempSync(join(tmpdir(), 'gphotosfs-disk-'));
});
afterEach(async () => {
  await test.remove();
  try {
    execFileSync('umount', [disk], { stdio: 'ignore' });
  } catch {
    // It was not mounted.
  }
  rmSync(disk, { recursive: true, force: true });
});

const task = (photos: number, size: number): FetchTaskOf => ({ home: '', cachePath: '', photos, size });
const run = () =>
  prefetch({
    index: test.index,
    cache: test.cache,
    fetcher: test.fetcher,
    sources: [test.source],
    plan: planPrefetch(test.index, everything),
    jobs: 2,
    signal,
    progress: () => {},
  });

describe.runIf(canMount)('a full disk', () => {
  it('stops a prefetch, which says so; what is cached is whole; it goes on when there is room', async () => {
    const exported = sharedExport(task(100, 500_000));
    test = await createTestHome({ exports: [exported], cachePath: mountDisk('size=32m') });
    const stopped = await run();
    expect(stopped).toMatchObject({ complete: false, failed: [], stopped: { kind: 'no-space' } });
    // Two jobs had eight files each under way, and none of these may have found room.
    expect(statfsSync(disk).bavail * statfsSync(disk).bsize).toBeLessThan(17 * 500_000);
    expect(stopped.fetchedFiles).toBeGreaterThan(45);
    expect(stopped.fetchedFiles).toBeLessThan(68);
    // No fetch is under way any more when it ends.
    await vi.waitFor(() => expect(test.partials()).toEqual([]));
    const cachedFiles = execFileSync('find', [
      test.cachePath,
      '-path',
      '*/years/*',
      '-type',
      'f',
      '-printf',
      '%s\n',
    ]);
    expect(new Set(cachedFiles.toString().trim().split('\n'))).toEqual(new Set(['500000']));

    execFileSync('mount', ['-o', 'remount,size=64m', disk]);
    const finished = await run();
    expect(finished).toMatchObject({
      complete: true,
      fetchedFiles: 100 - stopped.fetchedFiles,
      stopped: undefined,
    });
    for (let at = 0; at < 100; at += 9)
      expectBytes(test.cached(`years/2021/${at}.jpg`), distinctBytes(at, 500_000));
  });

  for (const [what, options] of [
    ['bytes', 'size=4m'],
    ['inodes', 'size=64m,nr_inodes=20'],
  ] as const) {
    it(`(no ${what} left) keeps no reader from right bytes, and leaves nothing`, async () => {
      const exported = sharedExport(task(1, 3_000_000));
      test = await createTestHome({ exports: [exported], cachePath: mountDisk(options) });
      await test.cache;
      if (what === 'bytes') writeFileSync(join(disk, 'filler'), Buffer.alloc(3_000_000));
      else for (let at = 0; !isFull(at); at++);
      const bytes = distinctBytes(0, 3_000_000);
      await test.fetcher;
      const before = openFds().length;
      // Bytes from before the disk ran full, and from behind.
      const parts = await Promise.all(
        [0, 700_000, 1_500_000, 2_999_000].map((at) => test.read('years/2021/0.jpg', at, 1000)),
      );
      expectBytes(
        Buffer.concat(parts),
        Buffer.concat([0, 700_000, 1_500_000, 2_999_000].map((at) => bytes.subarray(at, at + 1000))),
      );
      expectBytes(await test.read('years/2021/0.jpg'), bytes);
      expect(test.source.opened).toEqual(['0.jpg']);
      expect(test.partials()).toEqual([]);
      expect(test.logs.join('\n')).toMatch(/cannot be cached: its disk is full/);
      expect(await kindOf(test.ensure('years/2021/0.jpg'))).toBe('no-space');
      // The loose file, and nothing on the full disk, which a deleted file would still fill.
      expect(openFds().length).toBeLessThanOrEqual(before + 1);
      expect(openFds().filter((path) => path.includes('deleted'))).toEqual([
        expect.stringMatching(/^\/tmp\/gphotosfs-[0-9a-f]+ \(deleted\)$/),
      ]);
      rmSync(join(disk, 'filler'), { recursive: true });
      // A place that was not at fault is not passed over.
      expect(await test.ensure('years/2021/0.jpg')).toBe('fetched');
      expectBytes(await test.read('years/2021/0.jpg'), bytes);
    });
  }

  function isFull(at: number): boolean {
    try {
      mkdirSync(join(disk, 'filler'), { recursive: true });
      writeFileSync(join(disk, `filler/${at}`), '');
      return false;
    } catch {
      return true;
    }
  }

  it('keeps a reader going that joined a prefetch of the same file', async () => {
    test = await createTestHome({
      exports: [sharedExport(task(1, 3_000_000))],
      cachePath: mountDisk('size=2m'),
    });
    test.source.breakOpen({ kind: 'stall', at: 1_000_000 });
    const ensured = kindOf(test.ensure('years/2021/0.jpg'));
    await vi.waitFor(() => expect(test.source.fired).toHaveLength(1));
    const reading = test.read('years/2021/0.jpg');
    test.source.resume();
    expectBytes(await reading, distinctBytes(0, 3_000_000));
    expect(await ensured).toBe('no-space');
    expect(test.source.opened).toHaveLength(1);
  });
});

describe.runIf(canMount)('a read-only cache', () => {
  it('is read from, and keeps no reader from bytes that it lacks; a prefetch says why it can do nothing', async () => {
    test = await createTestHome({
      exports: [sharedExport(task(3, 100_000))],
      cachePath: mountDisk('size=16m'),
    });
    const writable = openCache(test.cachePath, test.index);
    const first = test.newFetcher({ cache: writable });
    await first.ensure(test.ino('years/2021/0.jpg'), signal).published;
    // A file that is open for writing would keep the disk from becoming read-only.
    await first.close();
    writable.close();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    expectBytes(await test.read('years/2021/0.jpg'), distinctBytes(0, 100_000));
    expectBytes(await test.read('years/2021/1.jpg'), distinctBytes(1, 100_000));
    expect(await run()).toMatchObject({ fetchedFiles: 0, failed: [], stopped: { kind: 'cache-failing' } });
    expect(await kindOf(test.ensure('years/2021/1.jpg'))).toBe('cache-failing');
    expect(test.source.opened).toEqual(['0.jpg', '1.jpg']);
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    expect(await run()).toMatchObject({ complete: true, fetchedFiles: 2 });
  });
});

describe('a directory of the cache that refuses files', () => {
  it.runIf(canMount)(
    '(for an ordinary user) fails the files in it, names them, and the others go on',
    async () => {
      // Root may write everywhere: the same as a user, in a process of its own.
      test = await createTestHome({ exports: [sharedExport(task(2, 1000))] });
      await test.ensure('years/2021/0.jpg');
      const { execFile } = await import('node:child_process');
      const script = `
      import { createFetcher } from '${new URL('../../src/fetch/fetcher.ts', import.meta.url).href}';
      import { openCache } from '${new URL('../../src/cache/cache.ts', import.meta.url).href}';
      import { openIndex } from '${new URL('../../src/index/open.ts', import.meta.url).href}';
      import { memorySource } from '${new URL('../helpers/memory-source.ts', import.meta.url).href}';
      import { sharedExport } from '${new URL('../helpers/fetch-process.ts', import.meta.url).href}';
      process.setgid(65534); process.setuid(65534);
      const index = openIndex('${test.home}/index.db');
      const cache = openCache('${test.cachePath}', index);
      const source = memorySource({ exports: [sharedExport(${JSON.stringify(task(2, 1000))})] });
      const fetcher = createFetcher({ index, cache, home: '${test.home}', sources: [source], log: () => {} });
      const signal = new AbortController().signal;
      const kindOf = (promise) => promise.then(() => 'fine', (error) => error.kind + ': ' + error.message);
      const size = (ino) => fetcher.read(ino, 0, 5000, signal).then(({ length }) => length, (error) => error.message);
      const [unreadable, missing] = [${test.ino('years/2021/0.jpg')}, ${test.ino('years/2021/1.jpg')}];
      console.log(JSON.stringify([await size(unreadable), await size(missing), await kindOf(fetcher.ensure(missing, signal).published)]));
      await fetcher.close();`;
      execFileSync('chown', ['-R', '65534:65534', test.folder]);
      chmodSync(test.folder, 0o755);
      chmodSync(join(test.cachePath, 'years/2021/0.jpg'), 0);
      chmodSync(join(test.cachePath, 'years/2021'), 0o555);
      const output = await new Promise<string>((resolve, reject) => {
        const child = execFile(
          process.execPath,
          ['--import', 'tsx', '--input-type=module', '-e', script],
          { cwd: new URL('../..', import.meta.url) },
          (error, stdout, stderr) => (error === null ? resolve(stdout) : reject(new Error(stderr))),
        );
        child.stdin?.end();
      });
      const [unreadable, missing, ensured] = JSON.parse(output);
      expect([unreadable, missing]).toEqual([1000, 1000]);
      expect(ensured).toBe('no-permission: "years/2021/1.jpg" cannot be cached: access is denied');
    },
  );
});
