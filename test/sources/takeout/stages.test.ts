/** Listing in two stages, where sidecars are dear: the tree stands before they are read, and is refined by them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putMemo, recall } from '../../../src/index/sources.ts';
import { GphotosfsError } from '../../../src/model/errors.ts';
import type { Source } from '../../../src/sources/source.ts';
import type { Archive } from '../../../src/sources/takeout/archives/archive.ts';
import { localStore } from '../../../src/sources/takeout/local-store.ts';
import { scanTakeout } from '../../../src/sources/takeout/scan.ts';
import { sidecarsAlong } from '../../../src/sources/takeout/sidecars-along.ts';
import { createTakeoutSource } from '../../../src/sources/takeout/takeout-source.ts';
import { type ListedPage, type Memory, scanPages } from '../../helpers/scanning.ts';
import { openSyncHome, type SyncHome } from '../../helpers/sync-home.ts';
import { buildTakeout, photo, type TakeoutSpec } from '../../helpers/takeout-builder.ts';
import { signal } from '../../helpers/test-home.ts';

let folder: string;
let home: SyncHome;
/** Sidecars asked for so far, and after how many of them the network fails. */
let asked: number;
let failAfter: number;
let gone: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gphotosfs-stages-'));
  home = openSyncHome();
  asked = 0;
  failAfter = Number.POSITIVE_INFINITY;
  gone = [];
});
afterEach(() => {
  home.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Archives on disk, reached as if over a network. */
function remoteSource(paths: readonly string[]): Source {
  const local = createTakeoutSource({ id: 'far', account: 'me', paths });
  const store = localStore(paths);
  return {
    ...local,
    scan: (request) =>
      scanTakeout(
        'far',
        {
          ...store,
          remote: true,
          async find(known, signal) {
            const finding = await store.find(known, signal);
            return {
              problems: finding.problems,
              gone: known.filter((name) => gone.includes(name)),
              found: finding.found
                .filter(({ name }) => !gone.includes(name))
                .map((found) => ({ ...found, open: async () => counted(await found.open()) })),
            };
          },
        },
        request,
      ),
  };
}

function counted(archive: Archive): Archive {
  return {
    ...archive,
    async *readSmall(entries, maxBytes, signal) {
      for await (const batch of archive.readSmall(entries, maxBytes, signal)) {
        asked += batch.length;
        if (asked > failAfter) throw new GphotosfsError('source-unreachable', 'the network is gone');
        yield batch;
      }
    },
  };
}

/** A pass takes the sidecars of some folders along. */
async function bring(paths: readonly string[], folder: string): Promise<void> {
  const { found } = await localStore(paths).find([], signal);
  for (const { open } of found) {
    const archive = await open();
    const along = sidecarsAlong(archive, await archive.fingerprint(), {
      recall: (key) => recall(home.index, 'far', key),
      keep: (memo) => putMemo(home.index, 'far', memo),
    });
    const { entries = [], maxBytes = 0, take } = along?.passing ?? {};
    const some = entries.filter(({ path }) => path.includes(folder));
    for await (const batch of archive.readSmall(some, maxBytes, signal))
      for (const small of batch) take?.(small);
    along?.keep();
    await archive.close();
  }
}

const build = (name: string, spec: Partial<TakeoutSpec> & Pick<TakeoutSpec, 'entries'>) =>
  buildTakeout(join(folder, name), spec);
const year = (name: string, more: object = {}) => ({
  folder: 'Photos from 2021',
  name,
  bytes: photo(name),
  takenAt: 1_620_000_000,
  ...more,
});
const names = (pages: readonly ListedPage[]) =>
  pages.flatMap(({ items }) => items).flatMap(({ files }) => files.map(({ name }) => name));

describe('a scan in two stages', () => {
  it('lists what the directories tell first, and all of it again with its sidecars', async () => {
    const paths = await build('a', {
      parts: 2,
      albums: [{ folder: 'Trip', json: { title: 'Trip: far & wide' } }],
      entries: [
        year('a.jpg', { part: 1, sidecarPart: 2 }),
        year('b.heic', { part: 1 }),
        year('b.mp4', { sidecar: false, part: 2 }),
        { ...year('a.jpg'), folder: 'Trip', part: 2 },
        { ...year('only.jpg'), folder: 'Trip', part: 2 },
        { ...year('bin.jpg'), folder: 'Trash', part: 1 },
      ],
    });
    const pages = await scanPages(remoteSource(paths));
    const early = pages.filter((page) => page.early);
    const late = pages.slice(pages.findLastIndex((page) => page.early) + 1);
    expect(names(early)).toEqual(['a.jpg', 'b.heic', 'b.mp4']);
    expect(early.flatMap(({ items }) => items).every(({ provisional }) => provisional)).toBe(true);
    expect(early.flatMap(({ albums }) => albums)).toEqual([]);
    // Everything early comes before the first sidecar, in whichever part that is.
    expect(late.flatMap(({ items }) => items).filter(({ provisional }) => provisional)).toEqual([]);
    expect(names(late).sort()).toEqual(['a.jpg', 'b.heic', 'b.mp4', 'bin.jpg', 'only.jpg']);
    expect(late.flatMap(({ albums }) => albums).map(({ title }) => title)).toEqual(['Trip: far & wide']);
    const last = late.flatMap(({ archives }) => archives).at(-1);
    expect(last).toMatchObject({ remote: true, unkept: 0 });
  });

  it('leads to the same tree as one stage does, times and albums too', async () => {
    const paths = await build('a', {
      parts: 2,
      albums: [{ folder: 'Trip' }],
      entries: [
        year('a.jpg'),
        year('b.heic'),
        year('b.mp4', { sidecar: false }),
        { ...year('a.jpg'), folder: 'Trip' },
        { ...year('only.jpg'), folder: 'Trip' },
        year('none.jpg', { sidecar: false }),
      ],
    });
    const plain = openSyncHome();
    try {
      await plain.sync(createTakeoutSource({ id: 'far', account: 'me', paths }));
      await home.sync(remoteSource(paths));
      const shape = (one: SyncHome) =>
        [...one.tree()].map(([path, { kind, size, mtime, target }]) => [
          path,
          kind,
          kind === 'directory' ? 0 : size,
          kind === 'directory' ? 0 : mtime,
          target,
        ]);
      expect(new Set(shape(home).map(String))).toEqual(new Set(shape(plain).map(String)));
      expect(home.years()).toContain('2021/b.mp4');
    } finally {
      plain.dispose();
    }
  });

  it('keeps name and inode of what it has listed early, whose time changes once', async () => {
    const paths = await build('a', {
      entries: [year('a.jpg'), year('t.jpg', { sidecar: { trashed: true } })],
    });
    failAfter = 0;
    const { sources } = await home.sync(remoteSource(paths));
    expect(sources[0]?.error?.kind).toBe('source-unreachable');
    const before = home.tree().get('years/2021/a.jpg');
    expect(before?.mtime).toBe(Date.UTC(2021, 6, 1) / 1000);
    failAfter = Number.POSITIVE_INFINITY;
    expect((await home.sync(remoteSource(paths))).sources[0]?.error).toBeUndefined();
    const after = home.tree().get('years/2021/a.jpg');
    expect(after).toMatchObject({ ino: before?.ino, size: before?.size, mtime: 1_620_000_000 });
    // Listed before its sidecar could say that it is in the trash: a name once given is not taken back.
    expect(home.years()).toEqual(['2021/a.jpg', '2021/t.jpg']);
    expect((await home.sync(remoteSource(paths))).sources[0]).toMatchObject({ newItems: 0, problems: [] });
  });

  it('goes on with the sidecars where it was cut off', async () => {
    const entries = Array.from({ length: 2500 }, (_, at) => year(`p${at}.jpg`, { bytes: photo(at, 64) }));
    const paths = await build('a', { entries });
    failAfter = 1200;
    expect((await home.sync(remoteSource(paths))).sources[0]?.error?.kind).toBe('source-unreachable');
    expect(home.years().length).toBe(2500);
    failAfter = Number.POSITIVE_INFINITY;
    asked = 0;
    const { sources } = await home.sync(remoteSource(paths));
    expect(sources[0]).toMatchObject({ error: undefined, newItems: 0 });
    expect(asked).toBe(1500);
    asked = 0;
    await home.sync(remoteSource(paths));
    expect(asked).toBe(0);
  });

  it('waits with what may be known: a second export adds nothing twice, and an edit is a revision', async () => {
    const first = await build('a', {
      entries: [
        year('a.jpg', { id: 'AF1QipAAAAAAAAAAAAAAAAAA' }),
        year('b.jpg', { id: 'AF1QipBBBBBBBBBBBBBBBBBB' }),
      ],
    });
    const second = await build('b', {
      exportTime: '20260301T120000Z',
      entries: [
        year('a.jpg', { id: 'AF1QipAAAAAAAAAAAAAAAAAA' }),
        year('b.jpg', { id: 'AF1QipBBBBBBBBBBBBBBBBBB', bytes: photo('edited') }),
        year('c.jpg', { id: 'AF1QipCCCCCCCCCCCCCCCCCC' }),
      ],
    });
    const paths = [...first, ...second];
    const pages = await scanPages(remoteSource(paths));
    expect(names(pages.filter((page) => page.early))).toEqual(['a.jpg', 'b.jpg', 'a.jpg', 'b.jpg', 'c.jpg']);
    failAfter = 0;
    await home.sync(remoteSource(paths));
    expect(home.years()).toEqual(['2021/a.jpg', '2021/b.jpg', '2021/c.jpg']);
    failAfter = Number.POSITIVE_INFINITY;
    await home.sync(remoteSource(paths));
    expect(home.years()).toEqual(['2021/a.jpg', '2021/b.jpg', '2021/c.jpg']);
    const revisions = home.index.db.prepare('SELECT count(*) AS count FROM revision').get();
    expect(revisions).toEqual({ count: 1 });
  });

  it('refines by itself only what lacks few sidecars, and nothing before an older export', async () => {
    const id = 'AF1QipAAAAAAAAAAAAAAAAAA';
    const first = await build('a', { entries: [year('a.jpg', { id }), year('b.jpg'), year('c.jpg')] });
    const second = await build('b', {
      exportTime: '20260301T120000Z',
      entries: [year('a.jpg', { id })],
    });
    const source = remoteSource([...first, ...second]);
    failAfter = 0;
    await home.sync(source);
    failAfter = Number.POSITIVE_INFINITY;
    asked = 0;
    const provisional = () =>
      home.index.db.prepare('SELECT sum(provisional) AS left FROM item').get() as { left: number };
    // The newer one lacks few enough, but the older one goes first.
    await home.sync(source, { lateOnly: 1 });
    expect([asked, provisional().left, home.years().length]).toEqual([0, 3, 3]);
    await home.sync(source, { lateOnly: 3 });
    expect([asked, provisional().left, home.years().length]).toEqual([4, 0, 3]);
    // Something new is the next sync's.
    const third = await build('c', { exportTime: '20260401T120000Z', entries: [year('d.jpg')] });
    const grown = remoteSource([...first, ...second, ...third]);
    await home.sync(grown, { lateOnly: 100 });
    expect(home.years().length).toBe(3);
    await home.sync(grown);
    expect(home.years().length).toBe(4);
  });

  it('refines a year whose sidecars a pass has brought, and takes nothing for settled that the others may change', async () => {
    const id = 'AF1QipAAAAAAAAAAAAAAAAAA';
    const paths = await build('a', {
      entries: [
        year('a.jpg', { id }),
        year('b.jpg'),
        // One id on two items identifies neither; of this one nothing has been read yet.
        { ...year('c.jpg', { id }), folder: 'Photos from 2020', takenAt: 1_590_000_000 },
        { ...year('d.jpg'), folder: 'Photos from 2020', takenAt: 1_590_000_001 },
      ],
    });
    const source = remoteSource(paths);
    failAfter = 0;
    await home.sync(source);
    failAfter = Number.POSITIVE_INFINITY;
    await bring(paths, '2021');
    asked = 0;
    const items = () =>
      home.index.db.prepare('SELECT title, provisional, photo_id AS id FROM item ORDER BY title').all();
    await home.sync(source, { lateOnly: 1 });
    expect(asked).toBe(0);
    expect(items()).toMatchObject([
      { title: 'a.jpg', provisional: 0, id },
      { title: 'b.jpg', provisional: 0 },
      { title: 'c.jpg', provisional: 1 },
      { title: 'd.jpg', provisional: 1 },
    ]);
    const mtime = () => home.tree().get('years/2021/a.jpg')?.mtime;
    expect(mtime()).toBe(1_620_000_000);
    await home.sync(source);
    expect(items()).toMatchObject([
      { title: 'a.jpg', provisional: 0, id: null },
      { title: 'b.jpg', provisional: 0 },
      { title: 'c.jpg', provisional: 0, id: null },
      { title: 'd.jpg', provisional: 0 },
    ]);
    expect(mtime()).toBe(1_620_000_000);
  });

  it('takes the places of an archive away once that is surely gone, never the names', async () => {
    const paths = await build('a', { parts: 2, entries: [year('a.jpg'), year('b.jpg')] });
    await home.sync(remoteSource(paths));
    const places = () => home.index.db.prepare('SELECT count(*) AS count FROM location').get();
    expect(places()).toEqual({ count: 2 });
    const tree = home.tree();
    gone = [paths[0] ?? ''];
    await home.sync(remoteSource(paths));
    expect(places()).toEqual({ count: 1 });
    expect(home.tree()).toEqual(tree);
    gone = [];
    asked = 0;
    await home.sync(remoteSource(paths));
    expect(places()).toEqual({ count: 2 });
    expect(home.tree()).toEqual(tree);
    expect(asked).toBe(0);
  });

  it('remembers nothing of what a page of its own did not apply', async () => {
    const paths = await build('a', { entries: [year('a.jpg'), year('b.jpg')] });
    for (let pages = 1; pages < 6; pages++) {
      const memory: Memory = new Map();
      const before = await scanPages(remoteSource(paths), { memory, pages });
      const after = await scanPages(remoteSource(paths), { memory });
      const final = [...before, ...after]
        .flatMap(({ items }) => items)
        .filter(({ provisional }) => !provisional);
      expect(new Set(final.map(({ title }) => title))).toEqual(new Set(['a.jpg', 'b.jpg']));
    }
  });

  it('tells at each scan what is wrong with an archive, wherever the first one was cut off', async () => {
    const paths = await build('a', {
      entries: [],
      files: [{ path: 'Takeout/Drive/x.txt', bytes: Buffer.from('x') }],
    });
    const told = (pages: readonly ListedPage[]) =>
      pages.flatMap(({ problems }) => problems).map(({ what }) => what);
    let resumed = 0;
    for (let pages = 1; pages < 6; pages++) {
      const memory: Memory = new Map();
      await scanPages(remoteSource(paths), { memory, pages });
      if (memory.get('scanned')?.includes('"early":true')) resumed++;
      await scanPages(remoteSource(paths), { memory });
      expect(told(await scanPages(remoteSource(paths), { memory })), `${pages} pages`).toEqual([
        'no Google Photos folder was found in this export',
      ]);
    }
    expect(resumed).toBeGreaterThan(0);
  });
});
