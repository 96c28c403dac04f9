/** The Photos Library API by the contract of all sources. */
import { createLibrarySource } from '../../../../src/sources/google/library/library-source.ts';
import { jpeg, mp4 } from '../../../helpers/google/media.ts';
import { fakePhoto, openPhotosHome } from '../../../helpers/google/photos-home.ts';
import { describeSource } from '../../contract.ts';

const large = jpeg(1, 300_000);

describeSource('the Library API', async () => {
  const items = [
    fakePhoto(1, { filename: 'large.jpg', bytes: large }),
    fakePhoto(2),
    fakePhoto(3, { filename: 'clip.mp4', bytes: mp4(3, 120_000) }),
    // Smaller than what is looked at to tell a format.
    fakePhoto(4, { filename: 'tiny.jpg', bytes: jpeg(4, 13) }),
    fakePhoto(5, { takenAt: undefined, filename: 'undated.jpg' }),
  ];
  const home = await openPhotosHome(items);
  home.photos.albums = [
    { id: 'album-1', title: 'Summer', items: ['id-1', 'id-2'] },
    { id: 'album-2', title: 'Empty', items: [] },
  ];
  const source = createLibrarySource({ id: 'library', account: 'default' }, () =>
    home.parts.google('default'),
  );
  return {
    source,
    files: new Map(items.map(({ filename, bytes }) => [filename, bytes as Buffer])),
    albums: new Map([
      ['album-1', ['large.jpg', 'p2.jpg']],
      ['album-2', []],
    ]),
    vanish: () => {
      home.photos.items = [];
      home.photos.media.killLinks();
    },
    openNow: () =>
      home.fake.requests.filter(({ path, endedAt }) => path.startsWith('/media') && !endedAt).length,
    dispose: () => home.close(),
  };
});
