/**
 * `npm run test:soak`: ten minutes of random reads, listings, syncs and prefetches on a mount, while exports arrive, the
 * archives go and come back, and cached files are deleted; held against a model of what every byte must be.
 * GPHOTOSFS_SOAK_SECONDS says how long. The same command runs 200 kills and five minutes of several processes
 * (`promises/kills.test.ts`, `promises/processes.test.ts`).
 */
import { existsSync, readdirSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mountAt } from '../../src/mount/mount-table.ts';
import { createPlace, type Place } from '../cli/run-program.ts';
import { photo } from '../helpers/takeout-builder.ts';
import { buildLibrary, listFiles, partialsOf, wrongInCache } from '../promises/library.ts';
import { endMount, mount } from '../promises/mounting.ts';

const seconds = Number(process.env.GPHOTOSFS_SOAK_SECONDS ?? 600);
const photoBytes = 150_000;
const photosAtFirst = 300;
const photosAnExport = 12;
/** A reader that waits longer than this has been forgotten, ms. */
const longestStallMs = 60_000;
/** A mount hears of a sync a moment after it, on a machine that is busy too, ms. */
const hearsWithinMs = 10_000;
/** How often the archives go, and for how long, ms. */
const cutEveryMs = 25_000;
const cutMs = 1500;
/** A place that failed is passed over for 10 s (`fetch/locate.ts`), so reads soon after a cut may still meet it, ms. */
const cutMarginMs = 12_000;

let place: Place;
beforeAll(() => {
  place = createPlace();
});
afterAll(() => place.clean());

/** What must be in the tree: SHA-256 and number of each photo, by path, and since when the index has it. */
const files = new Map<string, { readonly hash: string; readonly number: number; readonly since: number }>();
/** What stat said first: it never changes. */
const attributes = new Map<string, string>();

/** As `buildLibrary` makes them. */
const bytesOf = (number: number): Buffer => photo(`photo ${number}`, photoBytes + (number % 97));

async function addExport(folder: string, first: number, photos: number): Promise<Map<string, string>> {
  const exportTime = `2026${String(101 + (first % 800)).padStart(4, '0')}T${String(first % 24).padStart(2, '0')}0000Z`;
  const albums = [{ folder: 'Summer in Italy', every: 5 }];
  const built = await buildLibrary(join(place.folder, 'downloads'), {
    photos,
    size: photoBytes,
    parts: 1,
    exportTime,
    first,
    albums,
  });
  for (const archive of built.archives) renameSync(archive, join(folder, basename(archive)));
  return new Map(built.files);
}

const numberOf = (path: string): number => Number(/IMG_(\d+)/.exec(path)?.[1]);
function know(listed: ReadonlyMap<string, string>, since: number): void {
  for (const [path, hash] of listed) files.set(path, { hash, number: numberOf(path), since });
}

const pick = <T>(things: readonly T[]): T => things[Math.floor(Math.random() * things.length)] as T;
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

it(`${seconds} seconds cost no byte, no reader and no memory`, {
  timeout: (seconds + 600) * 1000,
}, async () => {
  const archives = join(place.folder, 'takeout');
  const away = join(place.folder, 'away');
  const first = await buildLibrary(archives, {
    photos: photosAtFirst,
    size: photoBytes,
    albums: [{ folder: 'Summer in Italy', every: 5 }],
    exportTime: '20251201T000000Z',
  });
  await place.run('add', 'takeout', archives);
  expect((await place.run('sync')).code).toBe(0);
  know(first.files, Number.NEGATIVE_INFINITY);
  const mounted = await mount(place);
  const pid = mounted.child.pid ?? 0;

  const until = performance.now() + seconds * 1000;
  const goesOn = () => performance.now() < until;
  const wrong: string[] = [];
  const did = {
    reads: 0,
    failedInCuts: 0,
    listings: 0,
    stats: 0,
    syncs: 0,
    exports: 0,
    prefetches: 0,
    cuts: 0,
    deleted: 0,
  };
  let longest = 0;
  /** What has been begun and has not ended, with the time of its beginning. */
  const underWay = new Map<object, string>();
  async function noting<T>(what: string, work: () => Promise<T>): Promise<T> {
    const key = {};
    underWay.set(key, `${what}, since ${new Date().toISOString()}`);
    try {
      return await work();
    } finally {
      underWay.delete(key);
    }
  }
  const run = (...args: string[]) => noting(args.join(' '), () => place.run(...args));

  /** When the archives were away last; -Infinity while they never were. */
  let cutBegan = Number.NEGATIVE_INFINITY;
  let cutEnded = Number.NEGATIVE_INFINITY;
  const metCut = (since: number): boolean =>
    cutBegan > cutEnded || cutEnded > since - cutMarginMs || cutBegan > since;

  /** Does one thing; notes how long it took, and what went wrong though the archives were there. */
  async function attempt(what: string, work: () => Promise<string | undefined>): Promise<boolean> {
    const since = performance.now();
    try {
      const complaint = await noting(what, work);
      if (complaint !== undefined) wrong.push(`${what}: ${complaint}`);
      return true;
    } catch (error) {
      if (!metCut(since)) wrong.push(`${what}: ${error}`);
      return false;
    } finally {
      longest = Math.max(longest, performance.now() - since);
    }
  }

  async function readSomething(): Promise<void> {
    // The newest more often: they are not cached yet.
    const paths = [...files.keys()];
    const path = Math.random() < 0.3 ? pick(paths.slice(-2 * photosAnExport)) : pick(paths);
    const expected = bytesOf(files.get(path)?.number ?? 0);
    const offset = Math.random() < 0.5 ? 0 : Math.floor(Math.random() * expected.length);
    const length = Math.random() < 0.5 ? expected.length : 1 + Math.floor(Math.random() * 70_000);
    const done = await attempt(path, async () => {
      const file = await open(join(place.mountPoint, path));
      try {
        const wanted = expected.subarray(offset, offset + length);
        const buffer = Buffer.alloc(wanted.length);
        let got = 0;
        while (got < wanted.length) {
          const { bytesRead } = await file.read(buffer, got, wanted.length - got, offset + got);
          if (bytesRead === 0) return `it ended at ${offset + got}`;
          got += bytesRead;
        }
        return buffer.equals(wanted) ? undefined : `wrong bytes at ${offset}`;
      } finally {
        await file.close();
      }
    });
    did.reads += 1;
    if (!done) did.failedInCuts += 1;
  }

  async function lookAround(): Promise<void> {
    const folder = pick(['years/2020', 'years/2021', 'years/2022', 'years/2023']);
    const settled = performance.now() - hearsWithinMs;
    const known = [...files].flatMap(([path, { since }]) =>
      since < settled && path.startsWith(`${folder}/`) ? [path] : [],
    );
    await attempt(folder, async () => {
      const names = new Set(await readdir(join(place.mountPoint, folder)));
      const missing = known.filter((path) => !names.has(basename(path)));
      return missing.length === 0 ? undefined : `${missing.length} are not listed, such as ${missing[0]}`;
    });
    did.listings += 1;
    for (const path of [pick(known), pick(known)]) {
      await attempt(path, async () => {
        const { ino, size, mtimeMs, ctimeMs, nlink, mode } = await stat(join(place.mountPoint, path));
        const seen = [ino, size, mtimeMs, ctimeMs, nlink, mode].join(' ');
        const before = attributes.get(path) ?? seen;
        attributes.set(path, before);
        return seen === before ? undefined : `its attributes were ${before} and are ${seen}`;
      });
      did.stats += 1;
    }
  }

  async function syncNow(): Promise<void> {
    const since = performance.now();
    const { code, stderr } = await run('sync');
    if (code !== 0 && !metCut(since)) wrong.push(`sync ended with ${code}: ${stderr}`);
    did.syncs += 1;
  }
  async function exportsArrive(): Promise<void> {
    for (let next = photosAtFirst; goesOn(); next += photosAnExport) {
      await sleep(6000);
      while (!existsSync(archives)) await sleep(50);
      const more = await addExport(archives, next, photosAnExport).catch(() => undefined);
      // Cut meanwhile: it waits among the downloads, and this one is never seen.
      if (more === undefined) continue;
      did.exports += 1;
      await syncNow();
      const listed = new Set(listFiles(place.home).map(({ path }) => path));
      // A sync that met a cut lists it next time.
      know(new Map([...more].filter(([path]) => listed.has(path))), performance.now());
    }
  }
  async function archivesGo(): Promise<void> {
    while (goesOn()) {
      await sleep(Math.min(cutEveryMs, (seconds * 1000) / 4));
      cutBegan = performance.now();
      renameSync(archives, away);
      did.cuts += 1;
      await sleep(cutMs);
      renameSync(away, archives);
      cutEnded = performance.now();
    }
  }
  async function filesAreDeleted(): Promise<void> {
    for (; goesOn(); await sleep(150)) {
      const path = join(place.cache, pick([...files.keys()]));
      if (!existsSync(path)) continue;
      unlinkSync(path);
      did.deleted += 1;
    }
  }
  async function prefetchNow(): Promise<void> {
    for (; goesOn(); await sleep(8000)) {
      const since = performance.now();
      const { code, stderr } = await run(
        'prefetch',
        '--year',
        pick(['2020', '2021', '2022', '2023']),
        '--jobs',
        '2',
      );
      // 3: a file was deleted, or listed, meanwhile.
      if (code !== 0 && code !== 3 && !metCut(since)) wrong.push(`prefetch ended with ${code}: ${stderr}`);
      did.prefetches += 1;
    }
  }
  const samples: { readonly kB: number; readonly descriptors: number }[] = [];
  async function watch(): Promise<void> {
    for (; goesOn(); await sleep(1000)) {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      samples.push({
        kB: Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]),
        descriptors: readdirSync(`/proc/${pid}/fd`).length,
      });
    }
  }
  const repeat = async (work: () => Promise<void>) => {
    while (goesOn()) await work();
  };
  const hanging = async () => {
    await sleep(seconds * 1000 + 2 * longestStallMs, undefined, { ref: false });
    throw new Error(`it does not end: ${[...underWay.values()].join('; ')}`);
  };
  const all = Promise.all([
    ...[0, 1, 2, 3].map(() => repeat(readSomething)),
    repeat(lookAround),
    exportsArrive(),
    archivesGo(),
    filesAreDeleted(),
    prefetchNow(),
    watch(),
  ]);
  await Promise.race([all, hanging()]);

  const ending = performance.now();
  await endMount(mounted);
  const endedMs = performance.now() - ending;
  expect(mountAt(place.mountPoint)).toBeUndefined();

  // After the first quarter everything that is ever loaded is; then nothing grows.
  const quarter = samples.length >> 2;
  const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)];
  // What is left after collections, for between them memory goes up and down by a fifth: a leak raises the lowest, too.
  const lowest = (of: typeof samples) => Math.min(...of.map(({ kB }) => kB));
  const memory = { early: lowest(early), late: lowest(late) };
  const descriptors = {
    early: Math.max(...early.map((one) => one.descriptors)),
    late: Math.max(...late.map((one) => one.descriptors)),
  };
  /** By tenths of the time, for whoever wants to see whether it still grows or has settled. */
  const tenths = Array.from({ length: 10 }, (_, at) =>
    median(samples.slice((at * samples.length) / 10, ((at + 1) * samples.length) / 10).map(({ kB }) => kB)),
  );
  console.info(
    JSON.stringify({
      ...did,
      longestMs: Math.round(longest),
      endedMs: Math.round(endedMs),
      memory: { ...memory, tenths },
      descriptors,
    }),
  );
  expect(wrong).toEqual([]);
  // It was a soak, or it shows nothing.
  for (const [what, count] of Object.entries(did)) expect(count, what).toBeGreaterThan(0);
  expect(did.reads).toBeGreaterThan(seconds);
  expect(longest).toBeLessThan(longestStallMs);
  expect(endedMs).toBeLessThan(5000);
  expect(memory.late).toBeLessThan(memory.early * 1.1);
  expect(descriptors.late).toBeLessThanOrEqual(descriptors.early + 8);

  await syncNow();
  expect(await place.run('prefetch')).toMatchObject({ code: 0 });
  const hashes = new Map([...files].map(([path, { hash }]) => [path, hash]));
  const { checked, wrong: bad } = await wrongInCache(place, { files: hashes }, (path) => files.has(path));
  expect(bad).toEqual([]);
  expect(checked).toBe(files.size);
  expect(partialsOf(place.cache)).toEqual([]);
});
