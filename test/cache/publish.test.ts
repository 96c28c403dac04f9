/** Publishing: what is visible in the cache is complete, has its time, its links and its record. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createCachedFiles, statOf } from '../../src/cache/cached-file.ts';
import { completeTree } from '../../src/cache/complete.ts';
import { addSuperseded, getCached, listSuperseded, putCached } from '../../src/index/cached.ts';
import { getInode } from '../../src/index/tree.ts';
import { generated, type MemoryExport } from '../helpers/memory-source.ts';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  exportOf,
  kindOf,
  openFds,
  photo,
  signal,
  type TestHome,
  type TestHomeOptions,
} from '../helpers/test-home.ts';

let test: TestHome;
const setUp = async (options: TestHomeOptions) => {
  test = await createTestHome(options);
};
afterEach(async () => {
  await test.remove();
});

const moonLanding = Date.UTC(1969, 6, 20, 20, 17) / 1000;
const bytes = distinctBytes(1, 100_000);
const { O_RDONLY, O_NONBLOCK } = constants;
const mkfifo = (path: string): [string, string[]] => ['mkfifo', [path]];
const mknod = (path: string): [string, string[]] => ['mknod', [path, 'c', '1', '3']];
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest();

function journal(): Record<string, unknown>[] {
  const text = readFileSync(join(test.cachePath, '.gphotosfs/journal'), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

/** What is recorded is what the file looks like, so that it is opened again without being hashed. */
function expectRecorded(path: string): void {
  const ino = test.ino(path);
  const recorded = getCached(test.index, ino);
  const { sha256: recordedSha256, ...stat } = recorded ?? { sha256: Buffer.alloc(0) };
  expect(stat).toEqual(statOf(statSync(join(test.cachePath, path))));
  expectBytes(recordedSha256, sha256(test.cached(path)));
  const files = createCachedFiles(test.index, test.cache.root);
  const fd = files.open(ino);
  expect(fd, 'the cached open accepts it').toBeTypeOf('number');
  if (fd !== undefined) closeSync(fd);
  files.close();
}

describe('a published file', () => {
  it('has its bytes, its time, also before 1970, its SHA-256 and a record that agrees with what stat says', async () => {
    await setUp({
      exports: [
        exportOf([
          photo('moon.jpg', bytes, { takenAt: moonLanding, yearFolder: 1969 }),
          photo('zero.jpg', 'zero', { takenAt: 0, yearFolder: 1970 }),
          photo('now.jpg', 'now'),
        ]),
      ],
    });
    for (const path of ['years/1969/moon.jpg', 'years/1970/zero.jpg', 'years/2021/now.jpg']) {
      expect(await test.ensure(path)).toBe('fetched');
      expectRecorded(path);
      expect(statSync(join(test.cachePath, path)).mtimeMs).toBe(
        1000 * (getInode(test.index, test.ino(path))?.mtime ?? 1),
      );
    }
    expect(statSync(join(test.cachePath, 'years/1969/moon.jpg')).mtimeMs).toBe(moonLanding * 1000);
    expectBytes(test.cached('years/1969/moon.jpg'), bytes);
    expect(journal()).toContainEqual({
      type: 'cached',
      ino: test.ino('years/1969/moon.jpg'),
      path: 'years/1969/moon.jpg',
      size: bytes.length,
      sha256: sha256(bytes).toString('hex'),
    });
    expect(test.partials()).toEqual([]);
  });

  it('is published in groups, all of them right, and nothing stays open', async () => {
    const items = Array.from({ length: 300 }, (_, at) => photo(`${at}.jpg`, generated(at, 1000 + at)));
    await setUp({ exports: [exportOf(items)] });
    const fetcher = test.newFetcher();
    const before = openFds();
    const outcomes = await Promise.all(
      items.map((_, at) => fetcher.ensure(test.ino(`years/2021/${at}.jpg`), signal).published),
    );
    expect(new Set(outcomes)).toEqual(new Set(['fetched']));
    for (let at = 0; at < items.length; at += 17) {
      expectBytes(test.cached(`years/2021/${at}.jpg`), generated(at, 1000 + at).make());
      expectRecorded(`years/2021/${at}.jpg`);
    }
    // One line break before and one behind each batch: far fewer batches than files.
    const text = readFileSync(join(test.cachePath, '.gphotosfs/journal'), 'utf8');
    expect(text.split('\n\n').length).toBeLessThan(40);
    // The journal is opened when it is first needed.
    expect(openFds().filter((path) => !before.includes(path) && !path.endsWith('journal'))).toEqual([]);
  });
});

const inAlbums = (more: Partial<MemoryExport> = {}) =>
  exportOf([photo('a.jpg', bytes, { albums: ['Trip', 'Best'] })], {
    albums: [{ folder: 'Trip' }, { folder: 'Best' }, { folder: 'Empty' }],
    ...more,
  });

describe('album links', () => {
  it('come with the file, as relative symlinks that lead to it', async () => {
    await setUp({ exports: [inAlbums()] });
    expect(existsSync(join(test.cachePath, 'albums'))).toBe(false);
    await test.ensure('years/2021/a.jpg');
    for (const album of ['Trip', 'Best']) {
      const link = join(test.cachePath, 'albums', album, 'a.jpg');
      expect(readlinkSync(link)).toBe('../../years/2021/a.jpg');
      expectBytes(readFileSync(link), bytes);
      expect(lstatSync(link).mtimeMs).toBe(1_625_097_600_000);
    }
  });

  it('or as hard links, and the record knows the ctime that they changed', async () => {
    await setUp({ exports: [inAlbums()], layout: { years: 'yearly', albums: 'hardlink' } });
    await test.ensure('years/2021/a.jpg');
    const file = statSync(join(test.cachePath, 'years/2021/a.jpg'));
    expect(file.nlink).toBe(3);
    expect(statSync(join(test.cachePath, 'albums/Best/a.jpg')).ino).toBe(file.ino);
    expectRecorded('years/2021/a.jpg');
  });

  for (const albums of ['symlink', 'hardlink'] as const) {
    it(`leave what is there already, and are made for albums that come later (${albums})`, async () => {
      const trip = exportOf([photo('a.jpg', bytes, { albums: ['Trip'] })], { albums: [{ folder: 'Trip' }] });
      await setUp({ exports: [trip], layout: { years: 'yearly', albums } });
      mkdirSync(join(test.cachePath, 'albums/Trip'), { recursive: true });
      writeFileSync(join(test.cachePath, 'albums/Trip/a.jpg'), 'mine');
      expect(await test.ensure('years/2021/a.jpg')).toBe('fetched');
      expect(test.cached('albums/Trip/a.jpg').toString()).toBe('mine');
      const later = { ...inAlbums(), id: 'e2', time: 1_700_000_000 };
      await test.sync([trip, later]);
      expect([...(await completeTree(test.index, test.cache))]).toEqual([]);
      expectBytes(readFileSync(join(test.cachePath, 'albums/Best/a.jpg')), bytes);
      expect(readdirSync(join(test.cachePath, 'albums/Empty'))).toEqual([]);
      expectRecorded('years/2021/a.jpg');
      expect(test.cached('albums/Trip/a.jpg').toString()).toBe('mine');
    });
  }

  it('that cannot be made keep no photo out, and completing says why', async () => {
    await setUp({ exports: [inAlbums()] });
    await test.cache;
    writeFileSync(join(test.cachePath, 'albums'), 'a file where the albums belong');
    expect(await test.ensure('years/2021/a.jpg')).toBe('fetched');
    const failures = await completeTree(test.index, test.cache);
    expect([...failures.keys()]).toContain('albums/Trip/a.jpg');
    expect(String(failures.get('albums'))).toContain('where a directory belongs');
  });
});

describe('completing the tree', () => {
  it('leaves the record of a revision that another process publishes meanwhile', async () => {
    const layout = { years: 'yearly', albums: 'hardlink' } as const;
    await setUp({ exports: [inAlbums()], layout });
    const path = 'years/2021/a.jpg';
    await test.ensure(path);
    // The album has the former bytes: completing moves its link to what is shown.
    const former = join(test.cachePath, '.gphotosfs/superseded/former.jpg');
    writeFileSync(former, 'former');
    rmSync(join(test.cachePath, 'albums/Trip/a.jpg'));
    linkSync(former, join(test.cachePath, 'albums/Trip/a.jpg'));
    const { sha256: shown } = getCached(test.index, test.ino(path)) ?? { sha256: Buffer.alloc(0) };
    const shownNow = statOf(statSync(join(test.cachePath, path)));
    putCached(test.index, test.ino(path), { ...shownNow, sha256: shown });
    addSuperseded(test.index, test.ino(path), sha256(Buffer.from('former')), 6, 'former.jpg');
    const newer = { size: 5, mtimeMs: 1, ctimeMs: 2, cacheIno: 3, sha256: sha256(Buffer.from('newer')) };
    let published = false;
    const meanwhile = {
      ...test.cache,
      get partial() {
        putCached(test.index, test.ino(path), newer);
        published = true;
        return test.cache.partial;
      },
    };
    expect([...(await completeTree(test.index, meanwhile))]).toEqual([]);
    expect(published).toBe(true);
    expect(getCached(test.index, test.ino(path))).toEqual(newer);
  });
});

describe('a revision', () => {
  const older = exportOf([photo('a.jpg', 'old bytes', { photoId: 'p', albums: ['Trip'] })], {
    albums: [{ folder: 'Trip' }],
  });
  const newer = {
    ...older,
    id: 'e2',
    time: 1_700_000_000,
    items: [photo('a.jpg', 'newer bytes', { photoId: 'p', albums: ['Trip'] })],
  };

  for (const albums of ['symlink', 'hardlink'] as const) {
    it(`is shown when it is published, with its size; the old bytes are kept (${albums})`, async () => {
      await setUp({ exports: [older], layout: { years: 'yearly', albums } });
      const path = 'years/2021/a.jpg';
      await test.ensure(path);
      await test.sync([older, newer]);
      const before = getInode(test.index, test.ino(path));
      expect(before?.size).toBe(9);
      expect((await test.read(path)).toString()).toBe('old bytes');
      // What was published so far stays until the new bytes are known to be right.
      test.source.breakOpen({ kind: 'corrupt', at: 3 });
      expect(await kindOf(test.fetcher.ensure(test.ino(path), signal).published)).toBe('bad-content');
      expect((await test.read(path)).toString()).toBe('old bytes');
      const again = test.newFetcher();
      expect(await again.ensure(test.ino(path), signal).published).toBe('fetched');
      expect((await test.read(path)).toString()).toBe('newer bytes');
      const after = getInode(test.index, test.ino(path));
      expect(after).toMatchObject({ size: 11, mtime: before?.mtime });
      expect(after?.ctime).toBeGreaterThanOrEqual(before?.ctime ?? Number.POSITIVE_INFINITY);
      expectRecorded(path);
      const [kept, ...more] = listSuperseded(test.index, test.ino(path));
      expect(more).toEqual([]);
      expect(test.cached(`.gphotosfs/superseded/${kept?.path}`).toString()).toBe('old bytes');
      expect(kept).toMatchObject({ size: 9, sha256: sha256(Buffer.from('old bytes')) });
      expect(test.cached('albums/Trip/a.jpg').toString()).toBe('newer bytes');
      expect(journal()).toContainEqual(expect.objectContaining({ type: 'attributes', size: 11 }));
    });
  }

  it('and back, and again: what was kept once and is gone, or is not whole, is kept again', async () => {
    const path = 'years/2021/a.jpg';
    const kept = () =>
      test.superseded().map((name) => test.cached(`.gphotosfs/superseded/${name}`).toString());
    const again = (from: MemoryExport, id: string, time: number) => ({ ...from, id, time });
    const exports = [older, newer, again(older, 'e3', 1_700_000_001), again(newer, 'e4', 1_700_000_002)];
    for (const lose of [
      (name: string) => rmSync(name),
      (name: string) => writeFileSync(name, 'old'),
      (name: string) => writeFileSync(name, 'OLD BYTES'),
    ]) {
      await setUp({ exports: [older] });
      await test.ensure(path);
      await test.sync(exports.slice(0, 2));
      await test.ensure(path);
      expect(kept()).toEqual(['old bytes']);
      for (const name of test.superseded()) lose(join(test.cachePath, '.gphotosfs/superseded', name));
      await test.sync(exports.slice(0, 3));
      await test.ensure(path);
      expect(kept()).toContain('newer bytes');
      expect(kept()).not.toContain('old bytes');
      await test.sync(exports);
      await test.ensure(path);
      expect(test.cached(path).toString()).toBe('newer bytes');
      expect(kept()).toContain('old bytes');
      const row = listSuperseded(test.index, test.ino(path)).find(({ size }) => size === 9);
      expect(test.cached(`.gphotosfs/superseded/${row?.path}`).toString()).toBe('old bytes');
      await test.remove();
    }
    await setUp({});
  });

  it('that the index cannot take is not in the journal without its length', async () => {
    await setUp({ exports: [older] });
    const path = 'years/2021/a.jpg';
    await test.ensure(path);
    await test.sync([older, newer]);
    const before = journal().length;
    test.index.db.exec(`CREATE TEMP TRIGGER full BEFORE INSERT ON main.cached
      BEGIN SELECT raise(ABORT, 'the disk is full'); END`);
    await expect(test.ensure(path)).rejects.toThrow('the disk is full');
    test.index.db.exec('DROP TRIGGER full');
    const types = journal()
      .slice(before)
      .map(({ type }) => type);
    expect(types).not.toContain('cached');
    expect(await test.newFetcher().ensure(test.ino(path), signal).published).toBe('cached');
    expect(
      journal()
        .map(({ type }) => type)
        .slice(-3),
    ).toEqual(['cached', 'file', 'attributes']);
  });
});

describe('an obstacle in the cache', () => {
  const two = () => [exportOf([photo('a.jpg', bytes), photo('b.jpg', 'b', { yearFolder: 1999 })])];
  const outside = (name: string) => join(test.folder, name);

  it('a directory in the place of a file: an error that names it, and it stays; other files go on', async () => {
    await setUp({ exports: [exportOf([photo('a.jpg', bytes), photo('b.jpg', 'b'), photo('c.jpg', 'c')])] });
    await test.cache;
    mkdirSync(join(test.cachePath, 'years/2021/b.jpg'), { recursive: true });
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) => test.ensure(`years/2021/${name}.jpg`)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({
      reason: { kind: 'bad-cache', message: expect.stringContaining('years/2021/b.jpg') },
    });
    expect(String((outcomes[1] as PromiseRejectedResult).reason.message)).not.toContain('/proc');
    expect(statSync(join(test.cachePath, 'years/2021/b.jpg')).isDirectory()).toBe(true);
    // It can be read all the same.
    expect((await test.read('years/2021/b.jpg')).toString()).toBe('b');
    await vi.waitFor(() => expect(test.partials()).toEqual([]));
  });

  it('a link in the place of a file is not followed, and moves aside', async () => {
    await setUp({ exports: two() });
    await test.cache;
    writeFileSync(outside('secret'), 'outside');
    mkdirSync(join(test.cachePath, 'years/2021'), { recursive: true });
    symlinkSync(outside('secret'), join(test.cachePath, 'years/2021/a.jpg'));
    expectBytes(await test.read('years/2021/a.jpg'), bytes);
    await test.ensure('years/2021/a.jpg');
    expect(lstatSync(join(test.cachePath, 'years/2021/a.jpg')).isFile()).toBe(true);
    expect(readFileSync(outside('secret'), 'utf8')).toBe('outside');
    expect(test.superseded()).toHaveLength(1);
  });

  for (const what of ['a FIFO', 'a FIFO that is read', 'a device'] as const) {
    it(`${what} in the place of the journal is not written to, and nothing counts as cached`, async () => {
      await setUp({ exports: two() });
      const path = join(test.cachePath, '.gphotosfs/journal');
      rmSync(path);
      execFileSync(...(what === 'a device' ? mknod(path) : mkfifo(path)));
      const reader = what === 'a FIFO that is read' ? openSync(path, O_RDONLY | O_NONBLOCK) : undefined;
      expect(await kindOf(test.ensure('years/2021/a.jpg'))).toBe('bad-cache');
      expect(getCached(test.index, test.ino('years/2021/a.jpg'))).toBeUndefined();
      if (reader !== undefined) {
        expect(readSync(reader, Buffer.alloc(10))).toBe(0);
        closeSync(reader);
      }
    });
  }

  it('a file that its owner put there keeps its bytes', async () => {
    await setUp({ exports: two() });
    await test.cache;
    mkdirSync(join(test.cachePath, 'years/2021'), { recursive: true });
    writeFileSync(join(test.cachePath, 'years/2021/a.jpg'), 'mine');
    await test.ensure('years/2021/a.jpg');
    expectBytes(test.cached('years/2021/a.jpg'), bytes);
    expect(test.cached(`.gphotosfs/superseded/${test.superseded()[0]}`).toString()).toBe('mine');
  });

  for (const what of ['a link', 'a file'] as const) {
    it(`${what} in the place of a year: nothing is written through it, and other years go on`, async () => {
      await setUp({ exports: two() });
      await test.cache;
      mkdirSync(outside('elsewhere'));
      mkdirSync(join(test.cachePath, 'years'));
      const year = join(test.cachePath, 'years/2021');
      if (what === 'a link') symlinkSync(outside('elsewhere'), year);
      else writeFileSync(year, '');
      const outcome = await Promise.allSettled([
        test.ensure('years/2021/a.jpg'),
        test.ensure('years/1999/b.jpg'),
      ]);
      expect(outcome[0]).toMatchObject({
        reason: { kind: 'bad-cache', message: expect.stringContaining('2021') },
      });
      expect(outcome[1].status).toBe('fulfilled');
      expect(readdirSync(outside('elsewhere'))).toEqual([]);
      expectBytes(await test.read('years/2021/a.jpg'), bytes);
    });
  }

  it('a year swapped for a link after its files were cached: they are not served from there', async () => {
    await setUp({ exports: two() });
    await test.ensure('years/2021/a.jpg');
    expectBytes(await test.read('years/2021/a.jpg'), bytes);
    const year = join(test.cachePath, 'years/2021');
    mkdirSync(outside('elsewhere'));
    writeFileSync(outside('elsewhere/a.jpg'), Buffer.alloc(bytes.length, 'x'));
    const { renameSync } = await import('node:fs');
    renameSync(year, outside('moved'));
    symlinkSync(outside('elsewhere'), year);
    const fetcher = test.newFetcher();
    expectBytes(await fetcher.read(test.ino('years/2021/a.jpg'), 0, 1 << 20, signal), bytes);
    expect(readFileSync(outside('elsewhere/a.jpg'), 'utf8')).toMatch(/^x+$/);
    chmodSync(outside('elsewhere'), 0o755);
  });

  it('a link in the place of the private directory, or of the partial files, is refused at start', async () => {
    await setUp({});
    mkdirSync(outside('elsewhere'));
    mkdirSync(join(test.cachePath, '.gphotosfs'), { recursive: true });
    symlinkSync(outside('elsewhere'), join(test.cachePath, '.gphotosfs/partial'));
    expect(() => test.cache).toThrow('where a directory belongs');
    expect(readdirSync(outside('elsewhere'))).toEqual([]);
  });
});
