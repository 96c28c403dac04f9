/** Sidecars as their owner has them: exiftool reads them, the cache has them, verify and a rebuild know them. */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { createPlace, type Place } from '../cli/run-program.ts';
import { canMount } from '../helpers/mount-client.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { attributesOf, contentsOf } from './library.ts';
import { endMount, mount } from './mounting.ts';

const run = promisify(execFile);
let place: Place;
afterEach(() => place.clean());

const sidecar = {
  title: 'Pass <1>.jpg',
  description: 'From the pass & "back" 🌸',
  people: [{ name: 'Ada' }, { name: 'Grüße' }],
  geoData: { latitude: 46.5, longitude: -8.25, altitude: 0, latitudeSpan: 0, longitudeSpan: 0 },
  favorited: true,
};
const takenAt = Date.UTC(2021, 6, 14, 12) / 1000;
const entry = (name: string, folder = 'Photos from 2021') => ({
  folder,
  name,
  bytes: photo(name, 5000),
  takenAt,
});

function build(folder: string, exportTime: string, description: string): Promise<string[]> {
  const first = { ...entry('IMG_1.jpg'), sidecar: { ...sidecar, description } };
  return buildTakeout(join(place.folder, folder), {
    exportTime,
    entries: [first, { ...first, folder: 'Alps' }, entry('IMG_2.jpg')],
    albums: [{ folder: 'Alps' }],
  });
}

it.runIf(canMount())(
  'exiftool reads a sidecar on the mount and in the cache, and nothing is lost or renamed',
  async () => {
    place = createPlace();
    await place.run('add', 'takeout', ...(await build('takeout', '20260101T120000Z', sidecar.description)));
    expect((await place.run('sync', '--sidecars')).code).toBe(0);
    const mounted = await mount(place);
    const path = join(place.mountPoint, 'years', '2021', 'IMG_1.jpg.xmp');
    const { stdout, stderr } = await run('exiftool', [
      '-json',
      '-struct',
      '-n',
      '-validate',
      '-warning',
      path,
    ]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([{ SourceFile: path, Validate: '0 0 0' }]);
    const read = await run('exiftool', ['-json', '-n', path]);
    expect(JSON.parse(read.stdout)).toMatchObject([
      {
        Title: sidecar.title,
        Description: sidecar.description,
        PersonInImage: ['Ada', 'Grüße'],
        Subject: ['Ada', 'Grüße', 'Alps'],
        HierarchicalSubject: ['People|Ada', 'People|Grüße', 'Albums|Alps'],
        GPSLatitude: 46.5,
        GPSLongitude: -8.25,
        Rating: 5,
        DateTimeOriginal: '2021:07:14 12:00:00Z',
      },
    ]);

    expect((await place.run('prefetch')).code).toBe(0);
    expect((await place.run('status', '--check', 'complete')).code).toBe(0);
    expect(await contentsOf(place.cache)).toEqual(await contentsOf(place.mountPoint));
    // The originals are as the archive has them.
    expect(readFileSync(join(place.cache, 'years/2021/IMG_1.jpg')).equals(photo('IMG_1.jpg', 5000))).toBe(
      true,
    );
    expect((await place.run('verify')).code).toBe(0);

    const shown = await attributesOf(place.mountPoint);
    expect((await place.run('sync')).code).toBe(0);
    expect(await attributesOf(place.mountPoint)).toEqual(shown);
    await endMount(mounted);

    for (const name of ['index.db', 'index.db-wal', 'index.db-shm'])
      rmSync(join(place.home, name), { force: true });
    expect((await place.run('sync', '--rebuild')).code).toBe(0);
    expect((await place.run('status', '--check', 'complete')).code).toBe(0);
    const again = await mount(place);
    expect(await attributesOf(place.mountPoint)).toEqual(shown);

    await place.run('add', 'takeout', ...(await build('newer', '20260301T120000Z', 'Another text')));
    expect((await place.run('sync')).code).toBe(0);
    expect((await place.run('prefetch')).code).toBe(0);
    expect(readFileSync(path, 'utf8')).toContain('Another text');
    expect(readFileSync(join(place.cache, 'years/2021/IMG_1.jpg.xmp'), 'utf8')).toContain('Another text');
    expect((await place.run('verify')).code).toBe(0);
    await endMount(again);
  },
  240_000,
);
