/** A library of 25,000 photos by the program itself: its first day, a day without changes, and one with additions. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AccountPlace, createAccountPlace } from '../cli/account-place.ts';
import type { Place } from '../cli/run-program.ts';
import type { FakeGoogle } from '../helpers/google/fake-google.ts';
import { type FakeItem, jpeg } from '../helpers/google/media.ts';
import type { FakePhotos } from '../helpers/google/photos.ts';
import { fakePhoto } from '../helpers/google/photos-home.ts';
import { canMount } from '../helpers/mount-client.ts';
import { endMount, mount } from './mounting.ts';

const count = 25_000;
const perYear = 1000;
const albumLength = 100;
const firstYear = 2001;
const photo = (at: number, year = firstYear + Math.floor(at / perYear)): FakeItem =>
  fakePhoto(at, {
    filename: `IMG_${at}.jpg`,
    takenAt: new Date(Date.UTC(year, 5, 1, 0, 0, at % perYear)).toISOString(),
    bytes: jpeg(at, 400),
  });

let home: AccountPlace;
let fake: FakeGoogle;
let photos: FakePhotos;
let place: Place;
beforeEach(async () => {
  home = await createAccountPlace();
  ({ fake, photos, place } = home);
});
afterEach(async () => {
  await home.close();
});

const run = (...args: string[]) => home.run(...args);
/** Requests since the last call of it. */
function calls(): { readonly api: number; readonly heads: number; readonly bytes: number } {
  const requests = fake.requests.splice(0);
  const media = requests.filter(({ path }) => path.startsWith('/media'));
  const heads = media.filter(({ method }) => method === 'HEAD').length;
  return {
    api: requests.filter(({ path }) => path.startsWith('/library')).length,
    heads,
    bytes: media.length - heads,
  };
}

it.runIf(canMount)(
  'is listed, mounted, read, fetched in part, and kept up to date for less than 300 calls a day',
  async () => {
    photos.items = Array.from({ length: count }, (_, at) => photo(at));
    photos.albums = Array.from({ length: 25 }, (_, at) => ({
      id: `album-${at}`,
      title: `Album ${at}`,
      items: Array.from({ length: albumLength }, (_, nr) => `id-${at * perYear + nr}`),
    }));
    await run('add', 'library');
    expect(await run('sync')).toMatchObject({ code: 0, results: [{ sources: [{ newItems: count }] }] });
    // 100 items a page, one page of albums, one page of each; no link is asked for, for the list has them.
    expect(calls()).toEqual({ api: 250 + 1 + 25, heads: count, bytes: 0 });

    const mounted = await mount(place);
    const years = join(place.mountPoint, 'years');
    expect(readdirSync(years)).toHaveLength(25);
    for (const year of readdirSync(years)) expect(readdirSync(join(years, year))).toHaveLength(perYear);
    expect(readdirSync(join(place.mountPoint, 'albums', 'Album 7'))).toHaveLength(albumLength);
    expect(calls()).toEqual({ api: 0, heads: 0, bytes: 0 });
    for (const at of [0, 12_345, count - 1])
      expect(await readFile(join(years, `${firstYear + Math.floor(at / perYear)}`, `IMG_${at}.jpg`))).toEqual(
        jpeg(at, 400),
      );
    expect(calls()).toEqual({ api: 3, heads: 0, bytes: 3 });

    const year = '2010';
    expect(await run('prefetch', '--year', year)).toMatchObject({
      code: 0,
      results: [{ fetchedFiles: perYear }],
    });
    expect(calls()).toEqual({ api: perYear / 50, heads: 0, bytes: perYear });
    expect(readdirSync(join(place.cache, 'years', year))).toHaveLength(perYear);
    expect(readFileSync(join(place.cache, 'years', year, 'IMG_9500.jpg'))).toEqual(jpeg(9500, 400));

    // A day without changes.
    expect(await run('sync')).toMatchObject({ code: 0, results: [{ sources: [{ newItems: 0 }] }] });
    expect(calls()).toEqual({ api: 250 + 1, heads: 0, bytes: 0 });

    // A day with an old photo among 30 new ones, two of them in an album.
    const added = Array.from({ length: 30 }, (_, nr) => photo(count + nr, nr === 0 ? 2005 : 2025));
    photos.items.push(...added);
    photos.albums = photos.albums.map((album) =>
      album.id === 'album-3'
        ? { ...album, items: [...album.items, `id-${count}`, `id-${count + 1}`] }
        : album,
    );
    expect(await run('sync')).toMatchObject({ code: 0, results: [{ sources: [{ newItems: 30 }] }] });
    const day = calls();
    // One page more, the albums, and two pages of the one that changed.
    expect(day).toEqual({ api: 251 + 1 + 2, heads: 30, bytes: 0 });
    expect(day.api).toBeLessThan(300);
    // The mount that is up shows them.
    expect(readdirSync(join(years, '2005'))).toHaveLength(perYear + 1);
    expect(await readFile(join(years, '2025', `IMG_${count + 5}.jpg`))).toEqual(jpeg(count + 5, 400));
    expect(await readFile(join(place.mountPoint, 'albums', 'Album 3', `IMG_${count}.jpg`))).toEqual(
      jpeg(count, 400),
    );
    await endMount(mounted);
    const status = (await run('status')).results[0];
    expect(status).toMatchObject({
      files: count + 30,
      cachedFiles: perYear + 5,
      albums: 25,
      sources: [{ waiting: 0 }],
    });
  },
  600_000,
);
