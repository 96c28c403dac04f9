/** Thumbnails of what Google has: pictures that it scales, so that no original is asked for. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { putMemo } from '../../src/index/sources.ts';
import { createLibrarySource } from '../../src/sources/google/library/library-source.ts';
import { createPickerSource } from '../../src/sources/google/picker/picker-source.ts';
import { sessionsMemo } from '../../src/sources/google/picker/sessions.ts';
import type { Source } from '../../src/sources/source.ts';
import { fitted } from '../../src/thumbnails/picture.ts';
import { placeThumbnails, type ThumbnailsReport } from '../../src/thumbnails/place-thumbnails.ts';
import { drawPlaceholder } from '../../src/thumbnails/placeholder.ts';
import { mp4 } from '../helpers/google/media.ts';
import { fakePhoto, openPhotosHome, type PhotosHome } from '../helpers/google/photos-home.ts';
import { encodeJpeg } from '../helpers/photographs.ts';
import { createTestHome, signal, type TestHome } from '../helpers/test-home.ts';

let google: PhotosHome;
let test: TestHome;
let source: Source;
afterEach(async () => {
  await test.remove();
  await source.close();
  await google.close();
});

const small = encodeJpeg(fitted(drawPlaceholder('photo'), 256));
const items = [
  fakePhoto(1, { small }),
  fakePhoto(2, { small }),
  fakePhoto(3, { filename: 'film.mp4', bytes: mp4(3, 5000), small }),
];
const thumbnails = () => join(test.folder, 'thumbnails');

function place(): Promise<ThumbnailsReport> {
  google.fake.requests.splice(0);
  return placeThumbnails({
    index: test.index,
    sources: [source],
    cache: test.cache.root,
    onlyNew: false,
    mountPoint: '/Photos',
    folder: thumbnails(),
    signal,
    progress: () => {},
  });
}

const mediaAsked = () => google.fake.requests.filter(({ path }) => path.startsWith('/media')).length;

it('the Library scales photos and videos', async () => {
  google = await openPhotosHome(items);
  source = createLibrarySource({ id: 'library', account: 'default' }, () => google.parts.google('default'));
  test = await createTestHome({ sources: () => [source] });
  await test.sync();
  google.photos.media.killLinks();
  const bytes = items.length * small.length;
  expect(await place()).toMatchObject({ files: 3, pictures: 3, cards: 0, failed: [], fetchedBytes: bytes });
  expect(google.fake.requests.every(({ path }) => !/=dv?$/.test(path))).toBe(true);
  expect(readdirSync(join(thumbnails(), 'large'))).toHaveLength(3);
  // By the day they count as originals do, and as the HEADs of the sync.
  expect((await google.parts.google('default')).budget.left('bytes')).toBe(75_000 - 3 - mediaAsked());
  expect(await place()).toMatchObject({ present: 3, fetchedBytes: 0 });
  expect(mediaAsked()).toBe(0);
});

it('what comes is no JPEG, or does not come: told, and the others are made', async () => {
  google = await openPhotosHome([
    fakePhoto(1, { small }),
    fakePhoto(2, { small: Buffer.from('89504e47', 'hex') }),
    fakePhoto(3),
  ]);
  source = createLibrarySource({ id: 'library', account: 'default' }, () => google.parts.google('default'));
  test = await createTestHome({ sources: () => [source] });
  await test.sync();
  const { pictures, failed } = await place();
  expect(pictures).toBe(1);
  expect(failed.map(({ path }) => path).sort()).toEqual(['years/2021/p2.jpg', 'years/2021/p3.jpg']);
});

it('picked photos come with the token', async () => {
  google = await openPhotosHome();
  google.photos.sessions.push({ id: 's1', picked: items, expired: false, deleted: false });
  source = createPickerSource({ id: 'picker', account: 'default' }, () => google.parts.google('default'));
  test = await createTestHome({ sources: () => [source] });
  putMemo(test.index, 'picker', sessionsMemo([{ id: 's1', expiresAt: undefined }]));
  await test.sync();
  expect(await place()).toMatchObject({ files: 3, pictures: 3, failed: [] });
  expect(mediaAsked()).toBe(3);
});
