/** Revisions: newer bytes of a known file wait until they are in the cache; in whatever order exports come, the newest wins. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getFile, setFileContent } from '../../src/index/items.ts';
import { transaction } from '../../src/index/open.ts';
import { dropRevision, getRevision } from '../../src/index/revisions.ts';
import { changeInode, getInode } from '../../src/index/tree.ts';
import { crcOf, orders, photo, viewFiles, viewItems } from '../helpers/library-view.ts';
import { type MemoryExport, type MemoryItem, memorySource } from '../helpers/memory-source.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';

let home: SyncHome;
beforeEach(() => {
  home = openSyncHome();
});
afterEach(() => home.dispose());

const id = 'AF1QipMabcdefghij';
const taken = 1_620_000_000;
const version = (time: number, bytes: string, facts: Partial<MemoryItem> = {}): MemoryExport => ({
  id: `e${time}`,
  time,
  items: [photo('a.jpg', { photoId: id, takenAt: taken, bytes, ...facts })],
});

async function arrive(...exports: readonly MemoryExport[]): Promise<void> {
  const source = memorySource();
  for (const one of exports) {
    source.exports = [one];
    const [report] = (await home.sync(source)).sources;
    if (report?.error !== undefined) throw report.error;
  }
}

/** As the cache does once the revision's bytes are published. */
function publish(): void {
  const [file] = viewFiles(home.index);
  if (file === undefined) throw new Error('no file');
  const revision = getRevision(home.index, file.ino);
  const inode = getInode(home.index, file.ino);
  if (revision === undefined || inode === undefined) throw new Error('nothing to publish');
  transaction(home.index, () => {
    setFileContent(home.index, file.ino, revision);
    dropRevision(home.index, file.ino);
    changeInode(home.index, { ...inode, size: revision.size });
  });
}

/** The bytes that the file will show in the end. */
function newest(): number | undefined {
  const [file, ...others] = viewFiles(home.index);
  expect(others).toEqual([]);
  return file?.pending ?? file?.crc32;
}

describe('a revision', () => {
  it('waits: the file shows what it showed, until the new bytes are in the cache', async () => {
    await arrive(version(100, 'before'), version(200, 'afterwards'));
    const [file] = viewFiles(home.index);
    expect(file).toMatchObject({ size: 6, crc32: crcOf('before'), pending: crcOf('afterwards') });
    expect(getInode(home.index, file?.ino ?? 0)).toMatchObject({ size: 6, mtime: taken });
    publish();
    expect(viewFiles(home.index)).toMatchObject([
      { path: 'years/2021/a.jpg', size: 10, crc32: crcOf('afterwards'), pending: undefined, mtime: taken },
    ]);
  });

  it('is the newest, in all orders of four exports', async () => {
    const all = [
      version(100, 'one'),
      version(200, 'two'),
      version(300, 'one', { title: 'renamed.jpg' }),
      version(400, 'four'),
    ];
    for (const order of orders(all)) {
      home.dispose();
      home = openSyncHome();
      await arrive(...order);
      const names = order.map(({ time }) => time);
      expect([names, newest()]).toEqual([names, crcOf('four')]);
      expect([names, viewFiles(home.index)[0]?.at.length]).toEqual([names, 4]);
    }
  }, 60_000);

  it('is the newest where it is published in between', async () => {
    await arrive(version(100, 'one'), version(300, 'three'));
    publish();
    await arrive(version(200, 'two'), version(50, 'zero'));
    expect(newest()).toBe(crcOf('three'));
    expect(viewFiles(home.index)[0]?.pending).toBeUndefined();
    await arrive(version(400, 'one'));
    expect(newest()).toBe(crcOf('one'));
    publish();
    expect(newest()).toBe(crcOf('one'));
  });

  it('is given up when an edit was taken back', async () => {
    await arrive(version(100, 'one'), version(200, 'edited'), version(300, 'one'));
    expect(viewFiles(home.index)[0]?.pending).toBeUndefined();
    await arrive(version(250, 'edited otherwise'));
    expect(newest()).toBe(crcOf('one'));
  });

  it('is as new as its newest export', async () => {
    await arrive(version(100, 'one'), version(200, 'two'), version(400, 'two'), version(300, 'three'));
    expect(newest()).toBe(crcOf('two'));
  });

  it('is never older bytes, also when the archive of the newer ones is gone', async () => {
    const source = memorySource({ exports: [version(200, 'newer')] });
    await home.sync(source);
    // Another export was saved in its place.
    source.exports = [
      { ...version(300, 'x'), archives: [{ name: '/exports/e200.zip', fingerprint: 'v2' }], items: [] },
    ];
    await home.sync(source);
    expect(viewFiles(home.index)[0]?.at).toEqual([]);
    await arrive(version(100, 'older'));
    expect(viewFiles(home.index)[0]).toMatchObject({ crc32: crcOf('newer'), pending: undefined });
  });

  it('does not come from the trash', async () => {
    await arrive(version(100, 'one'), version(200, 'two', { trashed: true }));
    expect(viewFiles(home.index)).toMatchObject([{ crc32: crcOf('one'), pending: undefined }]);
  });

  it('does not change what was learnt while fetching', async () => {
    const folder = (time: number, bytes: string): MemoryExport => ({
      ...version(time, bytes),
      archives: [{ name: `/f${time}`, shape: 'folder' }],
    });
    await arrive(folder(100, 'same size'));
    const [file] = viewFiles(home.index);
    setFileContent(home.index, file?.ino ?? 0, { size: 9, crc32: crcOf('same size') });
    await arrive(version(200, 'same size'), version(300, 'same SIZE'));
    expect(getFile(home.index, file?.ino ?? 0)?.crc32).toBe(crcOf('same size'));
    expect(newest()).toBe(crcOf('same SIZE'));
  });

  it('that waits is known by its bytes, also under another name', async () => {
    const [item] = version(300, 'two').items;
    const renamed = { ...item, files: [{ name: 'Beach.jpg', bytes: 'two' }] };
    await arrive(version(100, 'one'), version(200, 'two'), { ...version(300, 'two'), items: [renamed] });
    expect(viewFiles(home.index)).toMatchObject([
      { pending: crcOf('two'), at: [{}, {}, {}].map(() => expect.any(String)) },
    ]);
    await arrive(version(250, 'older'));
    expect(newest()).toBe(crcOf('two'));
  });

  it('finds the numbered name of another export', async () => {
    const numbered = version(200, 'edited in place');
    const [item] = numbered.items;
    const renamed = { ...item, title: 'a.jpg', files: [{ name: 'a(3).jpg', bytes: 'edited in place' }] };
    await arrive(version(100, 'before'), { ...numbered, items: [renamed] });
    expect(viewItems(home.index)).toHaveLength(1);
    expect(newest()).toBe(crcOf('edited in place'));
  });
});
