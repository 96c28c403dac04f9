/** A Google that stalls, refuses, lets links and sign-ins die, and lists wrongly, under a real mount of the program. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccountPlace, createAccountPlace } from '../cli/account-place.ts';
import { type Place, type Running, until } from '../cli/run-program.ts';
import type { FakeGoogle } from '../helpers/google/fake-google.ts';
import { writeGoogleHome } from '../helpers/google/google-home.ts';
import { type FakeItem, jpeg } from '../helpers/google/media.ts';
import type { FakePhotos } from '../helpers/google/photos.ts';
import { fakePhoto } from '../helpers/google/photos-home.ts';
import { canMount, eventually, runProgram } from '../helpers/mount-client.ts';
import { python } from '../mount/semantics/hands.ts';
import { attributesOf, listInTurns } from './library.ts';
import { endMount, mount } from './mounting.ts';

let home: AccountPlace;
let fake: FakeGoogle;
let photos: FakePhotos;
let place: Place;
let mounted: Running;
/** One to be fetched, forty that are cached, and others that are only listed: seven pages in all. */
const wanted: FakeItem = fakePhoto(1, {
  filename: 'wanted.jpg',
  takenAt: '2020-05-01T00:00:00Z',
  bytes: jpeg(1, 300_000),
});
const listed = Array.from({ length: 40 }, (_, at) => fakePhoto(50 + at, { takenAt: '2018-05-01T00:00:00Z' }));
const cached = Array.from({ length: 40 }, (_, at) =>
  fakePhoto(100 + at, { takenAt: '2019-05-01T00:00:00Z' }),
);

beforeEach(async () => {
  if (!canMount()) return;
  home = await createAccountPlace();
  ({ fake, photos, place } = home);
  photos.items = [
    ...Array.from({ length: 619 }, (_, at) => fakePhoto(at + 200)),
    ...listed,
    ...cached,
    wanted,
  ];
  await place.run('add', 'library');
  expect((await place.run('sync')).code).toBe(0);
  expect((await place.run('prefetch', '--year', '2019')).code).toBe(0);
  mounted = await mount(place);
  fake.requests.splice(0);
});
afterEach(async () => {
  if (!canMount()) return;
  await home.close();
});

const at = (path: string): string => join(place.mountPoint, path);
const path = 'years/2020/wanted.jpg';
const readWanted = () => readFile(at(path));
const right = (bytes: Buffer): void => expect(bytes.equals(wanted.bytes as Buffer)).toBe(true);
const media = () => fake.requests.filter((one) => one.path.startsWith('/media'));

describe.runIf(canMount())('a Google account under a mount', () => {
  it('stalls after 64 KiB: the read goes on within the stall, and listings take no notice', async () => {
    const stall = fake.plan({ path: '/media', method: 'GET', stallAfter: 64 << 10 });
    const began = performance.now();
    const reading = readWanted();
    await until(() => stall.fired === 1);
    const seconds = 8;
    const lister = spawn(python, [
      '-c',
      listInTurns,
      String(seconds),
      at('years/2018'),
      join(place.cache, 'years/2019'),
    ]);
    let told = '';
    lister.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    await once(lister, 'close');
    expect(media(), 'it stalls all the while').toHaveLength(1);
    right(await reading);
    // The limit is 15 s without a byte; the stall would have lasted for ever.
    expect(performance.now() - began).toBeGreaterThan(14_000);
    expect(performance.now() - began).toBeLessThan(32_000);
    expect(media().map(({ range }) => range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=[1-9]\d+-$/),
    ]);
    const [ours, native] = JSON.parse(told) as [number, number][];
    expect(ours?.[0]).toBeGreaterThan(100);
    // A busy machine makes an ordinary folder wait as well: that much is not ours.
    expect(ours?.[1]).toBeLessThan(50 + (native?.[1] ?? 0));
    await endMount(mounted);
  }, 120_000);

  it('says when to come back, fails three times, and breaks off: it is waited for as told, and the photo comes', async () => {
    const waitMs = 5000;
    const faults = [
      fake.plan({
        path: '/media',
        method: 'GET',
        status: 429,
        headers: { 'retry-after': String(waitMs / 1000) },
        body: 'slow',
      }),
      fake.plan({
        path: '/media',
        method: 'GET',
        status: 503,
        body: 'busy',
      }),
      fake.plan({ path: '/media', method: 'GET', status: 500, times: 3 }),
      fake.plan({ path: '/media', method: 'GET', reset: true }),
      fake.plan({ path: '/media', method: 'GET', cutAfter: 100_000 }),
    ];
    right(await readWanted());
    expect(faults.map(({ fired }) => fired)).toEqual([1, 1, 3, 1, 1]);
    expect(media()).toHaveLength(8);
    // Within a tenth.
    const waited = (media()[1]?.at ?? 0) - (media()[0]?.endedAt ?? 0);
    expect(waited).toBeGreaterThan(0.9 * waitMs);
    expect(waited).toBeLessThan(1.1 * waitMs);
    await endMount(mounted);
  }, 120_000);

  it('lets a link die: it is renewed once', async () => {
    const dead = fake.plan({ path: '/media', method: 'GET', status: 403, body: '<h1>403 Forbidden</h1>' });
    right(await readWanted());
    expect(dead.fired).toBe(1);
    expect([fake.count('/library/v1/mediaItems:batchGet'), media().length]).toEqual([2, 2]);
    await endMount(mounted);
  });

  it('takes the sign-in back: what is not cached fails soon, and the log says what to do', async () => {
    await readFile(at('years/2018/p50.jpg'));
    fake.oauth.revokeAll();
    const began = performance.now();
    const { status, stderr } = await runProgram('cat', at(path));
    expect(performance.now() - began).toBeLessThan(2000);
    expect([status, /Permission denied|Input\/output error/.test(stderr)]).toEqual([1, true]);
    expect(fake.requests.some(({ status: answered }) => answered === 401)).toBe(true);
    expect(mounted.stderr()).toContain('gphotosfs login');
    expect(readFileSync(at('years/2019/p100.jpg'))).toEqual(cached[0]?.bytes);
    expect(readdirSync(at('years/2021'))).toHaveLength(619);
    expect((await place.run('status')).stdout).toContain('gphotosfs login');

    // Signed in again, it goes on without a new mount, once the place that failed is tried again.
    writeGoogleHome(place.home, fake);
    const again = await eventually(
      () => readWanted().catch(() => undefined),
      (bytes) => bytes !== undefined,
      30_000,
    );
    right(again as Buffer);
    await endMount(mounted);
  });

  it('lists nothing, a half, repeats, or fails on page 7: nothing vanishes or changes', async () => {
    const all = photos.items;
    const shown = await attributesOf(place.mountPoint);
    expect(shown.size).toBeGreaterThan(700);
    const lies: Readonly<Record<string, () => void>> = {
      nothing: () => {
        photos.items = [];
      },
      'a half': () => {
        photos.items = all.slice(350);
      },
      'pages without items, and repeats': () => {
        photos.items = all;
        photos.emptyPages = 2;
        photos.repeats = true;
      },
    };
    for (const [what, lie] of Object.entries(lies)) {
      lie();
      for (const flags of [[], ['--rescan']]) expect((await place.run('sync', ...flags)).code, what).toBe(0);
      expect(await attributesOf(place.mountPoint), what).toEqual(shown);
    }
    photos.emptyPages = 0;
    const broken = fake.plan({
      path: '/library/v1/mediaItems',
      after: 6,
      times: 99,
      status: 400,
      body: { error: { code: 400, message: 'odd', status: 'INVALID_ARGUMENT' } },
    });
    const failed = await place.run('sync', '--rescan');
    expect(broken.fired).toBeGreaterThan(0);
    expect(failed.code, failed.stderr).not.toBe(0);
    expect(await attributesOf(place.mountPoint)).toEqual(shown);
    await endMount(mounted);
  }, 240_000);
});
