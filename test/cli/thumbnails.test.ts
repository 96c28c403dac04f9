/** Thumbnails by the program: which mount is meant, and what follows a sync, also one beside a mount. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canMount } from '../helpers/mount-client.ts';
import { cameraPhoto } from '../helpers/photographs.ts';
import { buildTakeout } from '../helpers/takeout-builder.ts';
import { createPlace, type Place, until } from './run-program.ts';

let place: Place;
const normal = () => join(place.folder, '.cache', 'thumbnails', 'normal');
const entry = (number: number) => ({
  folder: 'Photos from 2021',
  name: `${number}.jpg`,
  bytes: cameraPhoto(number),
});

beforeEach(async () => {
  place = createPlace();
  await buildTakeout(join(place.folder, 'takeout'), { entries: [entry(1), entry(2)] });
  await place.run('add', 'takeout', join(place.folder, 'takeout'));
});
afterEach(() => place.clean());

describe('thumbnails', () => {
  it('need to know which mount is meant, by word or by configuration', async () => {
    expect((await place.run('sync')).code).toBe(0);
    const asked = await place.run('thumbnails');
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain('gphotosfs thumbnails ~/Photos');
    expect(existsSync(normal())).toBe(false);
    const config = join(place.home, 'config.json');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, JSON.stringify({ ...JSON.parse(text), thumbnails: place.mountPoint }));
    expect(await place.run('thumbnails')).toMatchObject({ code: 0 });
    expect(readdirSync(normal())).toHaveLength(2);
  });

  it('that fail are told by a sync, and change nothing of its exit code', async () => {
    mkdirSync(join(place.folder, '.cache'));
    writeFileSync(join(place.folder, '.cache', 'thumbnails'), 'no folder');
    const synced = await place.run('sync', '--thumbnails', place.mountPoint);
    expect(synced.stderr).toContain('thumbnails: ');
    expect(synced.code).toBe(0);
    expect((await place.run('thumbnails', place.mountPoint)).code).not.toBe(0);
  });

  it.runIf(canMount())(
    'follow each sync beside a mount',
    async () => {
      const mounted = place.start(
        ...['mount', place.mountPoint, '--sync-every', '1s', '--thumbnails', place.mountPoint],
      );
      await until(() => existsSync(normal()) && readdirSync(normal()).length === 2, 60_000);
      await buildTakeout(join(place.folder, 'takeout'), {
        exportTime: '20260501T120000Z',
        entries: [entry(1), entry(2), entry(3)],
      });
      await until(() => readdirSync(normal()).length === 3, 60_000);
      mounted.child.kill('SIGTERM');
      expect((await mounted.ended).code).toBe(0);
    },
    150_000,
  );
});
