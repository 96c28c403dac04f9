/** Takeout and an API have the same photo: one entry where that is certain, two where it is not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultLayout } from '../../src/index/settings.ts';
import { dropSource } from '../../src/index/sources.ts';
import { readStatus } from '../../src/index/status.ts';
import { getInode } from '../../src/index/tree.ts';
import { createLibrarySource } from '../../src/sources/google/library/library-source.ts';
import type { Source } from '../../src/sources/source.ts';
import { sync } from '../../src/sync/sync.ts';
import { type FakeItem, mp4 } from '../helpers/google/media.ts';
import { fakePhoto, openPhotosHome, type PhotosHome } from '../helpers/google/photos-home.ts';
import type { MemoryItem } from '../helpers/memory-source.ts';
import { createTestHome, expectBytes, signal, type TestHome } from '../helpers/test-home.ts';
import { videoOf } from '../helpers/video-builder.ts';

const takenAt = Date.UTC(2021, 6, 1, 10, 20, 30) / 1000;
const taken = new Date(takenAt * 1000).toISOString();

/** A JPEG of so many pixels, as far as its head goes. */
function jpegOf(width: number, height: number, size: number): Buffer {
  const bytes = Buffer.alloc(size, `${width} by ${height}, ${size};`);
  Buffer.from('ffd8ffe000104a46494600010100000100010000ffc00011080000000003', 'hex').copy(bytes);
  bytes.writeUInt16BE(height, 25);
  bytes.writeUInt16BE(width, 27);
  return bytes;
}

const original = jpegOf(4000, 3000, 90_000);
const second = jpegOf(4000, 3000, 60_000);
const fromTakeout = (more: Partial<MemoryItem> = {}, name = 'IMG_1.jpg'): MemoryItem => ({
  files: [{ name, bytes: original }],
  title: 'IMG_1.jpg',
  takenAt,
  yearFolder: 2021,
  photoId: 'AF1Qip1',
  ...more,
});
const fromApi = (more: Partial<FakeItem> = {}): FakeItem =>
  fakePhoto(1, { filename: 'IMG_1.jpg', takenAt: taken, width: 4000, height: 3000, bytes: second, ...more });

const withoutTime = ({ takenAt: _, ...item }: MemoryItem): MemoryItem => item;

let google: PhotosHome;
let library: Source;
let home: TestHome;
beforeEach(async () => {
  google = await openPhotosHome();
  library = createLibrarySource({ id: 'library', account: 'me' }, () => google.parts.google('me'));
  home = await createTestHome({ sources: (takeout) => [takeout, library] });
});
afterEach(async () => {
  await home.remove();
  await library.close();
  await google.close();
});

async function syncOne(source: Source): Promise<void> {
  const { index, cachePath, home: folder } = home;
  const sources = [source, ...[home.source, library].filter((one) => one !== source)];
  const request = {
    index,
    cachePath,
    home: folder,
    layout: defaultLayout,
    rescan: false,
    signal,
    progress: () => {},
  };
  const report = await sync({ ...request, sources });
  for (const { error } of report.sources) if (error !== undefined) throw error;
}
const takeout = (...items: MemoryItem[]) => [{ id: 'e1', time: 1_700_000_000, items }];
const counts = () => {
  const { items, files } = readStatus(home.index);
  return { items, files };
};
const path = 'years/2021/IMG_1.jpg';
const attributes = () => getInode(home.index, home.ino(path));

describe('a photo that is certainly the same', () => {
  it('is one entry with Takeout’s bytes, where Takeout came first', async () => {
    await home.sync(takeout(fromTakeout()));
    const before = attributes();
    google.photos.items = [fromApi()];
    await syncOne(library);
    expect(counts()).toEqual({ items: 1, files: 1 });
    expect(readStatus(home.index).sources.map(({ id, files }) => [id, files])).toEqual([
      ['library', 1],
      ['memory', 1],
    ]);
    expect(attributes()).toEqual(before);
    google.fake.requests.splice(0);
    expectBytes(await home.read(path), original);
    expect(google.fake.requests).toEqual([]);
  });

  it('is one entry whose bytes Takeout’s replace, where the API came first', async () => {
    google.photos.items = [fromApi()];
    await syncOne(library);
    const before = attributes();
    expect(before?.size).toBe(second.length);
    await home.ensure(path);
    expectBytes(home.cached(path), second);
    home.source.exports = takeout(fromTakeout());
    await syncOne(home.source);
    expect(counts()).toEqual({ items: 1, files: 1 });
    expect(attributes()).toEqual(before);
    expect(await home.ensure(path)).toBe('fetched');
    expectBytes(home.cached(path), original);
    expect(home.superseded()).toHaveLength(1);
    expect(attributes()).toMatchObject({ ino: before?.ino, size: original.length, mtime: takenAt });
    // And so it stays.
    await syncOne(library);
    expect(await home.ensure(path)).toBe('cached');
  });

  it('is known whichever way it is turned, and whatever Takeout called its file', async () => {
    await home.sync(takeout(fromTakeout({}, 'IMG_1(1).jpg')));
    google.photos.items = [fromApi({ width: 3000, height: 4000 })];
    await syncOne(library);
    expect(counts()).toEqual({ items: 1, files: 1 });
  });

  it('is known by what is in the cache, when its archive is gone', async () => {
    await home.sync(takeout(fromTakeout()));
    await home.ensure(path);
    home.source.exports = [];
    google.photos.items = [fromApi()];
    await syncOne(library);
    expect(counts()).toEqual({ items: 1, files: 1 });
  });

  it('is known as a video by the directory behind its pictures, also far behind', async () => {
    const size = 2 << 20;
    const video = videoOf(1920, 1080, size, 10);
    const encodedAnew = videoOf(1280, 720, 8000, 11);
    await home.sync(takeout(fromTakeout({ title: 'V.MP4', files: [{ name: 'V.MP4', bytes: video }] })));
    google.photos.items = [fromApi({ filename: 'V.MP4', bytes: encodedAnew, width: 1080, height: 1920 })];
    await syncOne(library);
    expect(counts()).toEqual({ items: 1, files: 1 });
    expect(getInode(home.index, home.ino('years/2021/V.MP4'))?.size).toBe(size);
  });

  it('is known as a video also where the API came first', async () => {
    google.photos.items = [
      fromApi({ filename: 'V.MP4', bytes: videoOf(1920, 1080, 8000), width: 1920, height: 1080 }),
    ];
    await syncOne(library);
    const video = videoOf(1920, 1080, 9000);
    home.source.exports = takeout(fromTakeout({ title: 'V.MP4', files: [{ name: 'V.MP4', bytes: video }] }));
    await syncOne(home.source);
    expect(counts()).toEqual({ items: 1, files: 1 });
  });

  it('is found again after the source was removed and added', async () => {
    await home.sync(takeout(fromTakeout()));
    google.photos.items = [fromApi(), fakePhoto(2)];
    await syncOne(library);
    dropSource(home.index, 'library');
    await syncOne(library);
    expect(counts()).toEqual({ items: 2, files: 2 });
  });
});

describe('a photo that may be another', () => {
  it.each<[string, readonly MemoryItem[], readonly FakeItem[]]>([
    ['other pixels', [fromTakeout()], [fromApi({ width: 4000, height: 3001 })]],
    ['another second', [fromTakeout()], [fromApi({ takenAt: new Date((takenAt + 1) * 1000).toISOString() })]],
    ['another name', [fromTakeout()], [fromApi({ filename: 'IMG_2.jpg' })]],
    [
      'a namesake in Takeout',
      [
        fromTakeout(),
        fromTakeout({
          photoId: 'AF1Qip2',
          files: [{ name: 'IMG_1(1).jpg', bytes: jpegOf(4000, 3000, 70_000) }],
        }),
      ],
      [fromApi()],
    ],
    [
      'a namesake in the API',
      [fromTakeout()],
      [fromApi(), fromApi({ id: 'id-2', bytes: jpegOf(4000, 3000, 50_000) })],
    ],
    [
      'a video whose pixels cannot be read',
      [fromTakeout({ files: [{ name: 'IMG_1.jpg', bytes: mp4(1, 9000) }] })],
      [fromApi({ bytes: mp4(2, 8000) })],
    ],
    [
      'a video of other pixels',
      [fromTakeout({ files: [{ name: 'IMG_1.jpg', bytes: videoOf(1920, 1080, 9000) }] })],
      [fromApi({ bytes: mp4(2, 8000) })],
    ],
    [
      'a video of another duration',
      [fromTakeout({ files: [{ name: 'IMG_1.jpg', bytes: videoOf(1920, 1080, 9000, 10) }] })],
      [fromApi({ bytes: videoOf(1920, 1080, 8000, 12), width: 1920, height: 1080 })],
    ],
    [
      'a video that tells no duration',
      [fromTakeout({ files: [{ name: 'IMG_1.jpg', bytes: videoOf(1920, 1080, 9000, 0) }] })],
      [fromApi({ bytes: videoOf(1920, 1080, 8000, 0), width: 1920, height: 1080 })],
    ],
    [
      'a video whose duration the API’s bytes do not tell',
      [fromTakeout({ files: [{ name: 'IMG_1.jpg', bytes: videoOf(1920, 1080, 9000, 10) }] })],
      [fromApi({ bytes: mp4(2, 8000), width: 1920, height: 1080 })],
    ],
    [
      'a RAW, whose preview has other pixels than it',
      [
        fromTakeout({
          files: [{ name: 'IMG_1.jpg', bytes: Buffer.concat([Buffer.from('49492a00', 'hex'), original]) }],
        }),
      ],
      [fromApi()],
    ],
    ['no time', [withoutTime(fromTakeout())], [fromApi({ takenAt: undefined })]],
    [
      'two originals',
      [
        fromTakeout({
          files: [
            { name: 'IMG_1.jpg', bytes: original },
            { name: 'IMG_1.dng', bytes: 'raw' },
          ],
        }),
      ],
      [fromApi()],
    ],
  ])('stays apart, in either order: %s', async (_, items, apiItems) => {
    const files = items.reduce((sum, item) => sum + item.files.length, 0) + apiItems.length;
    await home.sync(takeout(...items));
    google.photos.items = [...apiItems];
    await syncOne(library);
    expect(counts()).toEqual({ items: items.length + apiItems.length, files });

    const other = await createTestHome({ sources: (source) => [library, source] });
    try {
      other.source.exports = takeout(...items);
      await other.sync();
      expect(readStatus(other.index)).toMatchObject({ items: items.length + apiItems.length, files });
    } finally {
      await other.remove();
    }
  });
});
