/** A Google that stalls, refuses, lets links and sign-ins die, and lists wrongly, under a real mount of the program. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { useAccountPlace } from '../cli/account-place.ts';
import { type Running, until } from '../cli/run-program.ts';
import { writeGoogleHome } from '../helpers/google/google-home.ts';
import { type FakeItem, jpeg } from '../helpers/google/media.ts';
import { fakePhoto } from '../helpers/google/photos-home.ts';
import { canMount, eventually, runProgram } from '../helpers/mount-client.ts';
import { python } from '../mount/semantics/hands.ts';
import { attributesOf, listInTurns } from './library.ts';
import { endMount, mount } from './mounting.ts';

const home = useAccountPlace();
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
  home.photos.items = [
    ...Array.from({ length: 619 }, (_, at) => fakePhoto(at + 200)),
    ...listed,
    ...cached,
    wanted,
  ];
  await home.place.run('add', 'library');
  expect((await home.place.run('sync')).code).toBe(0);
  expect((await home.place.run('prefetch', '--year', '2019')).code).toBe(0);
  mounted = await mount(home.place);
  home.fake.requests.splice(0);
});

const at = (path: string): string => join(home.place.mountPoint, path);
const path = 'years/2020/wanted.jpg';
const readWanted = () => readFile(at(path));
const right = (bytes: Buffer): void => expect(bytes.equals(wanted.bytes as Buffer)).toBe(true);
const media = () => home.fake.requests.filter((one) => one.path.startsWith('/media'));

describe.runIf(canMount())('a Google account under a mount', () => {
  it('stalls after 64 KiB: the read goes on within the stall, and listings take no notice', async () => {
    const stall = home.fake.plan({ path: '/media', method: 'GET', stallAfter: 64 << 10 });
    const began = performance.now();
    const reading = readWanted();
    await until(() => stall.fired === 1);
    const seconds = 8;
    const lister = spawn(python, [
      '-c',
      listInTurns,
      String(seconds),
      at('years/2018'),
      join(home.place.cache, 'years/2019'),
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
      home.fake.plan({
        path: '/media',
        method: 'GET',
        status: 429,
        headers: { 'retry-after': String(waitMs / 1000) },
        body: 'slow',
      }),
      home.fake.plan({
        path: '/media',
        method: 'GET',
        status: 503,
        body: 'busy',
      }),
      home.fake.plan({ path: '/media', method: 'GET', status: 500, times: 3 }),
      home.fake.plan({ path: '/media', method: 'GET', reset: true }),
      home.fake.plan({ path: '/media', method: 'GET', cutAfter: 100_000 }),
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
    const dead = home.fake.plan({
      path: '/media',
      method: 'GET',
      status: 403,
      body: '<h1>403 Forbidden</h1>',
    });
    right(await readWanted());
    expect(dead.fired).toBe(1);
    expect([home.fake.count('/library/v1/mediaItems:batchGet'), media().length]).toEqual([2, 2]);
    await endMount(mounted);
  });

  it('takes the sign-in back: what is not cached fails soon, and the log says what to do', async () => {
    await readFile(at('years/2018/p50.jpg'));
    home.fake.oauth.revokeAll();
    const began = performance.now();
    const { status, stderr } = await runProgram('cat', at(path));
    expect(performance.now() - began).toBeLessThan(2000);
    expect([status, /Permission denied|Input\/output error/.test(stderr)]).toEqual([1, true]);
    expect(home.fake.requests.some(({ status: answered }) => answered === 401)).toBe(true);
    expect(mounted.stderr()).toContain('gphotosfs login');
    expect(readFileSync(at('years/2019/p100.jpg'))).toEqual(cached[0]?.bytes);
    expect(readdirSync(at('years/2021'))).toHaveLength(619);
    expect((await home.place.run('status')).stdout).toContain('gphotosfs login');

    // Signed in again, it goes on without a new mount, once the place that failed is tried again.
    writeGoogleHome(home.place.home, home.fake);
    const again = await eventually(
      () => readWanted().catch(() => undefined),
      (bytes) => bytes !== undefined,
      30_000,
    );
    right(again as Buffer);
    await endMount(mounted);
  });

  it('lists nothing, a half, repeats, or fails on page 7: nothing vanishes or changes', async () => {
    const all = home.photos.items;
    const shown = await attributesOf(home.place.mountPoint);
    expect(shown.size).toBeGreaterThan(700);
    const lies: Readonly<Record<string, () => void>> = {
      nothing: () => {
        home.photos.items = [];
      },
      'a half': () => {
        home.photos.items = all.slice(350);
      },
      'pages without items, and repeats': () => {
        home.photos.items = all;
        home.photos.emptyPages = 2;
        home.photos.repeats = true;
      },
    };
    for (const [what, lie] of Object.entries(lies)) {
      lie();
      for (const flags of [[], ['--rescan']])
        expect((await home.place.run('sync', ...flags)).code, what).toBe(0);
      expect(await attributesOf(home.place.mountPoint), what).toEqual(shown);
    }
    home.photos.emptyPages = 0;
    const broken = home.fake.plan({
      path: '/library/v1/mediaItems',
      after: 6,
      times: 99,
      status: 400,
      body: { error: { code: 400, message: 'odd', status: 'INVALID_ARGUMENT' } },
    });
    const failed = await home.place.run('sync', '--rescan');
    expect(broken.fired).toBeGreaterThan(0);
    expect(failed.code, failed.stderr).not.toBe(0);
    expect(await attributesOf(home.place.mountPoint)).toEqual(shown);
    await endMount(mounted);
  }, 240_000);
});
