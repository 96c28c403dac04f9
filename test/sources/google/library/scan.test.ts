/** What a sync of a Library account lists, what it costs, and what an unreliable Google can't do to it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readStatus } from '../../../../src/index/status.ts';
import { createLibrarySource } from '../../../../src/sources/google/library/library-source.ts';
import type { Source } from '../../../../src/sources/source.ts';
import { jpeg, mp4 } from '../../../helpers/google/media.ts';
import { fakePhoto, openPhotosHome, type PhotosHome } from '../../../helpers/google/photos-home.ts';
import { openSyncHome, type SyncHome } from '../../../helpers/sync-home.ts';

let google: PhotosHome;
let source: Source;
let home: SyncHome;
beforeEach(async () => {
  google = await openPhotosHome();
  source = newSource();
  home = openSyncHome();
});
afterEach(async () => {
  vi.useRealTimers();
  await source.close();
  home.dispose();
  await google.close();
});

const newSource = () =>
  createLibrarySource({ id: 'library', account: 'default' }, () => google.parts.google('default'));
const photos = (count: number, from = 1) => Array.from({ length: count }, (_, at) => fakePhoto(from + at));
const heads = () => google.fake.requests.filter(({ method }) => method === 'HEAD').length;
/** Calls of the API since the last time. */
function calls(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method, path } of google.fake.requests.splice(0)) {
    const key = path.startsWith('/media') ? `${method} bytes` : path.replace('/library/v1/', '');
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
async function sync(request = {}) {
  const report = await home.sync(source, request);
  const [first] = report.sources;
  if (first === undefined) throw new Error('nothing was synced');
  return first;
}

describe('a sync', () => {
  it('lists what there is with exact sizes, in years, and its albums', async () => {
    google.photos.items = [
      fakePhoto(1, { description: 'by the sea' }),
      fakePhoto(2, { filename: 'clip.mp4', bytes: mp4(2, 5000), takenAt: '1999-12-31T23:59:59Z' }),
      fakePhoto(3, { filename: 'scan.jpg', takenAt: undefined }),
    ];
    google.photos.albums = [{ id: 'a1', title: 'Summer', items: ['id-1', 'id-2'] }];
    expect(await sync()).toMatchObject({ newItems: 3, newAlbums: 1, problems: [], error: undefined });
    expect(home.years().sort()).toEqual(['1999/clip.mp4', '2021/p1.jpg', 'undated/scan.jpg']);
    expect(home.albums().sort()).toEqual(['Summer/clip.mp4', 'Summer/p1.jpg']);
    expect(home.tree().get('years/1999/clip.mp4')).toMatchObject({ size: 5000, mtime: 946_684_799 });
    expect(home.tree().get('years/2021/p1.jpg')?.size).toBe(1001);
  });

  it('asks for each size once and for all', async () => {
    google.photos.items = photos(250);
    await sync();
    expect(calls()).toMatchObject({ mediaItems: 3, albums: 1, 'HEAD bytes': 250 });
    await sync();
    expect(calls()).toEqual({ mediaItems: 3, albums: 1 });
    await sync({ rescan: true });
    expect(calls()).toEqual({ mediaItems: 3, albums: 1 });
    expect(home.years()).toHaveLength(250);
  });

  it('finds a photo of long ago that was uploaded later', async () => {
    google.photos.items = photos(120);
    await sync();
    google.photos.items.unshift(fakePhoto(500, { filename: 'old.jpg', takenAt: '1987-03-01T12:00:00Z' }));
    expect(await sync()).toMatchObject({ newItems: 1 });
    expect(home.years()).toContain('1987/old.jpg');
  });

  it('gives the same names and attributes when all is read again', async () => {
    google.photos.items = [...photos(30), fakePhoto(40, { filename: 'p1.jpg' })];
    await sync();
    const before = home.tree();
    await sync({ rescan: true });
    source = newSource();
    await sync({ rescan: true });
    expect(home.tree()).toEqual(before);
  });

  it('calls nothing that was withdrawn', async () => {
    google.photos.items = photos(3);
    await sync();
    expect(google.fake.requests.filter(({ path }) => /shared/i.test(path))).toEqual([]);
    expect(
      google.fake.requests.filter(({ path, authorized }) => path.startsWith('/media') && authorized),
    ).toEqual([]);
  });
});

describe('albums', () => {
  beforeEach(async () => {
    google.photos.items = photos(10);
    google.photos.albums = [{ id: 'a1', title: 'Summer', items: ['id-1'] }];
    await sync();
    calls();
  });

  it('are looked into when their count has changed, and otherwise once a week', async () => {
    google.photos.albums = [{ id: 'a1', title: 'Summer', items: ['id-1', 'id-2'] }];
    await sync();
    expect(calls()).toEqual({ mediaItems: 1, albums: 1, 'mediaItems:search': 1 });
    expect(home.albums()).toEqual(['Summer/p1.jpg', 'Summer/p2.jpg']);
    // Swapped for another: the count tells nothing.
    google.photos.albums = [{ id: 'a1', title: 'Summer', items: ['id-1', 'id-3'] }];
    await sync();
    expect(calls()).toEqual({ mediaItems: 1, albums: 1 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 8 * 86_400_000 });
    await sync();
    expect(calls()).toMatchObject({ 'mediaItems:search': 1 });
    expect(home.albums()).toEqual(['Summer/p1.jpg', 'Summer/p2.jpg', 'Summer/p3.jpg']);
  });

  it('are all looked into again in time, also where one is larger than what a day has calls for', async () => {
    google.photos.albums = [
      { id: 'a0', title: 'Large', items: Array.from({ length: 4100 }, () => 'id-1') },
      { id: 'a1', title: 'Summer', items: ['id-1'] },
    ];
    await sync();
    // Swapped for another: the count tells nothing.
    google.photos.albums = [
      { id: 'a0', title: 'Large', items: Array.from({ length: 4100 }, () => 'id-2') },
      { id: 'a1', title: 'Summer', items: ['id-3'] },
    ];
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 8 * 86_400_000 });
    calls();
    await sync();
    await sync();
    expect(calls()).toMatchObject({ 'mediaItems:search': 41 + 1 });
    await sync();
    expect(calls()['mediaItems:search']).toBeUndefined();
    expect(home.albums().sort()).toEqual(['Large/p1.jpg', 'Large/p2.jpg', 'Summer/p1.jpg', 'Summer/p3.jpg']);
  });

  it.each([400, 404, 500])(
    'that are broken (%i) are problems of their own, and those behind are looked into',
    async (status) => {
      google.photos.albums = [
        { id: 'a1', title: 'Summer', items: ['id-1', 'id-2'] },
        { id: 'a2', title: 'Winter', items: ['id-3'] },
      ];
      const body = { error: { code: status, message: 'Broken.', status: 'X' } };
      // The first of the two, with all its tries: the server's errors are waited for.
      google.fake.plan({
        path: '/library/v1/mediaItems:search',
        status,
        body,
        times: status === 500 ? 8 : 1,
      });
      const report = await sync();
      expect(report).toMatchObject({ error: undefined, newAlbums: 1, problems: [{ where: 'album Summer' }] });
      expect(home.albums()).toEqual(['Summer/p1.jpg', 'Winter/p3.jpg']);
      expect(await sync()).toMatchObject({ problems: [] });
      expect(home.albums()).toEqual(['Summer/p1.jpg', 'Summer/p2.jpg', 'Winter/p3.jpg']);
    },
  );

  it('get a member once it can be listed', async () => {
    google.photos.items.push(fakePhoto(11, { filename: 'v.mp4', bytes: mp4(11, 900), status: 'PROCESSING' }));
    google.photos.albums = [{ id: 'a1', title: 'Summer', items: ['id-1', 'id-11'] }];
    await sync();
    expect(home.albums()).toEqual(['Summer/p1.jpg']);
    google.photos.items[10] = fakePhoto(11, { filename: 'v.mp4', bytes: mp4(11, 900) });
    google.photos.items = [...google.photos.items];
    await sync();
    expect(home.albums()).toEqual(['Summer/p1.jpg', 'Summer/v.mp4']);
  });
});

describe('an item that cannot be listed yet', () => {
  it('waits while Google processes it, and is counted', async () => {
    google.photos.items = [
      fakePhoto(1),
      fakePhoto(2, { filename: 'v.mp4', bytes: mp4(2, 900), status: 'PROCESSING' }),
    ];
    expect(await sync()).toMatchObject({ newItems: 1, problems: [], error: undefined });
    expect(readStatus(home.index)).toMatchObject({ complete: false, sources: [{ waiting: 1 }] });
    google.photos.items = [fakePhoto(1), fakePhoto(2, { filename: 'v.mp4', bytes: mp4(2, 900) })];
    expect(await sync()).toMatchObject({ newItems: 1 });
    expect(readStatus(home.index).sources[0]?.waiting).toBe(0);
  });

  it.each([
    ['a video without bytes', { bytes: Buffer.alloc(0), mimeType: 'video/mp4', filename: 'v.mp4' }],
    ['an error page', { mimeType: 'text/html' }],
  ])('is a problem where it is %s, and the rest is listed', async (_, wrong) => {
    google.photos.items = [...photos(5), fakePhoto(9, wrong)];
    const report = await sync();
    expect(report).toMatchObject({ newItems: 5, error: undefined, problems: [{ what: expect.any(String) }] });
    expect(home.years()).toHaveLength(5);
    google.photos.items = [...photos(5), fakePhoto(9)];
    expect(await sync()).toMatchObject({ newItems: 1, problems: [] });
  });

  it('is a problem where asking for its size fails, and is asked again', async () => {
    google.photos.items = photos(4);
    // The link of id-2.
    const fault = google.fake.plan({ path: /\.aWQtMg=/, method: 'HEAD', status: 404, times: 2 });
    expect(await sync()).toMatchObject({ newItems: 3, problems: [{ where: expect.stringMatching(/^p\d/) }] });
    expect(fault.fired).toBe(2);
    expect(await sync()).toMatchObject({ newItems: 1, problems: [] });
  });

  it('is measured by its download where a HEAD tells nothing', async () => {
    google.photos.items = photos(2);
    const fault = google.fake.plan({ path: '/media', chunked: true, times: 3 });
    await sync();
    expect(fault.fired).toBe(3);
    expect(home.tree().get('years/2021/p1.jpg')?.size).toBe(1001);
    expect(home.tree().get('years/2021/p2.jpg')?.size).toBe(1002);
  });

  it('is measured with another link where the first is dead', async () => {
    google.photos.items = photos(3);
    const fault = google.fake.plan({
      path: '/media',
      method: 'HEAD',
      status: 403,
      body: '<h1>403</h1>',
      times: 3,
    });
    expect(await sync()).toMatchObject({ newItems: 3, problems: [] });
    expect(fault.fired).toBe(3);
    expect(calls()['mediaItems:batchGet']).toBeLessThanOrEqual(3);
  });
});

describe('a list that lies', () => {
  const all = photos(230);
  beforeEach(async () => {
    google.photos.items = [...all];
  });

  it('may have empty pages and repeats', async () => {
    google.photos.emptyPages = 80;
    google.photos.repeats = true;
    expect(await sync()).toMatchObject({ newItems: 230, problems: [], error: undefined });
    expect(calls()).toMatchObject({ mediaItems: 3 * 81, 'HEAD bytes': 230 });
  });

  it('may have a token that dies on the way', async () => {
    const body = { error: { code: 400, message: 'Invalid page token.', status: 'INVALID_ARGUMENT' } };
    const fault = google.fake.plan({ path: '/library/v1/mediaItems', after: 2, status: 400, body });
    expect(await sync()).toMatchObject({ newItems: 230, error: undefined });
    expect(fault.fired).toBe(1);
    expect(calls()).toMatchObject({ mediaItems: 6, 'HEAD bytes': 230 });
  });

  it('may be empty, halved or broken off, and nothing vanishes', async () => {
    await sync();
    const before = home.tree();
    google.photos.items = [];
    expect(await sync()).toMatchObject({ newItems: 0 });
    google.photos.items = all.filter((_, at) => at % 2 === 0);
    await sync();
    google.photos.items = [...all];
    const fault = google.fake.plan({ path: '/library/v1/mediaItems', after: 1, status: 500, times: 1000 });
    expect((await sync()).error?.kind).toBe('source-unreachable');
    expect(fault.fired).toBeGreaterThan(1);
    expect(home.tree()).toEqual(before);
  });

  it('may break off each time, and what came is listed, but for the second at which it did', async () => {
    const fault = google.fake.plan({ path: '/library/v1/mediaItems', after: 1, status: 500, times: 1000 });
    const report = await sync();
    expect(report).toMatchObject({ newItems: 99, waiting: 1, error: { kind: 'source-unreachable' } });
    expect(fault.fired).toBeGreaterThan(1);
    expect(home.years()).toHaveLength(99);
    fault.fired = 1000;
    expect(await sync()).toMatchObject({ newItems: 131, waiting: 0, error: undefined });
  });

  it('may break off without being in order, and nothing new is listed: a namesake may be missing', async () => {
    google.photos.items = [...all.slice(100), ...all.slice(0, 100).reverse()];
    google.fake.plan({ path: '/library/v1/mediaItems', after: 1, status: 500, times: 1000 });
    expect(await sync()).toMatchObject({ newItems: 0, waiting: 100, error: { kind: 'source-unreachable' } });
  });

  it('may lead back to itself', async () => {
    const page = { mediaItems: [], nextPageToken: 'again' };
    google.fake.plan({ path: '/library/v1/mediaItems', status: 200, body: page, times: 1000 });
    expect((await sync()).error?.kind).toBe('bad-source');
    expect(calls()).toEqual({ mediaItems: 2 });
  });

  it('may have items that lack fields, and two with one id', async () => {
    const odd = [
      { filename: 'no id.jpg' },
      'text',
      { id: 'bare', baseUrl: google.photos.media.linkOf(all[0] ?? fakePhoto(1), 'library') },
      {
        id: 'twin',
        filename: 'a.jpg',
        baseUrl: google.photos.media.linkOf(all[0] ?? fakePhoto(1), 'library'),
      },
      {
        id: 'twin',
        filename: 'b.jpg',
        baseUrl: google.photos.media.linkOf(all[1] ?? fakePhoto(2), 'library'),
      },
    ];
    google.fake.plan({ path: '/library/v1/mediaItems', status: 200, body: { mediaItems: odd } });
    const report = await sync();
    expect(report.problems.map(({ where }) => where).sort()).toEqual(['b.jpg', 'library']);
    expect(home.years().sort()).toEqual(['undated/a.jpg', 'undated/bare']);
  });

  it('may not be JSON', async () => {
    google.fake.plan({
      path: '/library/v1/mediaItems',
      status: 200,
      body: '<html>Welcome to our hotel</html>',
      times: 1000,
    });
    expect((await sync()).error).toMatchObject({
      kind: 'source-unreachable',
      hint: expect.stringContaining('login page'),
    });
  });
});

describe('a sync that is cut short', () => {
  it('goes on where it was: sizes that are known are not asked again', async () => {
    google.photos.items = photos(450);
    const controller = new AbortController();
    const sizes = { seen: 0 };
    const stopped = home.sync(source, {
      signal: controller.signal,
      progress: (_, { phase, done }) => {
        if (phase === 'asking for sizes' && done >= 200) {
          sizes.seen = done;
          controller.abort();
        }
      },
    });
    await expect(stopped).rejects.toMatchObject({ kind: 'interrupted' });
    expect(sizes.seen).toBe(200);
    expect(home.years()).toHaveLength(200);
    const asked = heads();
    calls();
    expect(await sync()).toMatchObject({ newItems: 250 });
    expect(asked + heads()).toBeLessThan(450 + 250);
    expect(heads()).toBe(250);
  });

  it('stops with "quota" when the day’s downloads are used up, lists the rest the next day, and says so', async () => {
    await google.close();
    const counts = { left: 150 };
    google = await openPhotosHome(photos(200), {
      counts: {
        take: (_project, _day, quota) => (quota === 'requests' || counts.left-- > 0 ? 1 : 0),
        giveBack: () => {},
        used: () => 0,
      },
    });
    google.photos.albums = [{ id: 'a1', title: 'Summer', items: ['id-1'] }];
    const report = await sync();
    expect(report.error).toMatchObject({ kind: 'quota', retryAfterMs: expect.any(Number) });
    expect(report).toMatchObject({ newItems: 150, newAlbums: 1 });
    expect(readStatus(home.index).sources[0]?.waiting).toBe(50);
    counts.left = 1000;
    expect(await sync()).toMatchObject({ newItems: 50, error: undefined });
  });
});

describe('hostile names', () => {
  it('stay in the tree', async () => {
    const names = [
      '../../etc/passwd',
      '/abs',
      '.',
      '..',
      'a\0b.jpg',
      'a\nb.jpg',
      '-rf',
      ' ',
      'x'.repeat(400),
      'é.jpg',
      'e\u0301.jpg',
      '\u202egpj.exe',
      'CON.jpg',
    ];
    google.photos.items = names.map((filename, at) => fakePhoto(at + 1, { filename, bytes: jpeg(at, 500) }));
    await sync();
    const listed = home.years();
    expect(listed).toHaveLength(names.length);
    for (const path of listed) {
      expect(path.split('/')).toHaveLength(2);
      expect(Buffer.byteLength(path.split('/')[1] ?? '')).toBeLessThanOrEqual(255);
      expect(path).not.toMatch(/[\0\n]|\/\.{1,2}$/);
    }
  });
});
