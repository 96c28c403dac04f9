/** `--limit-rate`: what the owner leaves to the program of the line, whatever source takes it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addDrive, type FakeDrive } from '../helpers/google/drive.ts';
import { jpeg } from '../helpers/google/media.ts';
import { fakePhoto } from '../helpers/google/photos-home.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { useAccountPlace } from './account-place.ts';

const home = useAccountPlace();
let drive: FakeDrive;
beforeEach(async () => {
  drive = addDrive(home.fake);
});
afterEach(async () => {
  drive.close();
});

/** As long as a run at this rate takes at least, ms: it may be ahead by 0.1 s at its start, and by its last pieces. */
const leastMs = (bytes: number, rate: number) => (1000 * bytes) / rate - 500;

async function timed(...args: string[]): Promise<number> {
  const began = performance.now();
  const { code, stderr } = await home.place.run(...args);
  expect(code, stderr).toBe(0);
  return performance.now() - began;
}

it('is shared by all sources of a process', async () => {
  const folder = join(home.place.folder, 'export');
  mkdirSync(folder);
  const entries = Array.from({ length: 30 }, (_, at) => ({
    folder: 'Photos from 2020',
    name: `d${at}.jpg`,
    bytes: photo(at, 50_000),
  }));
  for (const path of await buildTakeout(folder, { entries })) drive.add(path);
  // More than the main thread does by itself where there is no limit.
  home.photos.items = Array.from({ length: 150 }, (_, at) => fakePhoto(at, { bytes: jpeg(at, 30_000) }));
  await timed('add', 'drive');
  await timed('add', 'library');
  await timed('sync');
  const took = await timed('prefetch', '--limit-rate', '1M');
  expect(took).toBeGreaterThan(leastMs(30 * 50_000 + 150 * 30_000, 1 << 20));
});

it('holds for what is picked', async () => {
  home.photos.willPick = Array.from({ length: 70 }, (_, at) => fakePhoto(at, { bytes: jpeg(at, 100_000) }));
  expect(await timed('pick', '--limit-rate', '1M')).toBeGreaterThan(leastMs(70 * 100_000, 1 << 20));
});
