/** A lost index, made again from the journal: the same tree under the same numbers, and nothing is fetched again. */
import {
  appendFileSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Cache, openCache } from '../../src/cache/cache.ts';
import { createFetcher } from '../../src/fetch/fetcher.ts';
import { allAlbums } from '../../src/index/albums.ts';
import { listSuperseded } from '../../src/index/cached.ts';
import { closeIndex, statement } from '../../src/index/open.ts';
import { rebuildStage } from '../../src/index/replacement.ts';
import { contentTimeOf } from '../../src/index/revisions.ts';
import { defaultLayout, type Layout, layoutOf } from '../../src/index/settings.ts';
import { readStatus } from '../../src/index/status.ts';
import { changeMark } from '../../src/index/tree.ts';
import { type RebuildReport, rebuild } from '../../src/sync/rebuild.ts';
import { adoptCached } from '../../src/sync/restore-cached.ts';
import { viewItems } from '../helpers/library-view.ts';
import { type MemoryExport, type MemoryItem, memorySource } from '../helpers/memory-source.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';

const signal = new AbortController().signal;
const homes: SyncHome[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) home.dispose();
});

function open(layout?: Layout): SyncHome {
  const home = openSyncHome(layout);
  homes.push(home);
  return home;
}

/** The same home without its index. */
function loseIndex(home: SyncHome, layout: Layout = defaultLayout): SyncHome {
  closeIndex(home.index);
  for (const end of ['', '-wal', '-shm']) rmSync(join(home.home, `index.db${end}`), { force: true });
  const next = openSyncHome(layout, home.home);
  homes.push(next);
  expect(next.years()).toEqual([]);
  return next;
}

const rebuildIn = ({ index, cachePath, home }: SyncHome): Promise<RebuildReport> =>
  rebuild({ index, cachePath, home, openCache: () => openCache(cachePath, index), signal });

const item = (name: string, more: Partial<MemoryItem> = {}): MemoryItem => ({
  files: [{ name, bytes: `bytes of ${name}` }],
  takenAt: 1_625_097_600,
  yearFolder: 2021,
  photoId: `id ${name}`,
  ...more,
});

const library: MemoryExport = {
  id: 'e1',
  time: 1000,
  items: [
    item('a.jpg', { albums: ['Rome'], description: { description: 'Forum', people: ['Ada'] } }),
    item('b.jpg', {
      files: [
        { name: 'b.jpg', bytes: 'b' },
        { name: 'b-edited.jpg', bytes: 'b edited', role: 'edited' },
      ],
      albums: ['Rome'],
    }),
    // Nothing but their places tells these two apart.
    { files: [{ name: 'twin.jpg', bytes: 'twin' }], yearFolder: 2020, provisional: true },
    {
      files: [{ name: 'twin.jpg', bytes: 'twin', path: 'Other/twin.jpg' }],
      yearFolder: 2020,
      provisional: true,
    },
    item('old.jpg', { takenAt: -86_400, yearFolder: 1969 }),
  ],
  albums: [{ folder: 'Rome', title: 'Rome!', date: 77 }],
};

/** All that must be the same after a rebuild; what only a sync brings is left out. */
function state({ index }: SyncHome) {
  const table = (name: string, columns = '*', order = '1, 2') =>
    statement(index, `SELECT ${columns} FROM ${name} ORDER BY ${order}`).all();
  return {
    inodes: table('inode'),
    entries: table('entry'),
    items: table('item'),
    files: table('file'),
    albums: table('album', 'account, folder, title, date, directory'),
    members: table('membership', 'ino, entry'),
    cached: table('cached', 'ino, size, sha256, mtime_ms, ctime_ms, cache_ino'),
    superseded: table('superseded', 'ino, sha256, size, path'),
    layout: layoutOf(index),
    next: table('sqlite_sequence', 'seq', '1').length,
  };
}

async function fetchAll(
  home: SyncHome,
  source: ReturnType<typeof memorySource>,
  only?: (name: string) => boolean,
) {
  const cache = openCache(home.cachePath, home.index);
  const fetcher = createFetcher({
    index: home.index,
    cache,
    home: home.home,
    sources: [source],
    log: () => {},
  });
  for (const { ino, path } of viewItems(home.index).flatMap(({ files }) => files)) {
    if (only?.(path) ?? true) await fetcher.ensure(ino, signal).published;
  }
  await fetcher.close();
  cache.close();
}

async function withCache<T>(home: SyncHome, work: (cache: Cache) => Promise<T>): Promise<T> {
  const cache = openCache(home.cachePath, home.index);
  try {
    return await work(cache);
  } finally {
    cache.close();
  }
}

describe.each([defaultLayout, { years: 'monthly', albums: 'hardlink' } as const])(
  'a lost index ($years, $albums)',
  (layout) => {
    it('comes back as it was, and the sync after it finds everything known', async () => {
      const home = open(layout);
      const source = memorySource({ exports: [library] });
      await home.sync(source);
      await fetchAll(home, source, (path) => !path.includes('old'));
      const before = state(home);
      const tree = home.tree();
      const lost = loseIndex(home, layout);
      const report = await rebuildIn(lost);
      expect(report).toEqual({
        journal: true,
        files: 6,
        albums: 1,
        cachedFiles: 5,
        lost: 0,
        damagedLines: 0,
        leftOut: 0,
      });
      expect(state(lost)).toEqual(before);
      expect(lost.tree()).toEqual(tree);
      const opened = source.opened.length;
      expect(opened).toBeGreaterThan(0);
      const synced = await lost.sync(source);
      expect(synced.sources[0]).toMatchObject({ newItems: 0, newFiles: 0, newAlbums: 0 });
      expect(lost.tree()).toEqual(tree);
      expect(viewItems(lost.index).every(({ files }) => files.every(({ at }) => at.length === 1))).toBe(true);
      await fetchAll(lost, source);
      expect(source.opened.slice(opened)).toEqual(['old.jpg']);
      // What comes later gets new numbers.
      const highest = Math.max(...[...tree.values()].map(({ ino }) => ino));
      source.exports = [{ ...library, items: [...library.items, item('new.jpg')] }];
      await lost.sync(source);
      expect(
        Math.min(...[...lost.tree()].flatMap(([path, { ino }]) => (path.includes('new') ? [ino] : []))),
      ).toBeGreaterThan(highest);
    });
  },
);

describe('a revision', () => {
  const version = (id: string, time: number, bytes: string): MemoryExport => ({
    id,
    time,
    items: [item('r.jpg', { files: [{ name: 'r.jpg', bytes }] })],
  });

  /** A home that shows the second version, and keeps the first. */
  async function revised() {
    const home = open();
    const [first, second] = [version('e1', 1, 'old'), version('e2', 2, 'newer')];
    const source = memorySource({ exports: [first] });
    await home.sync(source);
    await fetchAll(home, source);
    source.exports = [first, second];
    await home.sync(source);
    await fetchAll(home, source);
    return { home, source, first };
  }

  it('that is shown stays shown, and an older export that is all that is left brings nothing back', async () => {
    const { home, source, first } = await revised();
    const before = state(home);
    const lost = loseIndex(home);
    await rebuildIn(lost);
    expect(state(lost)).toEqual(before);
    const [file] = viewItems(lost.index).flatMap(({ files }) => files);
    expect(contentTimeOf(lost.index, file?.ino ?? 0)).toBe(2);
    expect(listSuperseded(lost.index, file?.ino ?? 0)).toHaveLength(1);
    source.exports = [first];
    await lost.sync(source);
    expect(readStatus(lost.index)).toMatchObject({ files: 1, revisions: 0, cachedFiles: 1 });
  });

  it.each([1, 2, 3])(
    'whose records are cut off (the last %i of three are lost) is shown whole',
    async (cut) => {
      const { home, source } = await revised();
      const journal = join(home.cachePath, '.gphotosfs/journal');
      const lines = readFileSync(journal, 'utf8').split('\n').filter(Boolean);
      const types = lines.slice(-3).map((line) => (JSON.parse(line) as { type: string }).type);
      expect(types).toEqual(['cached', 'file', 'attributes']);
      writeFileSync(journal, `${lines.slice(0, -cut).join('\n')}\n`);
      const lost = loseIndex(home);
      await rebuildIn(lost);
      const sizes = () =>
        statement(
          lost.index,
          `SELECT i.size AS inode, f.size AS file, c.size AS cached FROM inode i JOIN file f USING (ino)
         LEFT JOIN cached c USING (ino)`,
        ).all() as { inode: number; file: number; cached: number | null }[];
      for (const { inode, file, cached } of sizes()) expect([inode, cached ?? inode]).toEqual([file, file]);
      await lost.sync(source);
      const opened = source.opened.length;
      await fetchAll(lost, source);
      expect(sizes()).toEqual([{ inode: 5, file: 5, cached: 5 }]);
      expect(source.opened, 'nothing is fetched again').toHaveLength(opened);
    },
  );
});

describe('a journal', () => {
  async function prepared(layout?: Layout): Promise<{
    home: SyncHome;
    source: ReturnType<typeof memorySource>;
    journal: string;
  }> {
    const home = open(layout);
    const source = memorySource({ exports: [library] });
    await home.sync(source);
    await fetchAll(home, source);
    return { home, source, journal: join(home.cachePath, '.gphotosfs/journal') };
  }

  it('that was cut off gives all that is before', async () => {
    const { home, journal } = await prepared();
    const before = state(home);
    truncateSync(journal, statSync(journal).size - 20);
    const lost = loseIndex(home);
    const report = await rebuildIn(lost);
    expect(report).toMatchObject({ files: 6, cachedFiles: 5, damagedLines: 1 });
    expect(state(lost)).toMatchObject({
      inodes: before.inodes,
      entries: before.entries,
      files: before.files,
    });
  });

  it.each([defaultLayout, { years: 'yearly', albums: 'hardlink' } as const])(
    'with any one line gone still gives a sound tree ($albums), the sync lists the rest, and nothing is fetched again',
    async (layout) => {
      const { home, source, journal } = await prepared(layout);
      const paths = [...home.tree().keys()].sort();
      const lines = readFileSync(journal, 'utf8').split('\n').filter(Boolean);
      expect(lines.length).toBeGreaterThan(30);
      const opened = source.opened.length;
      let last = home;
      for (const [at, line] of lines.entries()) {
        const damaged = lines.map((one, other) =>
          other === at ? `${line.slice(0, 15)}\u0000${line.slice(17)}` : one,
        );
        writeFileSync(journal, `${damaged.join('\n')}\n`);
        last = loseIndex(last, layout);
        const report = await rebuildIn(last);
        expect(report.damagedLines).toBe(1);
        await last.sync(source);
        await withCache(last, (cache) => adoptCached(last.index, cache, signal));
        const tree = last.tree();
        // A photo without a sidecar is known by its place only; in doubt it is kept twice.
        const isOnlyTrace = line.includes('"place"') && line.includes('/twin.jpg');
        const more = [...tree.keys()].filter((path) => !paths.includes(path));
        expect([...tree.keys()], line).toEqual(expect.arrayContaining(paths));
        expect(more.length, line).toBe(isOnlyTrace ? 1 : 0);
        const links = (path: string) => tree.get(path)?.nlink;
        expect([links('years/'), links('years/2021/a.jpg')], line).toEqual([
          5,
          layout.albums === 'hardlink' ? 2 : 1,
        ]);
        expect(readStatus(last.index).cachedFiles, line).toBe(6);
      }
      expect(source.opened).toHaveLength(opened);
    },
  );

  it('that is gone: files are adopted by path and content', async () => {
    const { home, source, journal } = await prepared();
    const paths = home.years();
    rmSync(journal);
    const lost = loseIndex(home);
    expect(await rebuildIn(lost)).toMatchObject({ journal: false, files: 0 });
    await lost.sync(source);
    expect(lost.years().sort()).toEqual([...paths].sort());
    expect(await withCache(lost, (cache) => adoptCached(lost.index, cache, signal))).toBe(6);
    const opened = source.opened.length;
    await fetchAll(lost, source);
    expect(source.opened).toHaveLength(opened);
    // And from here on there is a journal again.
    const before = state(lost);
    const again = loseIndex(lost);
    expect(await rebuildIn(again)).toMatchObject({ journal: true, files: 6, cachedFiles: 6 });
    expect(state(again).inodes).toEqual(before.inodes);
  });

  it('from a share that others can write leads nowhere', async () => {
    const { home, journal } = await prepared();
    const tree = home.tree();
    const file = { type: 'inode', kind: 'file', parent: 2, size: 1, mtime: 0, ctime: 0 };
    const hostile = [
      { ...file, ino: 900, cookie: 9000, name: '../../etc/passwd' },
      { ...file, ino: 901, cookie: 9001, name: '..' },
      { ...file, ino: 902, cookie: 9002, name: 'l', kind: 'symlink', target: '/etc/passwd' },
      {
        ...file,
        ino: 903,
        cookie: 9003,
        name: 'm',
        kind: 'symlink',
        target: '../../years/../../../etc/passwd',
      },
      { ...file, ino: -5, cookie: 9004, name: 'x' },
      { ...file, ino: 2 ** 40, cookie: 9005, name: 'y' },
    ];
    // Directories in each other, reached from nowhere.
    const circle = [
      { ...file, ino: 910, cookie: 9010, name: 'p', kind: 'directory', parent: 911 },
      { ...file, ino: 911, cookie: 9011, name: 'q', kind: 'directory', parent: 910 },
    ];
    const lines = [...hostile, ...circle].map((record) => JSON.stringify(record)).join('\n');
    appendFileSync(journal, `\n${lines}\nnull\n[]\n{"type":"other"}\n${'x'.repeat(3 << 20)}\n`);
    const lost = loseIndex(home);
    const report = await rebuildIn(lost);
    expect(report).toMatchObject({ damagedLines: hostile.length + 4, leftOut: 2, files: 6 });
    expect(lost.tree()).toEqual(tree);
  });

  it('changes nothing in an index that knows it all', async () => {
    const { home } = await prepared();
    const before = state(home);
    const mark = changeMark(home.index);
    expect(await rebuildIn(home)).toMatchObject({ files: 0, albums: 0, cachedFiles: 0, leftOut: 0 });
    expect(state(home)).toEqual(before);
    expect(changeMark(home.index)).toEqual(mark);
    expect(allAlbums(home.index)).toHaveLength(1);
  });
});

describe('what the cache has', () => {
  it('is believed where size and time are right, and looked into where they are not', async () => {
    const home = open();
    const source = memorySource({
      exports: [{ id: 'e', time: 1, items: ['a', 'b', 'c', 'd'].map((name) => item(name)) }],
    });
    await home.sync(source);
    await fetchAll(home, source);
    const at = (name: string) => join(home.cachePath, 'years/2021', name);
    utimesSync(at('a'), 5, 5);
    writeFileSync(at('b'), readFileSync(at('b'), 'utf8').toUpperCase());
    truncateSync(at('c'), 3);
    const lost = loseIndex(home);
    expect(await rebuildIn(lost)).toMatchObject({ files: 4, cachedFiles: 2, lost: 2 });
    unlinkSync(at('d'));
    await lost.sync(source);
    await fetchAll(lost, source);
    expect(source.opened.slice(4).sort()).toEqual(['b', 'c', 'd']);
  });
});

describe('an index', () => {
  it('of another library is not mixed with the cache', async () => {
    const home = open();
    await home.sync(memorySource({ exports: [library] }));
    const other = open();
    await other.sync(memorySource({ exports: [library] }));
    const mixed = { ...home, cachePath: other.cachePath };
    await expect(rebuildIn(mixed)).rejects.toMatchObject({ kind: 'wrong-cache' });
  });

  it('whose rebuild was interrupted takes no sync before the next one', async () => {
    const home = open();
    const source = memorySource({ exports: [library] });
    await home.sync(source);
    await fetchAll(home, source);
    const tree = home.tree();
    const lost = loseIndex(home);
    const { index, cachePath, home: folder } = lost;
    const openIt = () => openCache(cachePath, index);
    await expect(
      rebuild({ index, cachePath, home: folder, openCache: openIt, signal: AbortSignal.abort() }),
    ).rejects.toThrow();
    await expect(lost.sync(source)).rejects.toMatchObject({
      kind: 'index-corrupt',
      hint: expect.stringContaining('sync --rebuild'),
    });
    await rebuildIn(lost);
    expect(rebuildStage(index)).toBe('sources');
    await lost.sync(source);
    expect(rebuildStage(index)).toBeUndefined();
    expect(lost.tree()).toEqual(tree);
  });

  it('that is new is refused without a rebuild, with the advice to make one', async () => {
    const home = open();
    const source = memorySource({ exports: [library] });
    await home.sync(source);
    const lost = loseIndex(home);
    await expect(lost.sync(source)).rejects.toMatchObject({
      kind: 'wrong-cache',
      hint: expect.stringContaining('sync --rebuild'),
    });
  });
});
