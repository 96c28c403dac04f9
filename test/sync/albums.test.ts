/** Albums: known by account, folder and date; they and their members only grow; links are named after the photos. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { albumEntriesOf, allAlbums } from '../../src/index/albums.ts';
import { safeName } from '../../src/tree/names.ts';
import { photo, viewFiles } from '../helpers/library-view.ts';
import {
  type MemoryAlbum,
  type MemoryExport,
  type MemoryItem,
  memorySource,
} from '../helpers/memory-source.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';
import { hostileNames } from '../tree/hostile-names.ts';

let home: SyncHome;
beforeEach(() => {
  home = openSyncHome();
});
afterEach(() => home.dispose());

const taken = 1_620_000_000;
const inAlbum = (name: string, ...albums: string[]): MemoryItem =>
  photo(name, { photoId: `AF1Qip${name}`, takenAt: taken, albums });

async function list(time: number, albums: readonly MemoryAlbum[], ...items: readonly MemoryItem[]) {
  const source = memorySource({ exports: [{ id: `e${time}`, time, albums, items }] });
  const [report] = (await home.sync(source)).sources;
  if (report?.error !== undefined) throw report.error;
  return report;
}

/** Titles of the album directories, in order. */
const folders = () =>
  [...home.tree().keys()].flatMap((path) => /^albums\/(.+)\/$/.exec(path)?.slice(1) ?? []);

describe('albums', () => {
  it('hold relative links to the photos in their years', async () => {
    expect(await list(1, [{ folder: 'Summer' }], inAlbum('a.jpg', 'Summer'), photo('b.jpg'))).toMatchObject({
      newAlbums: 1,
    });
    const tree = home.tree();
    expect([...tree.keys()]).toEqual([
      'years/',
      'years/2021/',
      'years/2021/a.jpg',
      'years/2021/b.jpg',
      'albums/',
      'albums/Summer/',
      'albums/Summer/a.jpg',
    ]);
    const target = '../../years/2021/a.jpg';
    expect(tree.get('albums/Summer/a.jpg')).toMatchObject({
      kind: 'symlink',
      target,
      size: target.length,
      mtime: taken,
      nlink: 1,
    });
    expect(tree.get('albums/')).toMatchObject({ nlink: 3 });
    expect(tree.get('albums/Summer/')).toMatchObject({ nlink: 2 });
    expect(tree.get('years/')).toMatchObject({ nlink: 3 });
  });

  it('with one title are two folders', async () => {
    const twice: readonly MemoryAlbum[] = [
      { folder: 'Italy', key: 'first', date: 100 },
      { folder: 'Italy', key: 'second', date: 200 },
      { folder: 'Italy(1)', title: 'Italy', date: 100 },
    ];
    const items = [inAlbum('a.jpg', 'first'), inAlbum('b.jpg', 'second'), inAlbum('c.jpg', 'Italy(1)')];
    await list(1, twice, ...items);
    const [one, two, three] = folders();
    expect([one, two, three]).toEqual([
      'Italy',
      expect.stringMatching(/^Italy ~[a-z2-7]{6}$/),
      expect.stringMatching(/^Italy ~[a-z2-7]{6}$/),
    ]);
    expect(home.albums()).toEqual([`${one}/a.jpg`, `${two}/b.jpg`, `${three}/c.jpg`]);
    await list(2, [...twice].reverse(), ...items);
    expect(folders()).toEqual([one, two, three]);
    expect(home.albums()).toHaveLength(3);
  });

  it('that were renamed are new ones, and the old ones stay', async () => {
    await list(1, [{ folder: 'Old', date: 5 }], inAlbum('a.jpg', 'Old'));
    await list(2, [{ folder: 'New', date: 5 }], inAlbum('a.jpg', 'New'));
    expect(home.albums()).toEqual(['Old/a.jpg', 'New/a.jpg']);
  });

  it('only grow, and no member comes twice', async () => {
    await list(1, [{ folder: 'A' }], inAlbum('a.jpg', 'A'), inAlbum('b.jpg', 'A'));
    await list(2, [{ folder: 'A' }], inAlbum('b.jpg'), inAlbum('c.jpg', 'A'));
    await list(3, [{ folder: 'A' }]);
    await list(4, [], inAlbum('a.jpg', 'A'));
    expect(home.albums()).toEqual(['A/a.jpg', 'A/b.jpg', 'A/c.jpg']);
  });

  it('may learn their date later, in either order', async () => {
    for (const dates of [
      [undefined, 100],
      [100, undefined],
    ]) {
      home.dispose();
      home = openSyncHome();
      let time = 1;
      for (const date of dates) {
        const album = { folder: 'A', ...(date === undefined ? {} : { date }) };
        await list(time++, [album], inAlbum(`${time}.jpg`, 'A'));
      }
      expect(allAlbums(home.index)).toMatchObject([{ folder: 'A', date: 100 }]);
      expect(folders()).toEqual(['A']);
      // Once both are known another date is another album.
      await list(9, [{ folder: 'A', date: 300 }], inAlbum('z.jpg', 'A'));
      expect(folders()).toHaveLength(2);
    }
  });

  it('without a title or a name have one all the same', async () => {
    const names = ['', ' ', '..', '/', 'a/../b', '2021', '.gphotosfs', '\u200b', 'CON'];
    const albums = names.map((title, at) => ({
      folder: at === 0 ? '' : `Untitled(${at})`,
      title,
      key: `${at}`,
    }));
    await list(1, albums, ...albums.map(({ key }) => inAlbum(`${key}.jpg`, key)));
    expect(folders()).toEqual([
      '_',
      'Untitled(1)',
      '__',
      expect.stringMatching(/^_ ~[a-z2-7]{6}$/),
      'a_.._b',
      '2021',
      '_.gphotosfs',
      expect.stringMatching(/^_\u200b ~[a-z2-7]{6}$/),
      '_CON',
    ]);
    expect(home.albums()).toHaveLength(names.length);
  });

  it('give every member a name of its own', async () => {
    const year = (yearFolder: number): MemoryItem => ({
      ...photo('IMG_1.jpg', { yearFolder, bytes: `${yearFolder}`, albums: ['A'] }),
    });
    await list(1, [{ folder: 'A' }], year(2019), year(2020), {
      ...year(2021),
      files: [{ name: 'img_1.JPG', bytes: 'x' }],
    });
    const [first, second, third] = home.albums();
    expect(first).toBe('A/IMG_1.jpg');
    expect(second).toMatch(/^A\/IMG_1 ~[a-z2-7]{6}\.jpg$/);
    expect(third).toMatch(/^A\/img_1 ~[a-z2-7]{6}\.JPG$/);
    const targets = [...home.tree()].flatMap(([, { target }]) => target ?? []);
    expect(targets).toEqual(
      [2019, 2020, 2021].map((at) => `../../years/${at}/${at === 2021 ? 'img_1.JPG' : 'IMG_1.jpg'}`),
    );
  });

  it('keep links inside the tree whatever photos are called', async () => {
    await list(
      1,
      [{ folder: 'A' }],
      ...hostileNames.map((name, at) => photo(name, { bytes: `${at}`, albums: ['A'] })),
    );
    const tree = home.tree();
    const links = [...tree].filter(([path]) => path.startsWith('albums/A/') && path !== 'albums/A/');
    expect(links).toHaveLength(hostileNames.length);
    for (const [path, { target }] of links) {
      const [, parent, below] = /^\.\.\/\.\.\/(years\/2021)\/([^/]+)$/.exec(target ?? '') ?? [];
      expect([path, tree.get(`${parent}/${below}`)?.kind]).toEqual([path, 'file']);
      expect(safeName(below ?? '')).toBe(below);
    }
  });

  it('pass over members that are held back in the trash', async () => {
    await list(1, [{ folder: 'A' }], { ...inAlbum('a.jpg', 'A'), trashed: true }, inAlbum('b.jpg', 'A'));
    expect(home.albums()).toEqual(['A/b.jpg']);
    await list(2, [{ folder: 'A' }], inAlbum('a.jpg', 'A'));
    expect(home.albums()).toEqual(['A/b.jpg', 'A/a.jpg']);
  });

  it('are apart in two accounts', async () => {
    const one: MemoryExport = { id: 'e', time: 1, albums: [{ folder: 'A' }], items: [inAlbum('a.jpg', 'A')] };
    const mine = memorySource({ id: 'one', account: 'mine', exports: [one] });
    const yours = memorySource({ id: 'two', account: 'yours', exports: [one] });
    await home.sync([mine, yours]);
    expect(folders()).toEqual(['A', expect.stringMatching(/^A ~/)]);
  });

  it('live in the years by month as well', async () => {
    home.dispose();
    home = openSyncHome({ years: 'monthly', albums: 'symlink' });
    await list(1, [{ folder: 'A' }], inAlbum('a.jpg', 'A'));
    expect(home.tree().get('albums/A/a.jpg')?.target).toBe('../../years/2021/05/a.jpg');
  });
});

describe('albums of hard links', () => {
  beforeEach(() => {
    home.dispose();
    home = openSyncHome({ years: 'yearly', albums: 'hardlink' });
  });

  it('hold further names of the same inodes', async () => {
    const albums = [{ folder: 'A' }, { folder: 'B' }];
    await list(1, albums, inAlbum('a.jpg', 'A'));
    const [before] = viewFiles(home.index);
    await list(2, albums, inAlbum('a.jpg', 'A', 'B'));
    const tree = home.tree();
    const names = ['years/2021/a.jpg', 'albums/A/a.jpg', 'albums/B/a.jpg'].map((path) => tree.get(path));
    for (const name of names)
      expect(name).toMatchObject({ kind: 'file', ino: before?.ino, nlink: 3, mtime: taken });
    expect(albumEntriesOf(home.index, before?.ino ?? 0)).toMatchObject([
      { title: 'A', name: 'a.jpg', target: undefined },
      { title: 'B', name: 'a.jpg', target: undefined },
    ]);
    expect(home.journal().filter(({ type }) => type === 'entry')).toHaveLength(2);
  });
});
