/** The filter of a sync: what it leaves out isn't listed, comes when it lets it, and nothing that was listed goes. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { closeIndex } from '../../src/index/open.ts';
import { defaultLayout, filterOf } from '../../src/index/settings.ts';
import { type Choice, everything, type Filter, nothing } from '../../src/model/filter.ts';
import type { Source } from '../../src/sources/source.ts';
import { rebuild } from '../../src/sync/rebuild.ts';
import { type SourceReport, sync } from '../../src/sync/sync.ts';
import { type MemoryItem, type MemorySource, memorySource } from '../helpers/memory-source.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';

let home: SyncHome;
let source: MemorySource;
beforeEach(() => {
  rescans.length = 0;
  home = openSyncHome();
  source = memorySource({
    pageSize: 2,
    exports: [
      {
        id: 'e1',
        time: 1_650_000_000,
        albums: [{ folder: 'Rome', title: 'Rom 2021' }, { folder: 'Screenshots' }],
        items: [
          item('a.jpg', 2021, { albums: ['Rome'] }),
          item('b.mp4', 2021, { albums: ['Rome', 'Screenshots'] }),
          item('c.jpg', 2020, {
            files: [
              { name: 'c.jpg', bytes: 'c' },
              { name: 'c.mov', bytes: 'clip', role: 'motion' },
            ],
          }),
          item('d.png', 2020, { albums: ['Screenshots'] }),
          item('e.jpg', undefined, {}),
        ],
      },
    ],
  });
});
afterEach(() => home.dispose());

function item(name: string, year: number | undefined, more: Partial<MemoryItem>): MemoryItem {
  const dated = year === undefined ? {} : { yearFolder: year, takenAt: Date.UTC(year, 3, 1) / 1000 };
  return {
    files: [{ name, bytes: `bytes of ${name}` }],
    ...dated,
    photoId: name,
    ...more,
  };
}

/** What each scan was asked for. */
const rescans: boolean[] = [];

async function list(filter?: Filter): Promise<SourceReport> {
  const { index, cachePath, home: folder } = home;
  const watched: Source = {
    ...source,
    scan(request) {
      rescans.push(request.rescan);
      return source.scan(request);
    },
  };
  const report = await sync({
    index,
    cachePath,
    home: folder,
    layout: defaultLayout,
    ...(filter === undefined ? {} : { filter }),
    sources: [watched],
    rescan: false,
    signal: new AbortController().signal,
    progress: () => {},
  });
  const [only] = report.sources;
  if (only === undefined) throw new Error('no report');
  if (only.error !== undefined) throw only.error;
  return only;
}

const only = (choice: Partial<Choice>): Filter => ({ only: { ...nothing, ...choice }, skip: nothing });
const skip = (choice: Partial<Choice>): Filter => ({ only: nothing, skip: { ...nothing, ...choice } });

/** Paths of files and links. */
const listed = (): string[] =>
  [...home.tree()]
    .filter(([, { kind }]) => kind !== 'directory')
    .map(([path]) => path)
    .sort();
const directories = (): string[] =>
  [...home.tree()]
    .filter(([, { kind }]) => kind === 'directory')
    .map(([path]) => path)
    .sort();

const whole = [
  'albums/Rom 2021/a.jpg',
  'albums/Rom 2021/b.mp4',
  'albums/Screenshots/b.mp4',
  'albums/Screenshots/d.png',
  'years/2020/c.jpg',
  'years/2020/c.mov',
  'years/2020/d.png',
  'years/2021/a.jpg',
  'years/2021/b.mp4',
  'years/undated/e.jpg',
];

describe('a sync with a filter', () => {
  it.each<[string, Filter, readonly string[]]>([
    [
      'a year',
      only({ years: ['2021'] }),
      [
        'albums/Rom 2021/a.jpg',
        'albums/Rom 2021/b.mp4',
        'albums/Screenshots/b.mp4',
        'years/2021/a.jpg',
        'years/2021/b.mp4',
      ],
    ],
    ['no year', only({ years: ['undated'] }), ['years/undated/e.jpg']],
    [
      'an album by its title',
      only({ albums: ['Screenshots'] }),
      [
        'albums/Rom 2021/b.mp4',
        'albums/Screenshots/b.mp4',
        'albums/Screenshots/d.png',
        'years/2020/d.png',
        'years/2021/b.mp4',
      ],
    ],
    [
      'an album or a year',
      only({ albums: ['Rome'], years: ['undated'] }),
      [
        'albums/Rom 2021/a.jpg',
        'albums/Rom 2021/b.mp4',
        'albums/Screenshots/b.mp4',
        'years/2021/a.jpg',
        'years/2021/b.mp4',
        'years/undated/e.jpg',
      ],
    ],
    [
      'photos without their clips',
      only({ kinds: ['photo'], years: ['2020'] }),
      ['albums/Screenshots/d.png', 'years/2020/c.jpg', 'years/2020/d.png'],
    ],
    [
      'all but an album',
      skip({ albums: ['Screenshots'] }),
      [
        'albums/Rom 2021/a.jpg',
        'years/2020/c.jpg',
        'years/2020/c.mov',
        'years/2021/a.jpg',
        'years/undated/e.jpg',
      ],
    ],
    [
      'all but videos and clips',
      skip({ kinds: ['video', 'motion'] }),
      [
        'albums/Rom 2021/a.jpg',
        'albums/Screenshots/d.png',
        'years/2020/c.jpg',
        'years/2020/d.png',
        'years/2021/a.jpg',
        'years/undated/e.jpg',
      ],
    ],
  ])(
    'lists only %s, and the rest once it is wanted, though nothing else is new',
    async (_, filter, paths) => {
      const report = await list(filter);
      expect(listed()).toEqual([...paths].sort());
      expect(report.newItems + report.filtered).toBe(5);
      expect(report.filtered).toBeGreaterThan(0);
      // No folder of an album in which nothing is.
      for (const path of directories().filter((one) => /^albums\/./.test(one)))
        expect(listed().some((one) => one.startsWith(path))).toBe(true);
      const before = home.tree();
      const { newItems } = await list(everything);
      expect(newItems).toBe(report.filtered);
      expect(listed()).toEqual(whole);
      for (const [path, { ino }] of before) expect(home.tree().get(path)?.ino).toBe(ino);
    },
  );

  it('goes on by the last one where none is given, and scans only what is new', async () => {
    await list(only({ years: ['2021'] }));
    const { filtered, newItems } = await list();
    // The memory source lists all each time; Takeout only what is new, for it isn't asked for more.
    expect(rescans).toEqual([false, false]);
    expect({ filtered, newItems }).toEqual({ filtered: 3, newItems: 0 });
    expect(listed()).toHaveLength(5);
  });

  it('takes nothing back, and keeps what is listed up to date', async () => {
    await list(everything);
    await list(only({ years: ['1999'] }));
    expect(listed()).toEqual(whole);
    const [one] = source.exports;
    if (one === undefined) throw new Error('no export');
    // A newer export of the same item, and one that is new.
    source.exports = [
      { ...one, id: 'e2', time: 1_660_000_000, items: [...one.items, item('new.jpg', 2021, {})] },
    ];
    const { newItems, filtered } = await list();
    expect({ newItems, filtered }).toEqual({ newItems: 0, filtered: 1 });
    expect(listed()).toEqual(whole);
  });

  it('asks for everything again also when the scan after the change broke off', async () => {
    await list(only({ years: ['2021'] }));
    source.breakScan({ kind: 'throw', pages: 1, error: 'source-unreachable' });
    await expect(list(everything)).rejects.toThrow();
    expect(source.fired).toContain('throw scan');
    await list();
    await list();
    expect(rescans).toEqual([false, true, true, false]);
    expect(listed()).toEqual(whole);
  });

  it('is in the journal: a rebuilt index lists by it', async () => {
    await list(skip({ kinds: ['video'] }));
    const paths = listed();
    closeIndex(home.index);
    for (const end of ['', '-wal', '-shm']) rmSync(join(home.home, `index.db${end}`), { force: true });
    home = openSyncHome(defaultLayout, home.home);
    const { index, cachePath, home: folder } = home;
    const signal = new AbortController().signal;
    await rebuild({ index, cachePath, home: folder, openCache: () => openCache(cachePath, index), signal });
    expect(filterOf(index)).toEqual(skip({ kinds: ['video'] }));
    await list();
    expect(listed()).toEqual(paths);
  });
});
