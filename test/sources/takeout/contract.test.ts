/** Takeout archives in their three shapes keep the contract of a source. */
import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTakeoutSource } from '../../../src/sources/takeout/takeout-source.ts';
import { descriptorsOf } from '../../helpers/archive-reading.ts';
import { buildTakeout, photo } from '../../helpers/takeout-builder.ts';
import { describeSource } from '../contract.ts';

const bytes = new Map([
  ['IMG_0001.jpg', photo(1, 3_000_000)],
  ['IMG_0002.jpg', photo(2, 5000)],
  ['IMG_0002-edited.jpg', photo('2 edited', 6000)],
  ['IMG_0003.heic', photo(3, 70_001)],
  ['without.png', photo(4, 1)],
]);
const entry = (folder: string, name: string) => ({ folder, name, bytes: bytes.get(name) ?? photo(name) });

for (const format of ['zip', 'tgz', 'folder'] as const) {
  for (const compress of format === 'zip' ? [false, true] : [false]) {
    describeSource(`Takeout as ${compress ? 'a deflated ' : ''}${format}`, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'gphotosfs-contract-'));
      const paths = await buildTakeout(join(directory, 'takeout'), {
        format,
        compress,
        parts: 2,
        albums: [{ folder: 'Summer' }],
        entries: [
          entry('Photos from 2021', 'IMG_0001.jpg'),
          entry('Photos from 2021', 'IMG_0002.jpg'),
          { ...entry('Photos from 2021', 'IMG_0002-edited.jpg'), sidecar: false },
          entry('Photos from 2022', 'IMG_0003.heic'),
          { ...entry('Photos from 2022', 'without.png'), sidecar: false },
          { ...entry('Photos from 2022', 'old.jpg'), sidecar: { trashed: true } },
          entry('Summer', 'IMG_0001.jpg'),
        ],
      });
      return {
        source: createTakeoutSource({ id: 'takeout', account: 'me', paths }),
        files: bytes,
        trashed: ['old.jpg'],
        albums: new Map([['Summer', ['IMG_0001.jpg']]]),
        vanish: () => paths.forEach((path) => void rmSync(path, { recursive: true })),
        // In a folder each file is held to its own size and time, in its address.
        ...(format === 'folder'
          ? { outdated: (location) => ({ ...location, address: location.address.replace(/:\d+:/, ':1:') }) }
          : { change: () => paths.forEach((path) => void utimesSync(path, 1_000_000, 1_000_000)) }),
        openNow: () => descriptorsOf(directory),
        dispose: () => rmSync(directory, { recursive: true, force: true }),
      };
    });
  }
}
