/** Sidecars in the tree and in the cache: listed when told to, stable, refreshed when something else is known. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { getCached } from '../../src/index/cached.ts';
import { describeFile, getFile, updateItem } from '../../src/index/items.ts';
import { locationsOf } from '../../src/index/locations.ts';
import { transaction } from '../../src/index/open.ts';
import { listMissing } from '../../src/index/plan.ts';
import { defaultLayout } from '../../src/index/settings.ts';
import { getInode, pathOf } from '../../src/index/tree.ts';
import { everything, type Filter, nothing } from '../../src/model/filter.ts';
import { type MediaKind, mediaKindOf } from '../../src/model/media-kind.ts';
import type { Source } from '../../src/sources/source.ts';
import { metadataSource } from '../../src/sync/metadata-source.ts';
import { followPhotos } from '../../src/sync/sidecars.ts';
import { sync } from '../../src/sync/sync.ts';
import { beginGrowth, finishGrowth } from '../../src/tree/entries.ts';
import type { MemoryExport, MemoryItem } from '../helpers/memory-source.ts';
import { createTestHome, exportOf, photo, signal, type TestHome } from '../helpers/test-home.ts';

const path = 'years/2021/a.jpg.xmp';
let home: TestHome;

let metadata: Source;

beforeEach(async () => {
  const sources: Source[] = [];
  home = await createTestHome({ sources: () => sources });
  metadata = metadataSource(home.index);
  sources.push(home.source, metadata);
});
afterEach(() => home.remove());

function signalled(): { readonly came: Promise<void>; readonly give: () => void } {
  let give = () => {};
  const came = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { came, give };
}

/** Holds the next stream of a sidecar back after so many bytes, which were made at its beginning. */
function holdOpened(after = 0): { readonly begun: Promise<void>; readonly release: () => void } {
  const { open } = metadata;
  const [gate, begun] = [signalled(), signalled()];
  metadata.open = async function* (...request) {
    metadata.open = open;
    const chunks: Buffer[] = [];
    for await (const chunk of open(...request)) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (after > 0) yield bytes.subarray(0, after);
    begun.give();
    await gate.came;
    yield bytes.subarray(after);
  };
  return { begun: begun.came, release: gate.give };
}

async function list(exports: readonly MemoryExport[], sidecars?: boolean): Promise<void> {
  const { index, cachePath, home: folder, source } = home;
  source.exports = exports;
  const said = sidecars === undefined ? {} : { sidecars };
  const [layout, progress] = [defaultLayout, () => {}];
  const request = {
    index,
    cachePath,
    home: folder,
    layout,
    sources: [source],
    rescan: false,
    signal,
    progress,
  };
  for (const { error } of (await sync({ ...request, ...said })).sources) if (error !== undefined) throw error;
}

const one = (more: Partial<MemoryItem> = {}) => photo('a.jpg', 'AAAA', { photoId: 'id-a', ...more });
const described = (description: string) => one({ description: { description } });
const text = async (of = path) => (await home.read(of)).toString();
const attributes = () => getInode(home.index, home.ino(path));

/** Else rsync takes other bytes of equal length for the ones it has. */
function expectNewTime(before: { readonly mtime: number } | undefined): void {
  const mtime = attributes()?.mtime ?? 0;
  expect(mtime).toBeGreaterThan(before?.mtime ?? 0);
  expect(Math.abs(mtime - Date.now() / 1000)).toBeLessThan(60);
}

describe('sidecars', () => {
  it('are listed when a sync is told to, at each one after, and no more when told not to', async () => {
    await list([exportOf([one()])]);
    expect(() => home.ino(path)).toThrow();
    await list([exportOf([one()])], true);
    const photo1 = getInode(home.index, home.ino('years/2021/a.jpg'));
    expect(attributes()).toMatchObject({ mtime: photo1?.mtime, kind: 'file', nlink: 1 });
    const b = exportOf([photo('b.jpg', 'B', { photoId: 'b' })], { id: 'e2', time: 1_700_000_000 });
    await list([exportOf([one()]), b]);
    expect(await text('years/2021/b.jpg.xmp')).toContain('b.jpg');
    const c = exportOf([photo('c.jpg', 'C', { photoId: 'c' })], { id: 'e3', time: 1_710_000_000 });
    await list([exportOf([one()]), b, c], false);
    expect(() => home.ino('years/2021/c.jpg.xmp')).toThrow();
    expect(await text()).toContain('a.jpg');
  });

  it('say what is known, have the size that is listed, and change nothing at the next sync', async () => {
    const item = one({
      description: {
        description: 'From <the pass>',
        people: ['Ada', 'Grace'],
        place: [48.5, -2.25],
        favorited: true,
      },
      albums: ['Summer'],
    });
    await list([exportOf([item], { albums: [{ folder: 'Summer' }] })], true);
    const before = attributes();
    const said = await text();
    expect(Buffer.byteLength(said)).toBe(before?.size);
    for (const word of [
      'From &lt;the pass&gt;',
      'Ada',
      'Grace',
      'Summer',
      '48,30',
      '2,15.000000W',
      '2021-07-01T00:00:00Z',
    ])
      expect(said).toContain(word);
    await list([exportOf([item], { albums: [{ folder: 'Summer' }] })]);
    expect(attributes()).toEqual(before);
    await home.ensure(path);
    expect(home.cached(path).toString()).toBe(said);
  });

  it('that are not cached change at once', async () => {
    await list([exportOf([described('old')])], true);
    const before = attributes();
    await list([
      exportOf([described('old')]),
      exportOf([described('newer')], { id: 'e2', time: 1_700_000_000 }),
    ]);
    expect(attributes()).toMatchObject({ ino: before?.ino, size: (before?.size ?? 0) + 2 });
    expectNewTime(before);
    expect(await text()).toContain('newer');
  });

  it('that are cached keep their bytes until newer ones are, as a photo does', async () => {
    await list([exportOf([described('old')])], true);
    await home.ensure(path);
    const before = attributes();
    await list([
      exportOf([described('old')]),
      exportOf([described('newer')], { id: 'e2', time: 1_700_000_000 }),
    ]);
    expect(attributes()).toEqual(before);
    expect(await text()).toContain('old');
    expect(await home.ensure(path)).toBe('fetched');
    expect(attributes()).toMatchObject({ ino: before?.ino, size: (before?.size ?? 0) + 2 });
    expectNewTime(before);
    expect(statSync(join(home.cachePath, path)).mtimeMs).toBe((attributes()?.mtime ?? 0) * 1000);
    expect(home.cached(path).toString()).toContain('newer');
    expect(home.superseded()).toHaveLength(1);
  });

  it('wait for the time of a photo, and come for edits but not for clips', async () => {
    const files = [
      { name: 'a.jpg', bytes: 'A' },
      { name: 'a-edited.jpg', bytes: 'AE', role: 'edited' as const },
      { name: 'a.mp4', bytes: 'AV', role: 'motion' as const },
    ];
    await list([exportOf([{ files, yearFolder: 2021, provisional: true }])], true);
    expect(() => home.ino(path)).toThrow();
    await list([exportOf([{ files, yearFolder: 2021, takenAt: 1_625_100_000 }])]);
    expect(attributes()?.mtime).toBe(1_625_100_000);
    expect(await text('years/2021/a-edited.jpg.xmp')).toContain('a.jpg');
    expect(() => home.ino('years/2021/a.mp4.xmp')).toThrow();
  });

  it('that are listed follow also after no more are wanted', async () => {
    await list([exportOf([described('old')])], true);
    const b = photo('b.jpg', 'B', { photoId: 'b' });
    await list([exportOf([described('newer'), b], { id: 'e2', time: 1_700_000_000 })], false);
    await home.ensure(path);
    expect(home.cached(path).toString()).toContain('newer');
    expect(() => home.ino('years/2021/b.jpg.xmp')).toThrow();
    await list([exportOf([described('newest'), b], { id: 'e3', time: 1_710_000_000 })]);
    expect(await home.ensure(path)).toBe('fetched');
    expect(home.cached(path).toString()).toContain('newest');
  });

  it('are not listed where they could not be called after their photo', async () => {
    const long = `${'x'.repeat(234)}.jpg`;
    const taken = photo('a.jpg.XMP', 'X', { photoId: 'x' });
    await list([exportOf([one(), taken, photo(long, 'L', { photoId: 'l' })])], true);
    const { index } = home;
    const names = index.db.prepare("SELECT name FROM entry WHERE name LIKE '%.xmp'").pluck().all();
    expect(names.sort()).toEqual(['a.jpg.XMP', 'a.jpg.XMP.xmp']);
  });

  it('are in an album as their photos are', async () => {
    const [inside, outside] = [one({ albums: ['Summer'] }), photo('b.jpg', 'B', { photoId: 'b' })];
    await list([exportOf([inside, outside], { albums: [{ folder: 'Summer' }] })], true);
    const summer = { years: [], albums: ['Summer'], kinds: [] };
    const names = (selection: Filter) =>
      listMissing(home.index, selection).map(({ ino }) => pathOf(home.index, ino)?.at(-1));
    const wanted = names({ only: summer, skip: nothing });
    expect(wanted.sort()).toEqual(['a.jpg', 'a.jpg.xmp']);
    expect(names({ only: nothing, skip: summer }).sort()).toEqual(['b.jpg', 'b.jpg.xmp']);
  });

  it('are of the kind of what they tell of', async () => {
    await list([exportOf([one(), photo('v.MP4', 'VVVV', { photoId: 'v' })])], true);
    const files = (kind: MediaKind) => {
      const only = { years: [], albums: [], kinds: [kind] };
      return listMissing(home.index, { only, skip: nothing }).map(({ ino }) => ino);
    };
    const inos = (...names: string[]) => names.map((name) => home.ino(`years/2021/${name}`));
    expect(new Set(files('video'))).toEqual(new Set(inos('v.MP4', 'v.MP4.xmp')));
    expect(new Set(files('photo'))).toEqual(new Set(inos('a.jpg', 'a.jpg.xmp')));
    expect(mediaKindOf('sidecar', 'v.MP4.xmp')).toBe('video');
  });

  it('follow in the very step in which their photos change, also when the sync ends there', async () => {
    await list([exportOf([described('old')])], true);
    const before = attributes();
    home.source.breakScan({ kind: 'throw', pages: 1, error: 'interrupted' });
    const newer = exportOf([described('newer')], { id: 'e2', time: 1_700_000_000 });
    await expect(list([newer])).rejects.toMatchObject({ kind: 'interrupted' });
    expect(home.source.fired).toContain('throw scan');
    expect(await text()).toContain('newer');
    expect(attributes()?.size).toBe((before?.size ?? 0) + 2);
    expectNewTime(before);
    const known = attributes();
    await list([newer]);
    expect(attributes()).toEqual(known);
  });

  it('follow a photo so into an album', async () => {
    await list([exportOf([one()])], true);
    home.source.breakScan({ kind: 'throw', pages: 1, error: 'interrupted' });
    const joined = exportOf([one({ albums: ['Summer'] })], { albums: [{ folder: 'Summer' }] });
    await expect(list([joined])).rejects.toMatchObject({ kind: 'interrupted' });
    expect(home.source.fired).toContain('throw scan');
    expect(await text()).toContain('Summer');
  });

  it('that are cached follow so, too', async () => {
    await list([exportOf([described('old')])], true);
    await home.ensure(path);
    home.source.breakScan({ kind: 'throw', pages: 1, error: 'interrupted' });
    const newer = exportOf([described('newer')], { id: 'e2', time: 1_700_000_000 });
    await expect(list([newer])).rejects.toMatchObject({ kind: 'interrupted' });
    expect(home.source.fired).toContain('throw scan');
    expect(await text()).toContain('old');
    expect(await home.ensure(path)).toBe('fetched');
    expect(await text()).toContain('newer');
  });

  it('that an earlier version wrote otherwise are an error, not other bytes than listed', async () => {
    await list([exportOf([one()])], true);
    const [location] = locationsOf(home.index, home.ino(path));
    if (location === undefined) throw new Error('it has no place');
    const reading = metadata.open({ ...location, crc32: 1 })[Symbol.asyncIterator]();
    await expect(reading.next()).rejects.toMatchObject({ kind: 'source-changed' });
  });

  it('of which old bytes are on their way into the cache when others come get those', async () => {
    await list([exportOf([described('old')])], true);
    const held = holdOpened();
    const before = attributes();
    const reading = home.read(path);
    const bringing = home.ensure(path);
    await held.begun;
    const newer = exportOf([described('newer')], { id: 'e2', time: 1_700_000_000 });
    await list([newer]);
    held.release();
    // Who was reading has the old ones, all of them.
    expect(await reading).toHaveLength(before?.size ?? 0);
    expect(await bringing).toBe('fetched');
    expect(home.cached(path).toString()).toContain('newer');
    expect(attributes()?.size).toBe(home.cached(path).length);
    expect(getFile(home.index, home.ino(path))?.size).toBe(home.cached(path).length);
    expect(home.superseded()).toEqual([]);
    await list([newer]);
    expect(listMissing(home.index, everything).map(({ ino }) => ino)).not.toContain(home.ino(path));
  });

  it('of which old bytes have their name in the cache already get the new ones', async () => {
    await list([exportOf([described('old')])], true);
    const bringing = home.ensure(path);
    while (!existsSync(join(home.cachePath, path))) await setImmediate();
    expect(getCached(home.index, home.ino(path))).toBeUndefined();
    // As another process's sync would, at this very moment.
    const { index } = home;
    transaction(index, () => {
      const ino = home.ino('years/2021/a.jpg');
      const item = describeFile(index, ino)?.item;
      if (item !== undefined) updateItem(index, item.id, { ...item, description: { description: 'newer' } });
      const growth = beginGrowth(index, Math.floor(Date.now() / 1000));
      followPhotos(growth, new Set([ino]));
      home.cache.journal.write(finishGrowth(growth));
    });
    expect(await bringing).toBe('fetched');
    expect(home.cached(path).toString()).toContain('newer');
    expect(attributes()?.size).toBe(home.cached(path).length);
    expect(home.superseded()).toHaveLength(1);
  });

  it('of which some bytes were read when others come are in doubt to who goes on reading', async () => {
    await list([exportOf([described('old'.repeat(30_000))])], true);
    const held = holdOpened(200);
    const first = await home.read(path, 0, 100);
    expect(first).toHaveLength(100);
    await held.begun;
    await list([exportOf([described('newer')], { id: 'e2', time: 1_700_000_000 })]);
    held.release();
    await vi.waitFor(() => expect(home.doubts).toEqual([home.ino(path)]));
    expect(await text()).toContain('newer');
  });
});
