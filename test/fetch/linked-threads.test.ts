/** Photos of an account that threads request by links: counted, with the token where it belongs, and none taken unchecked. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDailyCounts } from '../../src/index/daily-counts.ts';
import { projectOf, readClientSecret } from '../../src/sources/google/client-secret.ts';
import { pacificDay } from '../../src/sources/google/pacific-day.ts';
import { useAccountPlace } from '../cli/account-place.ts';
import { jpeg } from '../helpers/google/media.ts';
import { fakePhoto } from '../helpers/google/photos-home.ts';
import { partialsOf } from '../promises/library.ts';

const home = useAccountPlace();

/** More than the main thread does by itself, to begin with. */
const many = (count: number, spoilt: Readonly<Record<number, object>> = {}) =>
  Array.from({ length: count }, (_, at) => fakePhoto(at, { bytes: jpeg(at, 40_000), ...spoilt[at] }));
const sent = () =>
  home.fake.requests.filter(({ path, method }) => path.startsWith('/media') && method === 'GET');
const cached = (at: number) => readFileSync(join(home.place.cache, `years/2021/p${at}.jpg`));
const givenUp = (log: string) => log.match(/a thread could not fetch/g) ?? [];

it('costs one counted request a photo', async () => {
  home.photos.items = many(200);
  await home.place.run('add', 'library');
  await home.place.run('sync');
  const done = await home.place.run('prefetch', '--log-level', 'debug');
  expect(done).toMatchObject({ code: 0 });
  expect(givenUp(done.stderr)).toEqual([]);
  expect(sent()).toHaveLength(200);
  expect(sent().filter(({ authorized }) => authorized)).toEqual([]);
  expect(home.fake.count('/library/v1/mediaItems:batchGet')).toBe(4);
  for (const at of [0, 63, 64, 100, 199])
    expect(cached(at).equals(home.photos.items[at]?.bytes as Buffer), `p${at}`).toBe(true);
  const project = projectOf(readClientSecret(join(home.place.home, 'client_secret.json')));
  const counts = openDailyCounts(home.place.home);
  const used = ['bytes', 'requests'].map((name) => counts.used(project, pacificDay(Date.now()), name));
  counts.close();
  // HEADs of the sync, and the photos; two pages, albums, and links 50 a call.
  expect(used).toEqual([400, 7]);
});

it('sends the token with what was picked', async () => {
  home.photos.willPick = many(150);
  const done = await home.place.run('pick', '--log-level', 'debug');
  expect(done).toMatchObject({ code: 0 });
  expect(givenUp(done.stderr)).toEqual([]);
  expect(sent()).toHaveLength(150);
  expect(sent().every(({ authorized }) => authorized)).toBe(true);
  expect(cached(149).equals(home.photos.willPick[149]?.bytes as Buffer)).toBe(true);
});

it('takes nothing that is not the photo, and does again what broke', async () => {
  home.photos.items = many(200, {
    150: { bytes: Buffer.concat([Buffer.from('<html>'), jpeg(1, 39_994)]), mimeType: 'image/jpeg' },
    160: { bytes: jpeg(160, 41_000), headSize: 40_000 },
  });
  await home.place.run('add', 'library');
  await home.place.run('sync');
  // One each, the first time that it is asked for: by a thread.
  const once = (at: number, fault: object) =>
    home.fake.plan({
      path: new RegExp(`\\.${Buffer.from(`id-${at}`).toString('base64url')}=`),
      method: 'GET',
      ...fault,
    });
  const faults = [
    once(110, { cutAfter: 10_000 }),
    once(120, { status: 403 }),
    once(130, { status: 503, body: 'busy' }),
    once(140, { resize: 7 }),
  ];
  const done = await home.place.run('prefetch', '--json', '--log-level', 'debug');
  expect(faults.map(({ fired }) => fired)).toEqual([1, 1, 1, 1]);
  expect(givenUp(done.stderr)).toHaveLength(6);
  expect(done.code, done.stderr).toBe(3);
  const { failed } = JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '');
  expect(failed).toMatchObject([{ path: 'years/2021/p150.jpg', kind: 'bad-content' }]);
  for (const [at, { bytes }] of home.photos.items.entries())
    if (at !== 150) expect(cached(at).equals(bytes as Buffer), `p${at}`).toBe(true);
  expect(partialsOf(home.place.cache)).toEqual([]);
});
