/** What is told of items: from provisional to final exactly once, trash, years, months. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeFile } from '../../src/index/items.ts';
import { changeMark, changesSince } from '../../src/index/tree.ts';
import { photo, viewFiles, viewItems } from '../helpers/library-view.ts';
import { type MemoryItem, memorySource } from '../helpers/memory-source.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';

let home: SyncHome;
beforeEach(() => {
  home = openSyncHome();
});
afterEach(() => home.dispose());

const id = 'AF1QipMabcdefghij';
const taken = Date.UTC(2019, 11, 31, 23, 59, 59) / 1000;
const july = Date.UTC(2021, 6, 1) / 1000;

async function list(time: number, ...items: readonly MemoryItem[]) {
  const source = memorySource({ exports: [{ id: `e${time}`, time, items }] });
  const [report] = (await home.sync(source)).sources;
  if (report?.error !== undefined) throw report.error;
  return report;
}

describe('an item without its sidecar', () => {
  const early = photo('a.jpg', { provisional: true });

  it('shows 1 July of its folder’s year, then its own time, once', async () => {
    await list(100, early);
    const [before] = viewFiles(home.index);
    expect(before).toMatchObject({ path: 'years/2021/a.jpg', mtime: july, ctime: july });
    const mark = changeMark(home.index);
    await list(
      100,
      photo('a.jpg', { takenAt: taken, photoId: id, title: 'A.jpg', description: { description: 'new' } }),
    );
    // Placement is final although it was taken in another year.
    expect(viewFiles(home.index)).toEqual([{ ...before, mtime: taken }]);
    expect(changesSince(home.index, mark).inodes).toEqual([before?.ino]);
    expect(describeFile(home.index, before?.ino ?? 0)).toMatchObject({
      item: { title: 'A.jpg', photoId: id, takenAt: taken, provisional: false },
      description: { description: 'new' },
    });
    await list(200, photo('a.jpg', { photoId: id, title: 'A.jpg', takenAt: taken + 3600 }));
    await list(100, early);
    expect(viewFiles(home.index)[0]?.mtime).toBe(taken);
    expect(viewItems(home.index)).toMatchObject([{ provisional: false, takenAt: taken }]);
  });

  it('keeps its time for good where the sidecar tells none', async () => {
    await list(100, early);
    await list(100, photo('a.jpg', { title: 'a.jpg', photoId: id }));
    expect(viewItems(home.index)).toMatchObject([{ provisional: false, photoId: id }]);
    expect(viewFiles(home.index)[0]?.mtime).toBe(july);
    await list(200, photo('a.jpg', { photoId: id, takenAt: taken }));
    expect(viewFiles(home.index)[0]?.mtime).toBe(july);
  });

  it('shows the time of its export where it has no year either', async () => {
    await list(1_600_000_000, { files: [{ name: 'scan.png', bytes: 'S' }], provisional: true });
    expect(viewFiles(home.index)).toMatchObject([{ path: 'years/undated/scan.png', mtime: 1_600_000_000 }]);
  });
});

describe('newer facts', () => {
  it('win, in either order, but for the time', async () => {
    const said = (description: string, title: string): MemoryItem =>
      photo('a.jpg', { photoId: id, takenAt: taken, title, description: { description } });
    for (const order of [
      [100, 200],
      [200, 100],
    ]) {
      home.dispose();
      home = openSyncHome();
      for (const time of order) await list(time, said(`of ${time}`, `t${time}`));
      const [file] = viewFiles(home.index);
      expect(describeFile(home.index, file?.ino ?? 0)).toMatchObject({
        item: { title: 't200' },
        description: { description: 'of 200' },
      });
    }
  });
});

describe('the trash', () => {
  const trashed = photo('a.jpg', { photoId: id, takenAt: taken, trashed: true });
  const wanted = photo('a.jpg', { photoId: id, takenAt: taken });

  it('is held back', async () => {
    expect(await list(100, trashed, photo('b.jpg'))).toMatchObject({ heldBack: 1, newItems: 1 });
    expect(home.years()).toEqual(['2021/b.jpg']);
  });

  it('takes nothing away that was listed before', async () => {
    await list(100, wanted);
    expect(await list(200, trashed)).toMatchObject({ heldBack: 0, newItems: 0 });
    expect(viewFiles(home.index)).toMatchObject([{ at: ['/exports/e100.zip 5', '/exports/e200.zip 5'] }]);
  });

  it('gives back what was taken out of it, whichever export comes first', async () => {
    for (const order of [
      [trashed, wanted],
      [wanted, trashed],
    ] as const) {
      home.dispose();
      home = openSyncHome();
      await list(order[0] === trashed ? 100 : 200, order[0]);
      await list(order[1] === trashed ? 100 : 200, order[1]);
      expect(home.years()).toEqual(['2021/a.jpg']);
    }
  });

  it('adds no further files to what is listed', async () => {
    await list(100, wanted);
    const edited = { name: 'a-edited.jpg', bytes: 'edited', role: 'edited' as const };
    await list(200, { ...trashed, files: [...trashed.files, edited] });
    expect(home.years()).toEqual(['2021/a.jpg']);
  });
});

describe('years and months', () => {
  it('takes the folder’s year, else the UTC year of the time taken, else none', async () => {
    const of = (name: string, yearFolder: number | undefined, takenAt: number | undefined): MemoryItem => ({
      files: [{ name, bytes: name }],
      ...(yearFolder === undefined ? {} : { yearFolder }),
      ...(takenAt === undefined ? {} : { takenAt }),
    });
    await list(
      1,
      of('both', 2020, taken),
      of('time', undefined, taken),
      of('old', undefined, Date.UTC(1899, 0, 1) / 1000),
      of('none', undefined, undefined),
      of('absurd', undefined, 1e15),
      of('negative', undefined, -1e12),
    );
    expect(home.years().sort()).toEqual([
      '1899/old',
      '2019/time',
      '2020/both',
      'undated/absurd',
      'undated/negative',
      'undated/none',
    ]);
  });

  it('by month: UTC month of the time taken, and a photo called like a month is in nobody’s way', async () => {
    home.dispose();
    home = openSyncHome({ years: 'monthly', albums: 'symlink' });
    await list(
      1,
      { files: [{ name: '12', bytes: 'no time, no ending' }], yearFolder: 2019 },
      photo('a.jpg', { takenAt: taken, yearFolder: 2020 }),
      photo('b.jpg', { takenAt: taken + 1 }),
      photo('c.jpg', { yearFolder: 2019 }),
      { files: [{ name: 'd.jpg', bytes: 'd' }] },
    );
    expect(home.years().sort()).toEqual([
      '2019/12',
      '2019/_12/a.jpg',
      '2019/c.jpg',
      '2020/01/b.jpg',
      'undated/d.jpg',
    ]);
    await list(2, photo('e.jpg', { takenAt: taken }));
    expect(home.years()).toContain('2019/_12/e.jpg');
  });
});
