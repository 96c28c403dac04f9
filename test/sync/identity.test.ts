/** The five identity rules of the design, each in both directions and in any order of the exports. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crcOf, orders, photo, viewFiles, viewItems } from '../helpers/library-view.ts';
import { type MemoryExport, type MemoryItem, memorySource } from '../helpers/memory-source.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';

let home: SyncHome;
beforeEach(() => {
  home = openSyncHome();
});
afterEach(() => home.dispose());

const exported = (time: number, ...items: MemoryItem[]): MemoryExport => ({ id: `e${time}`, time, items });

/** Syncs the exports one after the other, each by itself, as a scheduled Takeout brings them. */
async function arrive(...exports: readonly MemoryExport[]): Promise<void> {
  const source = memorySource();
  for (const one of exports) {
    source.exports = [one];
    const [report] = (await home.sync(source)).sources;
    if (report?.error !== undefined) throw report.error;
  }
}

/** How many items and files each order of the exports leads to, one fresh home an order. */
async function countsInAllOrders(...exports: readonly MemoryExport[]): Promise<string[]> {
  const counts: string[] = [];
  for (const order of orders(exports)) {
    home.dispose();
    home = openSyncHome();
    await arrive(...order);
    counts.push(`${viewItems(home.index).length} items, ${viewFiles(home.index).length} files`);
  }
  return [...new Set(counts)];
}

const id = 'AF1QipMabcdefghij';
const taken = 1_620_000_000;

describe('rule 1: within one export everything stays what the source says it is', () => {
  it('keeps equal bytes, titles and times as two items', async () => {
    await arrive(
      exported(100, photo('a.jpg', { bytes: 'same', takenAt: taken }), {
        ...photo('a.jpg', { bytes: 'same', takenAt: taken, title: 'a.jpg' }),
        files: [{ name: 'a.jpg', bytes: 'same', path: 'elsewhere/a.jpg' }],
      }),
    );
    expect(viewItems(home.index)).toHaveLength(2);
    expect(home.years()).toHaveLength(2);
  });

  it('keeps two items of one id', async () => {
    await arrive(
      exported(
        100,
        photo('a.jpg', { photoId: id, takenAt: taken }),
        photo('b.jpg', { photoId: id, takenAt: taken }),
        photo('a(1).jpg', { photoId: id, title: 'a.jpg', takenAt: taken }),
      ),
    );
    expect(viewItems(home.index)).toHaveLength(3);
  });

  it('keeps a part that comes later apart from the parts before it', async () => {
    const archives = [{ name: '/p1' }, { name: '/p2' }];
    const first = photo('a.jpg', { photoId: id, takenAt: taken, bytes: 'one' });
    const second: MemoryItem = {
      ...photo('a.jpg', { photoId: id, takenAt: taken }),
      files: [{ name: 'a.jpg', bytes: 'two', archives: ['/p2'], path: 'x' }],
    };
    const source = memorySource({ exports: [{ id: 'e', time: 1, archives, items: [first] }] });
    await home.sync(source);
    source.exports = [{ id: 'e', time: 1, archives, items: [second, first] }];
    await home.sync(source);
    expect(viewItems(home.index)).toHaveLength(2);
    expect(viewFiles(home.index).map(({ pending }) => pending)).toEqual([undefined, undefined]);
  });

  it('keeps several files of one role', async () => {
    const files = [
      { name: 'x.jpg', bytes: 'jpeg' },
      { name: 'x.dng', bytes: 'raw' },
      { name: 'x-edited.jpg', bytes: 'edited', role: 'edited' as const },
      { name: 'x-collage.jpg', bytes: 'collage', role: 'edited' as const },
      { name: 'x.MP', bytes: 'clip', role: 'motion' as const },
      { name: 'x.MP~2', bytes: 'clip 2', role: 'motion' as const },
    ];
    const item = { files, photoId: id, takenAt: taken, yearFolder: 2021 };
    expect(await countsInAllOrders(exported(100, item), exported(200, item), exported(300, item))).toEqual([
      '1 items, 6 files',
    ]);
    for (const file of viewFiles(home.index)) expect([file.path, file.at.length]).toEqual([file.path, 3]);
  });
});

describe('rule 2: one file at several places', () => {
  it('is one file with all its places', async () => {
    const archives = [{ name: '/p1' }, { name: '/p2' }];
    const files = [{ name: 'a.jpg', bytes: 'A', archives: ['/p1', '/p2'] }];
    await arrive({ id: 'e', time: 1, archives, items: [{ files, yearFolder: 2021 }] });
    expect(viewFiles(home.index)).toMatchObject([{ at: ['/p1 1', '/p2 1'] }]);
  });

  it('leaves places to the files that were known there', async () => {
    const archives = [{ name: '/p1' }, { name: '/p2' }];
    const one = (archive: string): MemoryItem => ({
      files: [{ name: 'a.jpg', bytes: 'A', archives: [archive], path: archive }],
      yearFolder: 2021,
      takenAt: taken,
    });
    const source = memorySource({
      exports: [{ id: 'e', time: 1, archives, items: [one('/p1'), one('/p2')] }],
    });
    await home.sync(source);
    expect(viewFiles(home.index)).toHaveLength(2);
    // The source has learnt that they are one: both stay, and neither loses its place.
    const joined = [{ name: 'a.jpg', bytes: 'A', archives: ['/p1', '/p2'], path: '/p1' }];
    source.exports = [
      { id: 'e', time: 1, archives, items: [{ files: joined, yearFolder: 2021, takenAt: taken }] },
    ];
    await home.sync(source);
    expect(viewFiles(home.index).map(({ at }) => at)).toEqual([['/p1 1'], ['/p2 1']]);
  });
});

describe('rule 3: across exports', () => {
  it.each([
    ['id, title and time', { photoId: id, title: 'a.jpg', takenAt: taken }],
    ['id and title', { photoId: id, title: 'a.jpg', takenAt: taken + 5 }],
    ['id and time', { photoId: id, title: 'renamed.jpg', takenAt: taken }],
    ['title, time and content, the id missing on one side', { title: 'a.jpg', takenAt: taken }],
  ])('knows the same item by %s', async (_, facts) => {
    const first = exported(100, photo('a.jpg', { photoId: id, takenAt: taken }));
    const second = exported(200, photo('a.jpg', facts));
    expect(await countsInAllOrders(first, second)).toEqual(['1 items, 1 files']);
    expect(viewFiles(home.index)[0]?.at).toHaveLength(2);
  });

  it('knows the same item without ids by title, time and content', async () => {
    const first = exported(100, photo('a.jpg', { takenAt: taken }));
    const second = exported(200, photo('a(1).jpg', { title: 'a.jpg', takenAt: taken, bytes: 'a.jpg' }));
    expect(await countsInAllOrders(first, second)).toEqual(['1 items, 1 files']);
  });

  type Facts = Partial<MemoryItem> & { bytes?: string };
  it.each<[string, Facts, Facts]>([
    ['the id alone', { photoId: id, takenAt: taken }, { photoId: id, title: 'b.jpg', takenAt: taken + 1 }],
    ['content alone', { takenAt: taken }, { title: 'b.jpg', takenAt: taken + 1, bytes: 'a.jpg' }],
    ['title and content', { takenAt: taken }, { takenAt: taken + 1 }],
    ['title and content, without a time', {}, {}],
    ['time and content', { takenAt: taken }, { title: 'b.jpg', takenAt: taken, bytes: 'a.jpg' }],
    ['title and time', { takenAt: taken }, { takenAt: taken, bytes: 'other bytes' }],
    ['title, time and size', { takenAt: taken }, { takenAt: taken, bytes: 'A.jpg' }],
    ['time, content and file name', { takenAt: taken }, { title: 'b.jpg', takenAt: taken }],
    [
      'title, time and content against two ids',
      { photoId: id, takenAt: taken },
      { photoId: `${id}2`, takenAt: taken },
    ],
  ])('keeps both where only %s agree', async (_, one, two) => {
    const first = exported(100, photo('a.jpg', one));
    const second = exported(
      200,
      photo(two.bytes === undefined ? 'a.jpg' : (two.title ?? 'a.jpg'), { bytes: 'a.jpg', ...two }),
    );
    expect(await countsInAllOrders(first, second)).toEqual(['2 items, 2 files']);
  });

  it('keeps both where only the size tells of the content', async () => {
    const zip = exported(100, photo('a.jpg', { takenAt: taken }));
    const folder = {
      ...zip,
      id: 'e200',
      time: 200,
      archives: [{ name: '/unpacked', shape: 'folder' as const }],
    };
    expect(await countsInAllOrders(zip, folder)).toEqual(['2 items, 2 files']);
  });

  it('knows what came in the first sync, too', async () => {
    const item = photo('a.jpg', { photoId: id, takenAt: taken });
    await home.sync(memorySource({ exports: [exported(100, item), exported(200, item)] }));
    expect(viewFiles(home.index)).toMatchObject([{ at: ['/exports/e100.zip 5', '/exports/e200.zip 5'] }]);
  });

  it('keeps both in two accounts', async () => {
    const item = photo('a.jpg', { photoId: id, takenAt: taken });
    const mine = memorySource({ id: 'one', account: 'mine', exports: [exported(100, item)] });
    const yours = memorySource({ id: 'two', account: 'yours', exports: [exported(200, item)] });
    await home.sync([mine, yours]);
    expect(viewItems(home.index)).toHaveLength(2);
  });

  it('joins two sources of one account', async () => {
    const item = photo('a.jpg', { photoId: id, takenAt: taken });
    const disk = memorySource({ id: 'disk', exports: [exported(100, item)] });
    const drive = memorySource({ id: 'drive', exports: [exported(100, item), exported(200, item)] });
    await home.sync([disk, drive]);
    expect(viewFiles(home.index)).toHaveLength(1);
    expect(viewFiles(home.index)[0]?.at).toHaveLength(3);
  });

  it('with an id on several items, only bytes tell which is meant', async () => {
    const twins = exported(
      100,
      photo('a.jpg', { photoId: id, takenAt: taken, bytes: 'one' }),
      photo('a(1).jpg', { title: 'a.jpg', photoId: id, takenAt: taken, bytes: 'two' }),
    );
    await arrive(twins, exported(200, photo('a.jpg', { photoId: id, takenAt: taken, bytes: 'two' })));
    expect(viewItems(home.index)).toHaveLength(2);
    expect(viewFiles(home.index).map(({ at }) => at.length)).toEqual([1, 2]);
    await arrive(exported(300, photo('a.jpg', { photoId: id, takenAt: taken, bytes: 'three' })));
    // Which of the two it is a revision of nobody knows.
    expect(viewItems(home.index)).toHaveLength(3);
    expect(viewFiles(home.index).map(({ pending }) => pending)).toEqual([undefined, undefined, undefined]);
  });

  it('without ids, of several equal items the one of the same name, else none', async () => {
    const bursts = exported(
      100,
      photo('a.jpg', { takenAt: taken, bytes: 'same' }),
      photo('a(1).jpg', { title: 'a.jpg', takenAt: taken, bytes: 'same' }),
    );
    const later = (name: string) => photo(name, { title: 'a.jpg', takenAt: taken, bytes: 'same' });
    await arrive(bursts, exported(200, later('a.jpg'), later('a(1).jpg')));
    expect(viewItems(home.index)).toHaveLength(2);
    await arrive(exported(300, later('a(7).jpg')));
    expect(viewItems(home.index)).toHaveLength(3);
  });

  it('makes a new file of what may be another one of its role', async () => {
    const edits = (name: string, bytes: string): MemoryItem => ({
      ...photo('x.jpg', { photoId: id, takenAt: taken }),
      files: [
        { name: 'x.jpg', bytes: 'x' },
        { name, bytes, role: 'edited' },
      ],
    });
    const exports = [
      exported(100, edits('x-edited.jpg', 'edit')),
      exported(200, edits('x-collage.jpg', 'all')),
    ];
    expect(await countsInAllOrders(...exports)).toEqual(['1 items, 3 files']);
    const raw = { ...photo('x.dng', { photoId: id, takenAt: taken, title: 'x.jpg' }) };
    await arrive(exported(300, raw));
    expect(viewFiles(home.index).map(({ pending }) => pending)).toEqual(Array(4).fill(undefined));
  });

  it('makes a new file of what may be a revision of several', async () => {
    const numbered = (...files: [string, string][]): MemoryItem => ({
      ...photo('x.jpg', { photoId: id, takenAt: taken }),
      files: files.map(([name, bytes]) => ({ name, bytes })),
    });
    await arrive(
      exported(100, numbered(['x(1).jpg', 'one'], ['x(2).jpg', 'two'])),
      exported(200, numbered(['x(3).jpg', 'three'])),
    );
    expect(viewFiles(home.index).map(({ pending }) => pending)).toEqual([undefined, undefined, undefined]);
  });

  it('takes an edited copy for no copy of the original, whatever its bytes', async () => {
    const original = photo('x.jpg', { photoId: id, takenAt: taken, bytes: 'same' });
    const edited = { name: 'x-edited.jpg', bytes: 'same', role: 'edited' as const };
    await arrive(exported(100, original), exported(200, { ...original, title: 'x.jpg', files: [edited] }));
    expect(viewFiles(home.index).map(({ role, at }) => [role, at.length])).toEqual([
      ['original', 1],
      ['edited', 1],
    ]);
  });

  it('lets nothing claim one item twice', async () => {
    const before = exported(100, photo('a.jpg', { takenAt: taken, bytes: 'same' }));
    const twins = exported(
      200,
      photo('a.jpg', { takenAt: taken, bytes: 'same' }),
      photo('a(1).jpg', { title: 'a.jpg', takenAt: taken, bytes: 'same' }),
    );
    expect(await countsInAllOrders(before, twins)).toEqual(['2 items, 2 files']);
  });
});

describe('rule 5: equal bytes of different items', () => {
  it('are files and inodes of their own', async () => {
    await arrive(
      exported(100, photo('a.jpg', { photoId: id, takenAt: taken, bytes: 'same' })),
      exported(200, photo('b.jpg', { photoId: `${id}b`, takenAt: taken + 9, bytes: 'same' })),
    );
    const files = viewFiles(home.index);
    expect(files.map(({ path }) => path)).toEqual(['years/2021/a.jpg', 'years/2021/b.jpg']);
    expect(new Set(files.map(({ ino }) => ino)).size).toBe(2);
    expect(files.map(({ crc32 }) => crc32)).toEqual([crcOf('same'), crcOf('same')]);
  });
});
