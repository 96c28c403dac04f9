/** An account's photos that a Takeout in Drive has, too, which is added later and listed before its sidecars are read. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLibrarySource } from '../../../../src/sources/google/library/library-source.ts';
import type { Source } from '../../../../src/sources/source.ts';
import { type DriveHome, openDriveHome } from '../../../helpers/google/drive-home.ts';
import { openTestClient } from '../../../helpers/google/google-home.ts';
import { jpeg } from '../../../helpers/google/media.ts';
import { addPhotos } from '../../../helpers/google/photos.ts';
import { openSyncHome, type SyncHome } from '../../../helpers/sync-home.ts';
import { videoOf } from '../../../helpers/video-builder.ts';

let google: DriveHome;
let drive: Source;
let library: Source;
let home: SyncHome;
beforeEach(async () => {
  google = await openDriveHome();
  drive = google.source();
  const client = openTestClient(google.folder, google.fake);
  library = createLibrarySource({ id: 'library', account: 'default' }, async () => client);
  home = openSyncHome();
});
afterEach(async () => {
  home.dispose();
  await library.close();
  await drive.close();
  await google.close();
});

/** A PNG of so many pixels, as far as its head goes. */
function png(width: number, height: number, size: number): Buffer {
  const bytes = Buffer.alloc(size, `${width} by ${height}, ${size};`);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(bytes);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

const at = (time: string) => Date.parse(time) / 1000;

it('is one entry, with Takeout’s bytes, also where the two stand in different years', async () => {
  const photos = addPhotos(google.fake);
  const times = {
    'a.png': '2021-07-01T10:00:00Z',
    'v.mp4': '2021-07-02T10:00:00Z',
    'eve.png': '2021-12-31T23:30:00Z',
  };
  photos.items = [
    {
      id: 'a',
      filename: 'a.png',
      takenAt: times['a.png'],
      bytes: png(4000, 3000, 9000),
      mimeType: 'image/png',
    },
    {
      id: 'v',
      filename: 'v.mp4',
      takenAt: times['v.mp4'],
      bytes: videoOf(1920, 1080, 9000),
      width: 1920,
      height: 1080,
    },
    {
      id: 'e',
      filename: 'eve.png',
      takenAt: times['eve.png'],
      bytes: png(4000, 3000, 9001),
      mimeType: 'image/png',
    },
    { id: 'o', filename: 'o.jpg', takenAt: '2021-07-04T10:00:00Z', bytes: jpeg(4, 9000) },
  ];
  await home.sync([library, drive]);
  const before = home.tree();
  expect(home.years()).toEqual(['2021/a.png', '2021/v.mp4', '2021/o.jpg', '2021/eve.png']);

  const entry = (folder: string, name: keyof typeof times, bytes: Buffer) => ({
    folder,
    name,
    bytes,
    takenAt: at(times[name]),
  });
  await google.upload({
    parts: 2,
    entries: [
      entry('Photos from 2021', 'a.png', png(4000, 3000, 20_000)),
      entry('Photos from 2021', 'v.mp4', videoOf(1920, 1080, 900_000)),
      // Its year is where it was taken.
      entry('Photos from 2022', 'eve.png', png(4000, 3000, 20_001)),
      {
        folder: 'Photos from 2021',
        name: 'new.png',
        bytes: png(4000, 3000, 20_002),
        takenAt: at('2021-07-05T10:00:00Z'),
      },
    ],
  });
  const report = await home.sync([library, drive]);
  expect(report.sources.map(({ error }) => error)).toEqual([undefined, undefined]);
  expect(home.years()).toEqual([
    ...['a.png', 'v.mp4', 'o.jpg', 'eve.png', 'new.png'].map((name) => `2021/${name}`),
  ]);
  for (const name of ['a.png', 'v.mp4', 'eve.png'])
    expect(home.tree().get(`years/2021/${name}`)).toEqual(before.get(`years/2021/${name}`));
});
