/** Photos of the Library API on their way into the cache, with a Google that misbehaves: right bytes, or none. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { getInode } from '../../../../src/index/tree.ts';
import { nothing } from '../../../../src/model/filter.ts';
import { planPrefetch } from '../../../../src/prefetch/plan.ts';
import { type PrefetchReport, prefetch } from '../../../../src/prefetch/run.ts';
import type { GoogleClientRequest } from '../../../../src/sources/google/client.ts';
import { createLibrarySource } from '../../../../src/sources/google/library/library-source.ts';
import type { Source } from '../../../../src/sources/source.ts';
import type { Fault } from '../../../helpers/google/fake-google.ts';
import { writeGoogleHome } from '../../../helpers/google/google-home.ts';
import { type FakeItem, jpeg, mp4 } from '../../../helpers/google/media.ts';
import { driveScope } from '../../../helpers/google/oauth.ts';
import { fakePhoto, openPhotosHome, type PhotosHome } from '../../../helpers/google/photos-home.ts';
import { createTestHome, expectBytes, kindOf, signal, type TestHome } from '../../../helpers/test-home.ts';

const path = 'years/2021/p1.jpg';
const bytes = jpeg(1, 400_000);
let google: PhotosHome;
let test: TestHome;
let source: Source;
afterEach(async () => {
  await test.remove();
  await source.close();
  await google.close();
});

const newSource = () =>
  createLibrarySource({ id: 'library', account: 'default' }, () => google.parts.google('default'));

async function setUp(
  items: readonly FakeItem[] = [fakePhoto(1, { bytes })],
  request: Partial<GoogleClientRequest> = {},
): Promise<void> {
  google = await openPhotosHome(items, request);
  source = newSource();
  test = await createTestHome({ sources: () => [source] });
  await test.sync();
  google.fake.requests.splice(0);
}

const asked = (method: string) =>
  google.fake.requests.filter((one) => one.method === method && one.path.startsWith('/media')).length;
const plan = (fault: Omit<Fault, 'path'>) => google.fake.plan({ path: '/media', method: 'GET', ...fault });

function prefetchAll(sources: readonly Source[] = [source]): Promise<PrefetchReport> {
  const { index, cache } = test;
  const selection = { only: nothing, skip: nothing };
  const fetcher = test.newFetcher({ sources });
  return prefetch({
    index,
    cache,
    fetcher,
    sources,
    plan: planPrefetch(index, selection),
    jobs: 4,
    signal,
    progress: () => {},
  });
}

describe('an answer that is no photo', () => {
  it.each<[string, Omit<Fault, 'path'>, string]>([
    [
      '404 with an image',
      { status: 404, headers: { 'content-type': 'image/jpeg' }, body: 'ÿØÿ' },
      'source-gone',
    ],
    [
      '403 with an image',
      { status: 403, headers: { 'content-type': 'image/jpeg' }, body: 'ÿØÿ' },
      'no-permission',
    ],
    ['200 with a web page', { status: 200, body: `<html>${'x'.repeat(400_000)}</html>` }, 'bad-content'],
    ['200 with JSON', { status: 200, body: { error: 'none' } }, 'bad-content'],
    ['200 with nothing', { status: 200, headers: { 'content-type': 'image/jpeg' }, body: '' }, 'bad-content'],
    [
      '200 with a page dressed as a photo, of the right length',
      { status: 200, headers: { 'content-type': 'image/jpeg' }, body: `<html>${'x'.repeat(399_994)}` },
      'bad-content',
    ],
    [
      '200 with a video instead',
      { status: 200, headers: { 'content-type': 'image/jpeg' }, body: mp4(1, 400_000).toString('latin1') },
      'bad-content',
    ],
  ])('is never cached: %s', async (_, fault, kind) => {
    await setUp();
    const planned = plan({ ...fault, times: 1000 });
    expect(await kindOf(test.ensure(path))).toBe(kind);
    expect(planned.fired).toBeGreaterThan(0);
    expect(await kindOf(test.read(path))).toBe(kind);
    expect(() => test.cached(path)).toThrow('ENOENT');
    expect(test.partials()).toEqual([]);
    planned.fired = 1000;
    const later = test.newFetcher();
    expect(await later.ensure(test.ino(path), signal).published).toBe('fetched');
    expectBytes(test.cached(path), bytes);
  });
});

describe('a body of another length', () => {
  it.each([
    ['one byte too long', 1],
    ['one byte too short', -1],
  ])('is rejected once, and never becomes the size: %s', async (_, resize) => {
    await setUp();
    const planned = plan({ resize });
    expect(await kindOf(test.ensure(path))).toBe('bad-content');
    expect(planned.fired).toBe(1);
    expect(getInode(test.index, test.ino(path))?.size).toBe(bytes.length);
    expect(() => test.cached(path)).toThrow('ENOENT');
    expect(await test.newFetcher().ensure(test.ino(path), signal).published).toBe('fetched');
    expectBytes(test.cached(path), bytes);
  });

  it.each([
    ['longer', 399_000],
    ['shorter', 401_000],
  ])('is the truth where a HEAD was wrong and all downloads say so: %s than listed', async (_, headSize) => {
    await setUp([fakePhoto(1, { bytes, headSize })]);
    expect(getInode(test.index, test.ino(path))?.size).toBe(headSize);
    expect(await test.ensure(path)).toBe('fetched');
    expect(getInode(test.index, test.ino(path))?.size).toBe(bytes.length);
    expectBytes(test.cached(path), bytes);
    // Google goes on saying the wrong size.
    await test.sync();
    expect(getInode(test.index, test.ino(path))?.size).toBe(bytes.length);
  });
});

describe('a connection', () => {
  it.each<[string, Omit<Fault, 'path'>]>([
    ['that breaks', { cutAfter: 150_000, times: 2 }],
    ['that stalls', { stallAfter: 150_000 }],
    ['that is reset before it answers', { reset: true, times: 2 }],
  ])('%s is resumed', async (_, fault) => {
    await setUp();
    const planned = plan(fault);
    expectBytes(await test.read(path), bytes);
    expect(planned.fired).toBe(fault.times ?? 1);
    const ranges = google.fake.requests.flatMap(({ range }) => range ?? []);
    if (fault.reset !== true) expect(ranges.every((range) => /^bytes=[1-9]\d{4,}-/.test(range))).toBe(true);
    expect(google.fake.requests.reduce((sum, { bytesSent }) => sum + bytesSent, 0)).toBeLessThan(900_000);
  });

  it('is not joined with another version of the photo', async () => {
    await setUp();
    const planned = plan({ cutAfter: 150_000 });
    const fetching = test.ensure(path);
    await vi.waitFor(() => expect(planned.fired).toBe(1), { interval: 1 });
    google.photos.items = [fakePhoto(1, { bytes: jpeg(2, 500_000) })];
    expect(await kindOf(fetching)).not.toBe('no error');
    expect(planned.fired).toBe(1);
    expect(() => test.cached(path)).toThrow('ENOENT');
  });

  it('that gets 429 and 503 waits as it is told, and gets the photo', async () => {
    await setUp();
    const rate = plan({ status: 429, headers: { 'retry-after': '1' }, body: 'slow down' });
    const busy = plan({ status: 503, body: 'busy' });
    const began = performance.now();
    expectBytes(await test.read(path), bytes);
    expect([rate.fired, busy.fired]).toEqual([1, 1]);
    expect(performance.now() - began).toBeGreaterThan(990);
  });
});

describe('a link', () => {
  it('that has died is renewed once', async () => {
    await setUp();
    google.photos.media.killLinks();
    expectBytes(await test.read(path), bytes);
    expect(google.fake.count('/library/v1/mediaItems:batchGet')).toBe(1);
    expect(asked('GET')).toBe(2);
    expect(google.fake.requests.filter(({ status }) => status === 403)).toHaveLength(1);
  });

  it('that cannot be renewed, for the sign-in was taken back, fails soon; what is cached is read on', async () => {
    await setUp([fakePhoto(1, { bytes }), fakePhoto(2)]);
    await test.ensure('years/2021/p2.jpg');
    google.photos.media.killLinks();
    google.fake.oauth.revokeAll();
    const began = performance.now();
    const failed = await test.read(path).catch((error: unknown) => error);
    expect(failed).toMatchObject({ kind: 'sign-in', hint: expect.stringContaining('gphotosfs login') });
    expect(performance.now() - began).toBeLessThan(2000);
    expectBytes(await test.read('years/2021/p2.jpg'), google.photos.items[1]?.bytes as Buffer);
    // The owner signs in again, and need not wait for anything.
    writeGoogleHome(google.folder, google.fake);
    expectBytes(await test.read(path), bytes);
  });

  it('that could not be had, for a permission was missing, is asked for at once after a wider sign-in', async () => {
    await setUp();
    google.photos.media.killLinks();
    google.fake.oauth.revokeAll();
    writeGoogleHome(google.folder, google.fake, { scopes: [driveScope] });
    expect(await kindOf(test.read(path))).toBe('sign-in');
    writeGoogleHome(google.folder, google.fake);
    expectBytes(await test.read(path), bytes);
  });
});

describe('a prefetch', () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => fakePhoto(at + 1));

  it('costs one call for 50 links and one request a photo', async () => {
    await setUp(many(230));
    // As the next process: no link is known.
    const report = await prefetchAll([newSource()]);
    expect(report).toMatchObject({ fetchedFiles: 230, failed: [], complete: true });
    expect(google.fake.count('/library/v1/mediaItems:batchGet')).toBe(5);
    expect(asked('GET')).toBe(230);
    expect(google.fake.requests).toHaveLength(235);
    for (const { filename, bytes: content } of google.photos.items)
      expectBytes(test.cached(`years/2021/${filename}`), content as Buffer);
  });

  it('waits as it is told where the call for several links is too much', async () => {
    await setUp(Array.from({ length: 20 }, (_, at) => fakePhoto(at + 1)));
    await source.close();
    source = newSource();
    const fault = google.fake.plan({
      path: '/library/v1/mediaItems:batchGet',
      status: 429,
      headers: { 'retry-after': '2' },
      times: 2,
    });
    expect(await prefetchAll()).toMatchObject({ complete: true, stopped: undefined, fetchedFiles: 20 });
    expect(fault.fired).toBe(2);
    expect(google.fake.count('/library/v1/mediaItems:batchGet')).toBe(3);
  });

  it('isolates items that turn a whole call into an error, lists them, and tries them again', async () => {
    await setUp(many(60), { patience: { totalMs: 1500, offlineMs: 300, firstWaitMs: 700 } });
    google.photos.poison.add('id-7');
    google.photos.gone.add('id-9');
    const fresh = newSource();
    const report = await prefetchAll([fresh]);
    expect(report).toMatchObject({ fetchedFiles: 58, complete: false });
    expect(report.failed.map(({ path: at, kind }) => [at, kind]).sort()).toEqual([
      ['years/2021/p7.jpg', 'source-unreachable'],
      ['years/2021/p9.jpg', 'source-gone'],
    ]);
    google.photos.poison.clear();
    google.photos.gone.clear();
    expect(await prefetchAll([newSource()])).toMatchObject({ fetchedFiles: 2, complete: true });
  });

  it('stops when the day’s downloads are used up, and says when to go on', async () => {
    const quota = { left: 1000 };
    await setUp(many(100), {
      counts: {
        take: (_project, _day, name) => (name === 'requests' || quota.left-- > 0 ? 1 : 0),
        giveBack: () => {},
        used: () => 0,
      },
    });
    quota.left = 60;
    const report = await prefetchAll();
    expect(report.stopped).toMatchObject({ kind: 'quota', hint: expect.stringContaining('Go on after') });
    expect(report).toMatchObject({ fetchedFiles: 60, complete: false });
    quota.left = 1000;
    expect(await prefetchAll()).toMatchObject({ fetchedFiles: 40, complete: true });
  });
});
