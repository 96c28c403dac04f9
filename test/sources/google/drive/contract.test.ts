/** Archives in Drive keep the contract of a source. */

import { openDriveHome } from '../../../helpers/google/drive-home.ts';
import { photo } from '../../../helpers/takeout-builder.ts';
import { describeSource } from '../../contract.ts';

const bytes = new Map([
  ['IMG_0001.jpg', photo(1, 2_500_000)],
  ['IMG_0002.jpg', photo(2, 5000)],
  ['IMG_0002-edited.jpg', photo('2 edited', 6000)],
  ['IMG_0003.heic', photo(3, 70_001)],
  ['without.png', photo(4, 1)],
]);
const entry = (folder: string, name: string) => ({ folder, name, bytes: bytes.get(name) ?? photo(name) });

for (const shape of ['stored', 'deflated', 'tgz'] as const) {
  describeSource(`Takeout in Drive, ${shape}`, async () => {
    const home = await openDriveHome();
    const files = await home.upload({
      format: shape === 'tgz' ? 'tgz' : 'zip',
      compress: shape === 'deflated',
      parts: 2,
      albums: [{ folder: 'Summer' }],
      entries: [
        entry('Photos from 2021', 'IMG_0001.jpg'),
        entry('Photos from 2021', 'IMG_0002.jpg'),
        { ...entry('Photos from 2021', 'IMG_0002-edited.jpg'), sidecar: false },
        entry('Photos from 2022', 'IMG_0003.heic'),
        { ...entry('Photos from 2022', 'without.png'), sidecar: false },
        { ...entry('Photos from 2022', 'old.jpg'), folder: 'Trash' },
        entry('Summer', 'IMG_0001.jpg'),
      ],
    });
    return {
      source: home.source({ tgz: true }),
      files: bytes,
      trashed: ['old.jpg'],
      albums: new Map([['Summer', ['IMG_0001.jpg']]]),
      vanish: () => files.forEach(({ id }) => void home.drive.files.delete(id)),
      dispose: () => home.close(),
    };
  });
}
