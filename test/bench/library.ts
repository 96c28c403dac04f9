/** Generated libraries for the benches: a Takeout of 100,000 tiny photos in 20 parts, and one large video. */
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { buildTakeout, photo, type TakeoutEntry } from '../helpers/takeout-builder.ts';

export const photoCount = 100_000;
const partCount = 20;
const years = 20;

function* entries(): Iterable<TakeoutEntry> {
  for (let at = 0; at < photoCount; at++) {
    const year = 2001 + (at % years);
    const name = `IMG_${String(at).padStart(6, '0')}.jpg`;
    // Photos of about 2 kB: what they weigh doesn't matter, no photo is read.
    yield {
      folder: `Photos from ${year}`,
      name,
      bytes: photo(at, 2000 + (at % 500)),
      takenAt: Date.UTC(year, at % 12, 1 + (at % 28)) / 1000,
      part: (at % partCount) + 1,
      sidecarPart: ((at + (at % 50 === 0 ? 1 : 0)) % partCount) + 1,
    };
  }
}

/** Builds the 100,000-photo Takeout, or finds the one of an earlier run; gives its parts. */
export async function generatedTakeout(folder: string): Promise<string[]> {
  if (!existsSync(join(folder, 'complete'))) {
    await buildTakeout(folder, { parts: partCount, compress: true, entries: entries() });
    mkdirSync(join(folder, 'complete'));
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith('.zip'))
    .sort()
    .map((name) => join(folder, name));
}

/** The same tree as a native directory of sparse files, with sizes and times. */
export function nativeTree(folder: string): void {
  if (existsSync(folder)) return;
  for (let year = 0; year < years; year++)
    mkdirSync(join(folder, 'years', String(2001 + year)), { recursive: true });
  mkdirSync(join(folder, 'albums'));
  for (let at = 0; at < photoCount; at++) {
    const year = 2001 + (at % years);
    const path = join(folder, 'years', String(year), `IMG_${String(at).padStart(6, '0')}.jpg`);
    const fd = openSync(path, 'w');
    ftruncateSync(fd, 2000 + (at % 500));
    closeSync(fd);
    const taken = new Date(Date.UTC(year, at % 12, 1 + (at % 28)));
    utimesSync(path, taken, taken);
  }
}

/** A Takeout of so many photos in one folder, stored; gives its parts. */
export async function oneFolderTakeout(folder: string, count: number, bytes: number): Promise<string[]> {
  if (existsSync(folder)) return readdirSync(folder).map((name) => join(folder, name));
  const entries = Array.from({ length: count }, (_, at) => ({
    folder: 'Photos from 2021',
    name: `IMG_${String(at).padStart(6, '0')}.jpg`,
    bytes: photo(at, bytes),
  }));
  return buildTakeout(folder, { parts: 2, entries });
}

/** A Takeout with one video of 1 GiB, stored. */
export async function videoTakeout(folder: string): Promise<string[]> {
  if (existsSync(folder)) return readdirSync(folder).map((name) => join(folder, name));
  const bytes = { zeros: 1 << 30 };
  return buildTakeout(folder, { entries: [{ folder: 'Photos from 2021', name: 'video.mp4', bytes }] });
}
