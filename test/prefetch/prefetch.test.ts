/** Prefetch: plan, order, selections, what fails, what stops it, and that the cache is the tree afterwards. */
import {
  closeSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dropCached, isCached } from '../../src/index/cached.ts';
import { rootIno } from '../../src/index/open.ts';
import { readStatus } from '../../src/index/status.ts';
import { GphotosfsError } from '../../src/model/errors.ts';
import { type Choice, everything, nothing } from '../../src/model/filter.ts';
import { openFilesystem } from '../../src/mount/filesystem.ts';
import { createGivenUp } from '../../src/prefetch/given-up.ts';
import { planPrefetch, type Selection } from '../../src/prefetch/plan.ts';
import { type PrefetchReport, type PrefetchRequest, prefetch } from '../../src/prefetch/run.ts';
import { generated, type MemoryExport } from '../helpers/memory-source.ts';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  exportOf,
  openFds,
  photo,
  type TestHome,
  type TestHomeOptions,
} from '../helpers/test-home.ts';

let test: TestHome;
const setUp = async (exported: MemoryExport | readonly MemoryExport[], more: TestHomeOptions = {}) => {
  test = await createTestHome({ exports: [exported].flat(), ...more });
};
afterEach(() => test.remove());

const all: Selection = everything;
const run = (selection = all, more: Partial<PrefetchRequest> = {}): Promise<PrefetchReport> =>
  prefetch({
    index: test.index,
    cache: test.cache,
    fetcher: test.fetcher,
    sources: [test.source],
    plan: planPrefetch(test.index, selection),
    jobs: 2,
    signal: new AbortController().signal,
    progress: () => {},
    ...more,
  });
const year = (...years: string[]): Selection => ({ only: { ...nothing, years }, skip: nothing });
const album = (...albums: string[]): Selection => ({ only: { ...nothing, albums }, skip: nothing });

/** A small library with most of what there is. */
const library = (): MemoryExport =>
  exportOf(
    [
      photo('a.jpg', distinctBytes(1, 100_000), { albums: ['Trip'] }),
      photo('moon.jpg', distinctBytes(2, 5000), {
        takenAt: -14_182_980,
        yearFolder: 1969,
        albums: ['Trip', 'trip2'],
      }),
      photo('empty.jpg', ''),
      {
        files: [
          { name: 'live.heic', bytes: 'still' },
          { name: 'live.mp4', bytes: 'moves', role: 'motion' as const },
        ],
        takenAt: 1_577_836_800,
        yearFolder: 2020,
      },
      { files: [{ name: 'scan.png', bytes: 'no date' }] },
      photo('a.jpg', distinctBytes(3, 70_000), { takenAt: 1_625_097_601 }),
    ],
    {
      albums: [
        { folder: 'Trip', title: 'Trip to Zürich' },
        { folder: 'trip2', title: 'Trip to Zürich', date: 5 },
        { folder: 'Nothing' },
      ],
    },
  );

/** Compares the tree with the cache: names, kinds, sizes, times, targets and bytes, both ways. */
function expectSameTree(): number {
  const filesystem = openFilesystem(join(test.home, 'index.db'), test.cachePath);
  let files = 0;
  const walk = (ino: number, path: string): void => {
    const entries = filesystem.readdir(ino, 0, 100_000);
    const names = entries.map(({ name }) => name).sort();
    expect(
      readdirSync(path)
        .filter((name) => name !== '.gphotosfs')
        .sort(),
      path,
    ).toEqual(names);
    for (const { name, attributes } of entries) {
      const below = join(path, name);
      if (attributes.kind === 'directory') walk(attributes.ino, below);
      else if (attributes.kind === 'symlink')
        expect(readlinkSync(below)).toBe(filesystem.readlink(attributes.ino));
      else {
        files += 1;
        expect(statSync(below)).toMatchObject({ size: attributes.size, mtimeMs: attributes.mtime * 1000 });
        const { fd } = filesystem.open(attributes.ino);
        expect(fd, `${below} is cached`).toBeDefined();
        if (fd === undefined) continue;
        expectBytes(readFileSync(fd), readFileSync(below));
        closeSync(fd);
      }
    }
  };
  walk(rootIno, test.cachePath);
  filesystem.close();
  return files;
}

describe('a plan', () => {
  it('counts what is selected, cached and missing, by archive', async () => {
    await setUp(library());
    const bytes = 100_000 + 5000 + 5 + 5 + 7 + 70_000;
    expect(planPrefetch(test.index, all)).toMatchObject({
      selectedFiles: 7,
      selectedBytes: bytes,
      cachedFiles: 0,
      missingFiles: 7,
      missingBytes: bytes,
      unavailable: [],
      archives: [{ name: '/exports/e1.zip', files: 7, bytes }],
    });
    await test.ensure('years/1969/moon.jpg');
    expect(planPrefetch(test.index, all)).toMatchObject({
      cachedFiles: 1,
      cachedBytes: 5000,
      missingFiles: 6,
    });
    expect(test.source.opened).toEqual(['moon.jpg']);
  });

  it('selects by year, by album title and folder name, and by both together', async () => {
    await setUp(library());
    const files = (selection: Selection) => planPrefetch(test.index, selection).missingFiles;
    expect(files(year('2021'))).toBe(3);
    expect(files(year('undated', '1969'))).toBe(2);
    // Two albums with one title: both; by folder name: the one.
    expect(files(album('Trip to Zürich'))).toBe(2);
    const [second = ''] = readNames('albums').filter((name) => name.includes('~'));
    expect(files(album(second))).toBe(1);
    expect(files(album('Nothing'))).toBe(0);
    expect(files({ only: { years: ['2020'], albums: [second], kinds: [] }, skip: nothing })).toBe(3);
  });

  it('narrows by kind, and leaves out what is to be skipped', async () => {
    await setUp(
      exportOf(
        [
          photo('a.jpg', 'a', { albums: ['Rome'] }),
          photo('b.MP4', 'bb', { albums: ['Rome'] }),
          {
            files: [
              { name: 'c.HEIC', bytes: 'ccc' },
              { name: 'c.mov', bytes: 'cc', role: 'motion' },
            ],
            takenAt: 5,
            yearFolder: 2020,
          },
        ],
        { albums: [{ folder: 'Rome' }] },
      ),
    );
    const chosen = (only: Partial<Choice>, skip: Partial<Choice> = {}) =>
      planPrefetch(test.index, { only: { ...nothing, ...only }, skip: { ...nothing, ...skip } }).missingFiles;
    expect(chosen({})).toBe(4);
    expect(chosen({ kinds: ['photo'] })).toBe(2);
    expect(chosen({ kinds: ['video'] })).toBe(1);
    expect(chosen({ kinds: ['video', 'motion'] })).toBe(2);
    expect(chosen({ albums: ['Rome'], kinds: ['photo'] })).toBe(1);
    expect(chosen({}, { kinds: ['motion', 'video'] })).toBe(2);
    expect(chosen({}, { albums: ['Rome'] })).toBe(2);
    expect(chosen({ years: ['2021'] }, { albums: ['Rome'] })).toBe(0);
    expect(chosen({}, { years: ['2020', '1999'] })).toBe(2);
  });

  function readNames(path: string): string[] {
    const filesystem = openFilesystem(join(test.home, 'index.db'), test.cachePath);
    const names = filesystem.readdir(test.ino(path), 0, 100).map(({ name }) => name);
    filesystem.close();
    return names;
  }

  it('selects whole years where there are months', async () => {
    await setUp(library(), { layout: { years: 'monthly', albums: 'symlink' } });
    expect(planPrefetch(test.index, year('2021')).missingFiles).toBe(3);
    expect(planPrefetch(test.index, year('undated')).missingFiles).toBe(1);
  });

  it('refuses what does not exist, by name', async () => {
    await setUp(library());
    expect(() => planPrefetch(test.index, year('2021', '1066'))).toThrow('no year "1066"');
    expect(() => planPrefetch(test.index, album('trip to zürich'))).toThrow('no album "trip to zürich"');
    expect(() => planPrefetch(test.index, album("x' OR '1'='1"))).toThrow('no album');
  });

  it('goes through each archive in ascending order', async () => {
    const archives = [{ name: '/b.zip' }, { name: '/a.zip' }];
    const items = Array.from({ length: 100 }, (_, at) => ({
      files: [{ name: `${at}.jpg`, bytes: `${at}`, archives: [at % 2 === 0 ? '/b.zip' : '/a.zip'] }],
      takenAt: 1_700_000_000 - at,
      yearFolder: 2000 + (at % 3),
    }));
    await setUp(exportOf(items, { archives }));
    expect(planPrefetch(test.index, all).runs.map(({ files }) => files.length)).toEqual([32, 18, 32, 18]);
    expect(await run(all, { jobs: 1 })).toMatchObject({ complete: true, fetchedFiles: 100 });
    const [even, odd] = [items.filter((_, at) => at % 2 === 0), items.filter((_, at) => at % 2 === 1)];
    const names = [...even, ...odd].map(({ files }) => files[0]?.name);
    expect(test.source.opened).toEqual(names);
  });
});

describe('a prefetch', () => {
  for (const layout of [
    { years: 'yearly', albums: 'symlink' },
    { years: 'monthly', albums: 'hardlink' },
  ] as const) {
    it(`makes the cache the same tree as the mount (${layout.years}, ${layout.albums})`, async () => {
      await setUp(library(), { layout });
      const seen: number[] = [];
      const report = await run(all, { progress: ({ files, totalFiles }) => seen.push(files / totalFiles) });
      expect(report).toMatchObject({
        complete: true,
        failed: [],
        fetchedFiles: 7,
        reusedFiles: 0,
        fetchedBytes: 175_017,
        stopped: undefined,
      });
      expect(seen.at(-1)).toBe(1);
      expect(expectSameTree()).toBe(layout.albums === 'hardlink' ? 10 : 7);
      expect(readStatus(test.index)).toMatchObject({ complete: true, cachedFiles: 7 });
      expect(test.partials()).toEqual([]);
      // Nothing is left to do, and nothing is opened to find out.
      const opened = test.source.opened.length;
      expect(await run()).toMatchObject({ complete: true, fetchedFiles: 0, reusedFiles: 0 });
      expect(test.source.opened).toHaveLength(opened);
    });
  }

  it('of a part says complete of that part', async () => {
    await setUp(library());
    expect(await run(year('2020'))).toMatchObject({ complete: true, fetchedFiles: 2 });
    expect(readStatus(test.index).complete).toBe(false);
    expect(await run()).toMatchObject({ complete: true, fetchedFiles: 5 });
  });

  it('settles times that became final after a file was cached', async () => {
    const provisional = exportOf([photo('a.jpg', 'a', { provisional: true, takenAt: undefined as never })]);
    await setUp(provisional);
    await run();
    const path = join(test.cachePath, 'years/2021/a.jpg');
    expect(statSync(path).mtimeMs).toBe(Date.UTC(2021, 6, 1));
    await test.sync([
      exportOf([photo('a.jpg', 'a', { takenAt: -5 })], {
        archives: [{ name: '/exports/e1.zip', fingerprint: 'v2' }],
      }),
    ]);
    expect(await run()).toMatchObject({ complete: true, fetchedFiles: 0 });
    expect(statSync(path).mtimeMs).toBe(-5000);
    expectSameTree();
    expect(test.source.opened).toEqual(['a.jpg']);
  });

  it('lists what fails and fetches the rest', async () => {
    await setUp(library());
    test.source.breakOpen({ kind: 'corrupt', at: 5, file: 'moon.jpg' });
    test.source.breakOpen({ kind: 'throw', at: 0, error: 'source-unreachable', file: 'scan.png' });
    const report = await run();
    expect(test.source.fired.toSorted()).toEqual(['corrupt moon.jpg', 'throw scan.png']);
    expect(report).toMatchObject({ complete: false, fetchedFiles: 5, stopped: undefined });
    expect(report.failed.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      {
        path: 'years/1969/moon.jpg',
        kind: 'bad-content',
        message: expect.stringContaining('CRC-32'),
        hint: expect.any(String),
      },
      {
        path: 'years/undated/scan.png',
        kind: 'source-unreachable',
        message: expect.any(String),
        hint: undefined,
      },
    ]);
    const again = test.newFetcher();
    expect(await run(all, { fetcher: again })).toMatchObject({ complete: true, fetchedFiles: 2 });
    expectSameTree();
  });

  it('lists what no source has any more', async () => {
    await setUp(library());
    await run(year('2021'));
    const { dropSource } = await import('../../src/index/sources.ts');
    dropSource(test.index, 'memory');
    const report = await run();
    expect(report).toMatchObject({ complete: false, fetchedFiles: 0 });
    expect(report.failed.map(({ kind }) => kind)).toEqual([
      'unavailable',
      'unavailable',
      'unavailable',
      'unavailable',
    ]);
    expect(await run(year('2021'))).toMatchObject({ complete: true, failed: [] });
  });

  it('takes what no source has any more, where it lies in the cache without a record', async () => {
    await setUp(library());
    await run(year('2021'));
    const ino = test.ino('years/2021/a.jpg');
    dropCached(test.index, ino);
    const { dropSource } = await import('../../src/index/sources.ts');
    dropSource(test.index, 'memory');
    expect(await run(year('2021'))).toMatchObject({ complete: true, failed: [], reusedFiles: 1 });
    expect(isCached(test.index, ino)).toBe(true);
  });

  it('brings back what the cache has lost, and is not complete where it cannot', async () => {
    await setUp(library());
    await run();
    rmSync(join(test.cachePath, 'years/1969'), { recursive: true });
    writeFileSync(join(test.cachePath, 'years/undated/scan.png'), 'damaged');
    expect(readStatus(test.index).complete).toBe(true);
    expect(await run()).toMatchObject({ complete: true, fetchedFiles: 2 });
    expectSameTree();
    rmSync(join(test.cachePath, 'years/1969'), { recursive: true });
    test.source.exports = [];
    const report = await run();
    expect(report).toMatchObject({
      complete: false,
      failed: [{ path: 'years/1969/moon.jpg', kind: 'source-gone' }],
    });
  });

  it('says what is in the way of a directory, and does the rest', async () => {
    await setUp(library());
    await test.cache;
    mkdirSync(join(test.cachePath, 'years'));
    writeFileSync(join(test.cachePath, 'years/1969'), 'in the way');
    const report = await run();
    expect(report).toMatchObject({ complete: false, fetchedFiles: 6 });
    expect(report.failed.map(({ path, kind }) => `${kind} ${path}`)).toContain(
      'bad-cache years/1969/moon.jpg',
    );
    expect(readFileSync(join(test.cachePath, 'years/1969'), 'utf8')).toBe('in the way');
  });

  it('stops when told to, at once, and goes on from there', async () => {
    const items = Array.from({ length: 200 }, (_, at) => photo(`${at}.jpg`, generated(at, 20_000)));
    await setUp(exportOf(items));
    const stop = new AbortController();
    test.source.breakOpen({ kind: 'stall', at: 100, file: '120.jpg' });
    const running = run(all, { signal: stop.signal, jobs: 1 });
    await vi.waitFor(() => expect(test.source.fired).toHaveLength(1), { timeout: 20_000 });
    const start = Date.now();
    stop.abort();
    const report = await running;
    expect(Date.now() - start).toBeLessThan(1000);
    expect(report).toMatchObject({ complete: false, stopped: { kind: 'interrupted' }, failed: [] });
    expect(report.fetchedFiles).toBeGreaterThan(10);
    await test.fetcher.close();
    expect(test.partials()).toEqual([]);
    const cached = planPrefetch(test.index, all).cachedFiles;
    expect(cached).toBeGreaterThanOrEqual(report.fetchedFiles);
    const again = test.newFetcher();
    expect(await run(all, { fetcher: again })).toMatchObject({ complete: true, fetchedFiles: 200 - cached });
    expectSameTree();
  });

  const outages = [
    ['quota', 1],
    ['sign-in', 1],
    ['source-unreachable', 8],
  ] as const;
  it.each(outages)(
    'gives a source up for %s, and says so instead of failing each file',
    async (error, tries) => {
      const items = Array.from({ length: 60 }, (_, at) => photo(`${at}.jpg`, generated(at, 2000)));
      await setUp(exportOf(items));
      test.source.breakOpen({ kind: 'throw', at: 0, error, times: 1000 });
      const report = await run(all, { jobs: 1 });
      expect(report).toMatchObject({ complete: false, fetchedFiles: 0, stopped: { kind: error } });
      expect(report.failed).toHaveLength(tries - 1);
      expect(new Set(test.source.opened).size).toBeLessThanOrEqual(tries + 2);
    },
  );

  it('goes on where a source is only unreachable now and then', async () => {
    const items = Array.from({ length: 40 }, (_, at) => photo(`${at}.jpg`, generated(at, 2000)));
    await setUp(exportOf(items));
    const bad = items.filter((_, at) => at % 3 === 0).map(({ files: [file] }) => file?.name ?? '');
    for (const file of bad)
      test.source.breakOpen({ kind: 'throw', at: 0, error: 'source-unreachable', file, times: 9 });
    const report = await run(all, { jobs: 1 });
    expect(report).toMatchObject({ fetchedFiles: 40 - bad.length, stopped: undefined });
    expect(report.failed).toHaveLength(bad.length);
  });

  it('gives up one source and not the other', async () => {
    await setUp(exportOf([]));
    const givenUp = createGivenUp();
    const quota = new GphotosfsError('quota', 'used up');
    expect(givenUp.failed('library', quota)).toBe(true);
    expect([givenUp.has('library'), givenUp.has('takeout')]).toEqual([true, false]);
    expect(givenUp.failed('takeout', new GphotosfsError('bad-content', 'rotten'))).toBe(false);
    expect(givenUp.failed('library', new GphotosfsError('bad-content', 'rotten'))).toBe(false);
    expect(givenUp.reason()).toBe(quota);
  });

  it('leaves nothing open', async () => {
    await setUp(library());
    await test.fetcher;
    const before = openFds();
    await run();
    const left = openFds().filter((path) => !before.includes(path));
    // What the fetcher and the journal keep open is closed with them; no photo is among it.
    expect(left.filter((path) => statSync(path).isFile() && !path.endsWith('journal'))).toEqual([]);
  });
});

describe('a sequential archive', () => {
  const tgz = (items: MemoryExport['items'], name = '/one.tgz') =>
    exportOf(items, { id: name, archives: [{ name, shape: 'tgz' }] });
  const photos = (count: number, size = 200_000) =>
    Array.from({ length: count }, (_, at) => photo(`${at}.jpg`, distinctBytes(at, size)));
  /** Counts the passes over archives. */
  const countPasses = () => {
    const passes: number[] = [];
    const { openMany } = test.source;
    test.source.openMany = (locations, signal) => {
      passes.push(locations.length);
      return openMany(locations, signal);
    };
    return passes;
  };

  it('is read in one pass, however many jobs there are', async () => {
    await setUp(tgz(photos(80, 10_000)));
    const passes = countPasses();
    expect(await run(all, { jobs: 4 })).toMatchObject({ complete: true, fetchedFiles: 80 });
    expect(passes).toEqual([80]);
    expect(test.source.opened).toEqual(photos(80, 4).map(({ files }) => files[0]?.name));
    expectSameTree();
  });

  it('skips what was cached since the plan was made, and lists what fails in the middle', async () => {
    await setUp(tgz(photos(6)));
    const plan = planPrefetch(test.index, all);
    await test.ensure('years/2021/2.jpg');
    test.source.breakOpen({ kind: 'corrupt', at: 0, file: '3.jpg', times: 2 });
    const passes = countPasses();
    const report = await run(all, { plan });
    expect(passes).toEqual([6]);
    expect(report).toMatchObject({ complete: false, fetchedFiles: 4, reusedFiles: 1 });
    expect(report.failed).toMatchObject([{ path: 'years/2021/3.jpg', kind: 'bad-content' }]);
    expect(test.source.openNow).toBe(0);
    for (const at of [0, 1, 2, 4, 5])
      expectBytes(test.cached(`years/2021/${at}.jpg`), distinctBytes(at, 200_000));
  });

  it('that breaks off fails what was not reached; a file that another archive has comes from there', async () => {
    await setUp([tgz(photos(5)), { ...exportOf(photos(5).slice(4)), id: 'zip', time: 1_650_000_000 }]);
    test.source.openMany = async function* () {
      await Promise.resolve();
      yield* [];
      throw new Error('broken');
    };
    const report = await run();
    expect(report).toMatchObject({ complete: false, fetchedFiles: 1 });
    expect(report.failed).toHaveLength(4);
  });

  it('that ends without some of its files is asked for each of them', async () => {
    await setUp(tgz(photos(4)));
    const { openMany } = test.source;
    test.source.openMany = (locations, signal) => openMany(locations.slice(0, 2), signal);
    expect(await run()).toMatchObject({ complete: true, fetchedFiles: 4 });
    expectSameTree();
  });
});
