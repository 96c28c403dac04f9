/** A library of 25,000 photos by the program itself: its first day, a day without changes, and one with additions. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { closeIndex, openIndex } from '../../src/index/open.ts';
import { useAccountPlace } from '../cli/account-place.ts';
import { until } from '../cli/run-program.ts';
import { type FakeItem, jpeg } from '../helpers/google/media.ts';
import { fakePhoto, rememberSizes } from '../helpers/google/photos-home.ts';
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

const home = useAccountPlace();

const run = (...args: string[]) => home.run(...args);
/** Requests since the last call of it. */
function calls(): { readonly api: number; readonly heads: number; readonly bytes: number } {
  const requests = home.fake.requests.splice(0);
  const media = requests.filter(({ path }) => path.startsWith('/media'));
  const heads = media.filter(({ method }) => method === 'HEAD').length;
  return {
    api: requests.filter(({ path }) => path.startsWith('/library')).length,
    heads,
    bytes: media.length - heads,
  };
}

it.runIf(canMount())(
  'is listed, mounted, read, fetched in part, and kept up to date for less than 300 calls a day',
  async () => {
    home.photos.items = Array.from({ length: count }, (_, at) => photo(at));
    home.photos.albums = Array.from({ length: 25 }, (_, at) => ({
      id: `album-${at}`,
      title: `Album ${at}`,
      items: Array.from({ length: albumLength }, (_, nr) => `id-${at * perYear + nr}`),
    }));
    await run('add', 'library');
    // All but 500 were measured before: 25,000 HEADs would take most of the test, and show no more.
    const measured = 500;
    const index = openIndex(join(home.place.home, 'index.db'));
    rememberSizes(index, home.photos.items.slice(measured), 400);
    closeIndex(index);
    expect(await run('sync', '--rescan')).toMatchObject({
      code: 0,
      results: [{ sources: [{ newItems: count }] }],
    });
    // 100 items a page, one page of albums, one page of each; no link is asked for, for the list has them.
    expect(calls()).toEqual({ api: 250 + 1 + 25, heads: measured, bytes: 0 });

    const mounted = await mount(home.place);
    const years = join(home.place.mountPoint, 'years');
    expect(readdirSync(years)).toHaveLength(25);
    for (const year of readdirSync(years)) expect(readdirSync(join(years, year))).toHaveLength(perYear);
    expect(readdirSync(join(home.place.mountPoint, 'albums', 'Album 7'))).toHaveLength(albumLength);
    expect(calls()).toEqual({ api: 0, heads: 0, bytes: 0 });
    for (const at of [0, 12_345, count - 1])
      expect(await readFile(join(years, `${firstYear + Math.floor(at / perYear)}`, `IMG_${at}.jpg`))).toEqual(
        jpeg(at, 400),
      );
    expect(calls()).toEqual({ api: 3, heads: 0, bytes: 3 });

    expect(await run('prefetch', '--album', 'Album 9')).toMatchObject({
      code: 0,
      results: [{ fetchedFiles: albumLength }],
    });
    expect(calls()).toEqual({ api: albumLength / 50, heads: 0, bytes: albumLength });
    expect(readdirSync(join(home.place.cache, 'years/2010'))).toHaveLength(albumLength);
    expect(readFileSync(join(home.place.cache, 'years/2010/IMG_9050.jpg'))).toEqual(jpeg(9050, 400));

    // A day without changes.
    expect(await run('sync')).toMatchObject({ code: 0, results: [{ sources: [{ newItems: 0 }] }] });
    expect(calls()).toEqual({ api: 250 + 1, heads: 0, bytes: 0 });

    // A day with an old photo among 30 new ones, two of them in an album.
    const added = Array.from({ length: 30 }, (_, nr) => photo(count + nr, nr === 0 ? 2005 : 2025));
    home.photos.items.push(...added);
    home.photos.albums = home.photos.albums.map((album) =>
      album.id === 'album-3'
        ? { ...album, items: [...album.items, `id-${count}`, `id-${count + 1}`] }
        : album,
    );
    expect(await run('sync')).toMatchObject({ code: 0, results: [{ sources: [{ newItems: 30 }] }] });
    const day = calls();
    // One page more, the albums, and two pages of the one that changed.
    expect(day).toEqual({ api: 251 + 1 + 2, heads: 30, bytes: 0 });
    expect(day.api).toBeLessThan(300);
    // The mount that is up shows them, as soon as it has seen that the index changed.
    await until(() => readdirSync(join(years, '2005')).length === perYear + 1);
    expect(await readFile(join(years, '2025', `IMG_${count + 5}.jpg`))).toEqual(jpeg(count + 5, 400));
    expect(await readFile(join(home.place.mountPoint, 'albums', 'Album 3', `IMG_${count}.jpg`))).toEqual(
      jpeg(count, 400),
    );
    await endMount(mounted);
    const status = (await run('status')).results[0];
    expect(status).toMatchObject({
      files: count + 30,
      cachedFiles: albumLength + 5,
      albums: 25,
      sources: [{ waiting: 0 }],
    });
  },
  600_000,
);
