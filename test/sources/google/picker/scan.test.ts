/** A Picker session as Google allows it at most: 2,000 photos. */
import { afterEach, expect, it } from 'vitest';
import { putMemo } from '../../../../src/index/sources.ts';
import { createPickerSource } from '../../../../src/sources/google/picker/picker-source.ts';
import { sessionsMemo } from '../../../../src/sources/google/picker/sessions.ts';
import type { Source } from '../../../../src/sources/source.ts';
import { fakePhoto, openPhotosHome, type PhotosHome } from '../../../helpers/google/photos-home.ts';
import { createTestHome, expectBytes, type TestHome } from '../../../helpers/test-home.ts';

let google: PhotosHome;
let test: TestHome;
let source: Source;
afterEach(async () => {
  await test.remove();
  await source.close();
  await google.close();
});

it('is listed a hundred a page, each photo is measured once, with the token, and none is asked for twice', async () => {
  google = await openPhotosHome();
  const picked = Array.from({ length: 2000 }, (_, at) => fakePhoto(at));
  google.photos.sessions.push({ id: 's1', picked, expired: false, deleted: false });
  source = createPickerSource({ id: 'picker', account: 'default' }, () => google.parts.google('default'));
  test = await createTestHome({ sources: () => [source] });
  putMemo(test.index, 'picker', sessionsMemo([{ id: 's1', expiresAt: undefined }]));
  await test.sync();
  const counts = () => ({
    lists: google.fake.count('/picker/v1/mediaItems'),
    heads: google.fake.count('/media', 'HEAD'),
  });
  expect(counts()).toEqual({ lists: 20, heads: 2000 });
  expect(google.fake.requests.every(({ authorized }) => authorized)).toBe(true);
  expectBytes(await test.read('years/2021/p1999.jpg'), picked[1999]?.bytes as Buffer);
  await test.sync();
  expect(counts().heads).toBe(2000);
  google.photos.media.killLinks();
  expectBytes(await test.read('years/2021/p7.jpg'), picked[7]?.bytes as Buffer);
});
