/** What a day of use costs: calls of the API for a library of 25,000 items and 25 albums. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { recall } from '../../../../src/index/sources.ts';
import { createLibrarySource } from '../../../../src/sources/google/library/library-source.ts';
import type { Source } from '../../../../src/sources/source.ts';
import {
  fakePhoto,
  openPhotosHome,
  type PhotosHome,
  rememberSizes,
} from '../../../helpers/google/photos-home.ts';
import { openSyncHome, type SyncHome } from '../../../helpers/sync-home.ts';

const count = 25_000;
const day = 86_400_000;
let google: PhotosHome;
let source: Source;
let home: SyncHome;
beforeEach(async () => {
  google = await openPhotosHome(
    Array.from({ length: count }, (_, at) => fakePhoto(at, { bytes: Buffer.alloc(0) })),
  );
  google.photos.albums = Array.from({ length: 25 }, (_, at) => ({
    id: `album-${at}`,
    title: `Album ${at}`,
    items: Array.from({ length: 1000 }, (_, nr) => `id-${at * 1000 + nr}`),
  }));
  source = createLibrarySource({ id: 'library', account: 'default' }, () => google.parts.google('default'));
  home = openSyncHome();
});
afterEach(async () => {
  vi.useRealTimers();
  await source.close();
  home.dispose();
  await google.close();
});

function calls(): { readonly api: number; readonly bytes: number } {
  const requests = google.fake.requests.splice(0);
  const below = (prefix: string) => requests.filter(({ path }) => path.startsWith(prefix)).length;
  return { api: below('/library'), bytes: below('/media') };
}

/** How many albums were looked into since a time. */
function lookedInto(since: number): number {
  return google.photos.albums.filter(({ id }) => {
    const seen = JSON.parse(String(recall(home.index, 'library', `album ${id}`))) as { readonly at: number };
    return seen.at * 1000 >= since;
  }).length;
}

it('stays below 300 calls on a day without changes, and looks into each album once a week', async () => {
  // 25,000 HEADs say nothing about a day.
  rememberSizes(home.index, google.photos.items, 1000);
  await home.sync(source, { rescan: true });
  expect(home.years()).toHaveLength(count);
  expect(home.albums()).toHaveLength(25_000);
  // Pages of items, the list of albums, and 10 pages of each album.
  expect(calls()).toEqual({ api: 250 + 1 + 250, bytes: 0 });

  const now = Date.now();
  const onDay = async (at: number) => {
    vi.useFakeTimers({ toFake: ['Date'], now: now + at * day });
    expect((await home.sync(source)).sources[0]).toMatchObject({ newItems: 0, error: undefined });
    return calls();
  };
  expect(await onDay(1)).toEqual({ api: 251, bytes: 0 });
  // From the seventh day on four albums of ten pages a day: all 25 within a week.
  expect(await onDay(8)).toEqual({ api: 291, bytes: 0 });
  expect(await onDay(9)).toEqual({ api: 291, bytes: 0 });
  expect(lookedInto(now + 8 * day - 1000)).toBe(8);
}, 180_000);
