/** The same export again: unchanged, moved, downloaded again, with parts added, unpacked, removed and added again. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropSource } from '../../src/index/sources.ts';
import { photo, viewFiles, viewItems } from '../helpers/library-view.ts';
import {
  type MemoryArchive,
  type MemoryItem,
  type MemorySource,
  memorySource,
} from '../helpers/memory-source.ts';
import { scanPages } from '../helpers/scanning.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';

let home: SyncHome;
let source: MemorySource;
beforeEach(() => {
  home = openSyncHome();
  source = memorySource({ pageSize: 2 });
});
afterEach(() => home.dispose());

const id = 'AF1QipMabcdefghij';
const taken = 1_620_000_000;

/** With every kind of identity: an id, a title and a time, nothing; and namesakes with equal bytes and sizes. */
const library: readonly MemoryItem[] = [
  photo('with id.jpg', { photoId: id, takenAt: taken, bytes: 'AAAA' }),
  photo('with time.jpg', { takenAt: taken + 1, bytes: 'BBBB' }),
  photo('with nothing.jpg', { provisional: true, bytes: 'CCCC' }),
  photo('IMG_1.jpg', { provisional: true, bytes: 'same' }),
  photo('IMG_1.jpg', { provisional: true, bytes: 'same', yearFolder: 2022 }),
  photo('IMG_1.jpg', { provisional: true, bytes: 'sane', yearFolder: 2023 }),
  {
    ...photo('live.heic', { photoId: `${id}live`, takenAt: taken + 2 }),
    files: [
      { name: 'live.heic', bytes: 'still' },
      { name: 'live.mp4', bytes: 'clip', role: 'motion' },
    ],
  },
];

const lists = (archive: MemoryArchive, items: readonly MemoryItem[] = library) => {
  source.exports = [{ id: 'e1', time: 100, archives: [archive], items }];
};

/** What must never change: paths, inode numbers and times of all that was there. */
const shown = () => viewFiles(home.index).map(({ path, ino, mtime, ctime }) => ({ path, ino, mtime, ctime }));

for (const shape of ['zip', 'tgz', 'folder'] as const) {
  describe(`the same export again (${shape})`, () => {
    let before: ReturnType<typeof shown>;
    beforeEach(async () => {
      lists({ name: '/a/part', shape });
      await home.sync(source);
      before = shown();
      expect(before).toHaveLength(8);
    });

    const expectSame = (archive: string) => {
      expect(shown()).toEqual(before);
      expect(viewItems(home.index)).toHaveLength(7);
      for (const file of viewFiles(home.index)) {
        expect([file.path, file.at.filter((at) => at.startsWith(`${archive} `))]).toHaveLength(2);
        expect(file.at.some((at) => at.startsWith(`${archive} `))).toBe(true);
        expect(file.pending).toBeUndefined();
      }
    };

    it('changes nothing when it is listed again', async () => {
      const { length } = home.journal();
      for (const rescan of [false, true]) {
        const [report] = (await home.sync(source, { rescan })).sources;
        expect(report).toMatchObject({ newItems: 0, newFiles: 0, newAlbums: 0 });
      }
      expectSame('/a/part');
      expect(home.journal()).toHaveLength(length);
    });

    it('is known at another path', async () => {
      lists({ name: '/b/part', shape });
      await home.sync(source);
      expectSame('/b/part');
    });

    it('is known when it was downloaded again over the old one', async () => {
      lists({ name: '/a/part', shape, fingerprint: 'v2' });
      await home.sync(source);
      expectSame('/a/part');
    });

    it('is known when it was downloaded again to another path', async () => {
      lists({ name: '/b/part (1)', shape, fingerprint: 'v2' });
      await home.sync(source);
      expectSame('/b/part (1)');
    });

    it('is known when the sync that finds it changed is cut off, and another goes on', async () => {
      lists({ name: '/a/part', shape, fingerprint: 'v2' });
      source.breakScan({ kind: 'throw', pages: 1, error: 'source-unreachable' });
      const [report] = (await home.sync(source)).sources;
      expect([report?.error?.kind, source.fired]).toEqual(['source-unreachable', ['throw scan']]);
      home = home.reopen();
      await home.sync(source);
      expectSame('/a/part');
    });

    it('is known when its source was removed and added again', async () => {
      const dropped = dropSource(home.index, source.id);
      expect(dropped).toEqual({ locations: 8, unavailable: 8 });
      expect(shown()).toEqual(before);
      lists({ name: '/a/part', shape, fingerprint: 'v2' });
      await home.sync(source);
      expectSame('/a/part');
    });

    it('keeps what another export in its place does not have', async () => {
      source.exports = [
        {
          id: 'e2',
          time: 200,
          archives: [{ name: '/a/part', shape, fingerprint: 'v2' }],
          items: library.slice(0, 1),
        },
      ];
      await home.sync(source);
      expect(shown()).toEqual(before);
      const located = viewFiles(home.index).filter(({ at }) => at.length > 0);
      expect(located.map(({ path }) => path)).toEqual(['years/2021/with id.jpg']);
    });
  });
}

describe('offsets that shift', () => {
  it('do not matter where content, id or time tell', async () => {
    lists({ name: '/a.zip' }, library.slice(0, 3));
    await home.sync(source);
    const before = shown();
    lists({ name: '/a.zip', fingerprint: 'v2', shift: 1000 }, library.slice(0, 3));
    await home.sync(source);
    expect(shown()).toEqual(before);
    expect(viewItems(home.index)).toHaveLength(3);
  });

  it('keep equal namesakes without a sidecar apart', async () => {
    lists({ name: '/a.zip' });
    await home.sync(source);
    const before = shown();
    lists({ name: '/a.zip', fingerprint: 'v2', shift: 1000 });
    await home.sync(source);
    expect(shown().slice(0, before.length)).toEqual(before);
    // Which twin is which nobody can say: both came again, and both old ones stay.
    expect(viewFiles(home.index)).toHaveLength(10);
  });
});

describe('places that lie', () => {
  const one = (bytes: string, facts: Partial<MemoryItem> = {}) => [
    photo('a.jpg', { photoId: id, takenAt: taken, bytes, ...facts }),
  ];

  it('merge nothing: other bytes at a place of an archive that seems unchanged', async () => {
    lists({ name: '/a.zip' }, [photo('a.jpg', { provisional: true, bytes: 'one' })]);
    await home.sync(source);
    lists({ name: '/a.zip' }, [photo('a.jpg', { provisional: true, bytes: 'two' })]);
    await home.sync(source);
    expect(viewItems(home.index)).toHaveLength(2);
  });

  it('merge nothing: another photo of the same export while its first archive isn’t named', async () => {
    lists({ name: '/p1.zip' }, one('one'));
    await home.sync(source);
    lists({ name: '/p2.zip' }, one('two'));
    await home.sync(source);
    expect(viewFiles(home.index).map(({ pending }) => pending)).toEqual([undefined, undefined]);
  });

  it('merge nothing: equal names and bytes of the same export that are told to be two photos', async () => {
    lists({ name: '/p1.zip' }, one('same'));
    await home.sync(source);
    lists({ name: '/p2.zip' }, one('same', { photoId: `${id}2` }));
    await home.sync(source);
    lists({ name: '/p3.zip' }, one('same', { photoId: `${id}3`, takenAt: taken + 1 }));
    await home.sync(source);
    expect(viewItems(home.index)).toHaveLength(3);
  });

  it('are forgotten when an archive changes in the middle of the first scan', async () => {
    lists({ name: '/a.zip' });
    const before = await scanPages(source);
    lists({ name: '/a.zip', fingerprint: 'v2', shift: 500 });
    const after = await scanPages(source);
    const changing = {
      ...source,
      scan: async function* () {
        yield* [...before, ...after];
      },
    };
    await home.sync(changing);
    // The three twins without a sidecar can't be told from each other; all else was known again.
    expect(viewItems(home.index)).toHaveLength(9);
    expect(
      viewFiles(home.index)
        .filter(({ path }) => !path.includes('IMG_1'))
        .every(({ at }) => at.length === 1),
    ).toBe(true);
  });
});

describe('an unpacked folder, whose ranks shift', () => {
  const folder = (fingerprint: string): MemoryArchive => ({
    name: '/unpacked',
    shape: 'folder',
    fingerprint,
  });

  it('takes no file for another one of its size', async () => {
    const sized = (name: string, bytes: string) => photo(name, { provisional: true, bytes });
    lists(folder('v1'), [sized('b.jpg', 'bbbb'), sized('d.jpg', 'dddd')]);
    await home.sync(source);
    // Files came before and between, all of one size, and the old ones have other ranks.
    lists(folder('v2'), [
      sized('a.jpg', 'aaaa'),
      sized('b.jpg', 'bbbb'),
      sized('c.jpg', 'cccc'),
      sized('d.jpg', 'dddd'),
    ]);
    const [report] = (await home.sync(source)).sources;
    expect(report).toMatchObject({ newItems: 2, newFiles: 2 });
    expect(home.years()).toEqual(['2021/b.jpg', '2021/d.jpg', '2021/a.jpg', '2021/c.jpg']);
    for (const file of viewFiles(home.index))
      expect([file.path, file.at]).toEqual([file.path, ['/unpacked 4']]);
  });

  it('takes no file for a namesake of its size that is gone', async () => {
    const raw = (yearFolder: number, bytes: string) =>
      photo('IMG_1.raw', { provisional: true, yearFolder, bytes });
    lists(folder('v1'), [raw(2021, 'old!')]);
    await home.sync(source);
    lists(folder('v2'), [raw(2022, 'new!')]);
    await home.sync(source);
    expect(home.years()).toEqual(['2021/IMG_1.raw', '2022/IMG_1.raw']);
    expect(viewFiles(home.index).map(({ at }) => at.length)).toEqual([0, 1]);
  });

  it('is known by its sidecars when it was copied with other times', async () => {
    const files = (path: string) => [
      photo('by time.jpg', {
        takenAt: taken,
        files: [{ name: 'by time.jpg', bytes: 'TTTT', path: `${path}t` }],
      }),
      photo('by id.jpg', {
        photoId: id,
        takenAt: taken,
        files: [{ name: 'by id.jpg', bytes: 'IIII', path: `${path}i` }],
      }),
      photo('neither.jpg', {
        provisional: true,
        files: [{ name: 'neither.jpg', bytes: 'NNNN', path: `${path}n` }],
      }),
    ];
    lists(folder('v1'), files('old time/'));
    await home.sync(source);
    lists({ ...folder('v1'), name: '/copied' }, files('new time/'));
    await home.sync(source);
    // In doubt both are kept: of the third nothing agrees but name and size.
    expect(home.years()).toHaveLength(4);
    expect(viewFiles(home.index).map(({ at }) => at.length)).toEqual([2, 2, 1, 1]);
  });

  it('takes other bytes of a known photo for a revision', async () => {
    const at = (bytes: string) => [photo('a.jpg', { photoId: id, takenAt: taken, bytes })];
    lists(folder('v1'), at('before'));
    await home.sync(source);
    lists(folder('v2'), at('afterwards'));
    await home.sync(source);
    expect(viewItems(home.index)).toHaveLength(1);
    expect(home.index.db.prepare('SELECT size FROM revision').all()).toEqual([{ size: 10 }]);
  });
});

describe('parts that are added', () => {
  it('bring what is new and leave what was there', async () => {
    const archives = [{ name: '/p1' }, { name: '/p2' }];
    const inPart = (item: MemoryItem, archive: string): MemoryItem => ({
      ...item,
      files: item.files.map((file) => ({ ...file, archives: [archive] })),
    });
    const first = library.slice(0, 3).map((item) => inPart(item, '/p1'));
    const second = library.slice(3).map((item) => inPart(item, '/p2'));
    source.exports = [{ id: 'e1', time: 100, archives: archives.slice(0, 1), items: first }];
    await home.sync(source);
    const before = shown();
    source.exports = [{ id: 'e1', time: 100, archives, items: [...second, ...first] }];
    const [report] = (await home.sync(source)).sources;
    expect(report).toMatchObject({ newItems: 4, newFiles: 5 });
    expect(shown().slice(0, 3)).toEqual(before);
  });

  it('bring the sidecar by which two files are one item', async () => {
    const archives = [{ name: '/p1' }, { name: '/p2' }];
    const clip = { name: 'live.mp4', bytes: 'clip', archives: ['/p1'] };
    const edit = { name: 'live-edited.heic', bytes: 'edit', archives: ['/p1'] };
    const still = { name: 'live.heic', bytes: 'still', archives: ['/p2'] };
    const yearFolder = 2021;
    source.exports = [
      {
        id: 'e1',
        time: 100,
        archives,
        items: [
          { files: [clip], provisional: true, yearFolder },
          { files: [edit], provisional: true, yearFolder },
        ],
      },
    ];
    await home.sync(source);
    const before = shown();
    const whole: MemoryItem = {
      files: [still, { ...clip, role: 'motion' }, { ...edit, role: 'edited' }],
      photoId: id,
      takenAt: taken,
      yearFolder,
    };
    source.exports = [{ id: 'e1', time: 100, archives, items: [whole] }];
    await home.sync(source);
    const [item, ...others] = viewItems(home.index);
    expect(others).toEqual([]);
    expect(item).toMatchObject({ photoId: id, title: 'live.heic', provisional: false });
    expect(item?.files.map(({ path, role, mtime }) => [path, role, mtime]).sort()).toEqual([
      ['years/2021/live-edited.heic', 'edited', taken],
      ['years/2021/live.heic', 'original', taken],
      ['years/2021/live.mp4', 'motion', taken],
    ]);
    // Where they stand and who they are did not change.
    const now = new Map(shown().map((file) => [file.path, file.ino]));
    for (const file of before) expect(now.get(file.path)).toBe(file.ino);
    // The next export finds all three.
    source.exports = [
      {
        id: 'e2',
        time: 200,
        items: [{ ...whole, files: whole.files.map(({ archives: _, ...file }) => file) }],
      },
    ];
    await home.sync(source);
    expect(viewFiles(home.index)).toHaveLength(3);
  });
});
