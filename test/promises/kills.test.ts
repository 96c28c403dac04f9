/**
 * kill -9 at any moment of a sync, a prefetch and a mount with readers: nothing that was cached is lost, short or
 * wrong, and the next run needs no help. GPHOTOSFS_KILLS says how many kills: 60 by default, 200 in `npm run test:soak`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlace, type Place, type Running, until } from '../cli/run-program.ts';
import { canMount } from '../helpers/mount-client.ts';
import { attributesOf, buildLibrary, type Library, listFiles, partialsOf, wrongInCache } from './library.ts';
import { endMount, mount } from './mounting.ts';

const kills = Number(process.env.GPHOTOSFS_KILLS ?? 60);
const videoBytes = 25_000_000;

let archives: Place;
let library: Library;
/** How long the program takes to do next to nothing, here and now: the measure for moments that mean something. */
let startMs: number;
beforeAll(async () => {
  archives = createPlace();
  const since = performance.now();
  await archives.run('sources');
  startMs = performance.now() - since;
  library = await buildLibrary(join(archives.folder, 'takeout'), {
    photos: 240,
    size: 200_000,
    albums: [{ folder: 'Summer in Italy', every: 6 }],
    videos: [{ name: 'VID_1.mp4', size: videoBytes }],
  });
});
afterAll(() => archives.clean());

/** What the kills of a home met, for the proof that they came when something was going on. */
interface Met {
  kills: number;
  /** The process had not ended by itself. */
  running: number;
  /** A partial file was left, longer than nothing and shorter than its photo. */
  midWrite: number;
  /** Runs that were killed with some, not all, files cached, of those that had more afterwards than before. */
  midPrefetch: number;
  readsThatWereRight: number;
  readsThatFailed: number;
  checked: number;
}

const random = randomNumbers(20_260_101);

/** The same numbers each time: a failure is met again, as far as the machine's speed lets it. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function kill(running: Running, met: Met): Promise<void> {
  met.kills += 1;
  if (running.child.exitCode === null) met.running += 1;
  running.child.kill('SIGKILL');
  await running.ended;
}

const cachedCount = (place: Place): number =>
  existsSync(join(place.home, 'index.db')) ? listFiles(place.home).filter(({ cached }) => cached).length : 0;

/** The sizes of the partial files that are longer than nothing and shorter than they are to be: the name says that. */
function unfinishedSizes(place: Place): number[] {
  return partialsOf(place.cache).flatMap((name) => {
    const { size = 0 } =
      statSync(join(place.cache, '.gphotosfs/partial', name), { throwIfNoEntry: false }) ?? {};
    return size > 0 && size < Number(name.split('-')[1]) ? [size] : [];
  });
}

/** Which of these files the index has as cached no more, or the cache has not, or not as long as they are. */
function lostOf(place: Place, known: ReadonlySet<string>): string[] {
  const files = new Map(listFiles(place.home).map((file) => [file.path, file]));
  return [...known].filter((path) => {
    const file = files.get(path);
    const size = statSync(join(place.cache, path), { throwIfNoEntry: false })?.size;
    return file?.cached !== library.files.get(path) || size !== file?.size;
  });
}

async function killSync(place: Place, met: Met): Promise<void> {
  const running = place.start('sync', '--rescan');
  await sleep(random() * 5 * startMs);
  await kill(running, met);
}

async function killPrefetch(place: Place, met: Met): Promise<void> {
  const before = cachedCount(place);
  const running = place.start('prefetch');
  await sleep((1 + random() * 4) * startMs);
  await kill(running, met);
  if (unfinishedSizes(place).length > 0) met.midWrite += 1;
  const after = cachedCount(place);
  if (after > before && after < library.files.size) met.midPrefetch += 1;
}

/** Kills a prefetch while it is seen to write the video. */
async function killInTheMiddleOfAWrite(place: Place, met: Met): Promise<void> {
  const running = place.start('prefetch', '--year', '2024');
  const sizes = (): number => Math.max(0, ...unfinishedSizes(place));
  while (sizes() === 0 && running.child.exitCode === null) await sleep(1);
  const early = sizes();
  while (sizes() === early && running.child.exitCode === null) await sleep(1);
  const late = sizes();
  await kill(running, met);
  expect(late, 'the partial file grew').toBeGreaterThan(early);
  expect(unfinishedSizes(place), 'what the kill left').toHaveLength(1);
  met.midWrite += 1;
}

/** Reads photos through the mount, and kills it meanwhile. Also the proof that the mount point needs no help. */
async function killMount(place: Place, met: Met): Promise<void> {
  const running = await mount(place);
  const paths = [...library.files.keys()];
  const readers = Array.from({ length: 3 }, () => {
    const chosen = Array.from({ length: 40 }, () => paths[Math.floor(random() * paths.length)] ?? '');
    return startReader(place.mountPoint, chosen);
  });
  await sleep(random() * 3 * startMs);
  await kill(running, met);
  for (const reader of readers) {
    const { right, failed } = await reader;
    met.readsThatWereRight += right;
    met.readsThatFailed += failed;
  }
}

/** sha256sum on files of a mount that may go at any moment. What it has read to the end is right. */
async function startReader(
  root: string,
  paths: readonly string[],
): Promise<{ right: number; failed: number }> {
  const child: ChildProcess = spawn('sha256sum', ['--', ...paths], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  await once(child, 'close');
  const lines = stdout.split('\n').filter((line) => line !== '');
  for (const line of lines) {
    const [hash, path = ''] = line.split('  ');
    expect(hash, `${path}, read through a mount`).toBe(library.files.get(path));
  }
  return { right: lines.length, failed: paths.length - lines.length };
}

/** One home, from its first sync to a full cache, killed all the way. */
async function live(met: Met, limit: number): Promise<void> {
  const place = createPlace();
  try {
    await place.run('add', 'takeout', ...library.archives);
    for (let count = 0; count < 3; count++) await killSync(place, met);
    expect((await place.run('sync')).code).toBe(0);
    const names = new Map(listFiles(place.home).map(({ ino, path }) => [path, ino]));
    expect(new Set(names.keys())).toEqual(new Set(library.files.keys()));

    await killInTheMiddleOfAWrite(place, met);
    const [left] = partialsOf(place.cache);
    const known = new Set<string>();
    while (met.kills < limit && cachedCount(place) < library.files.size) {
      const choice = random();
      if (choice < 0.5) await killPrefetch(place, met);
      else if (choice < 0.8) await killMount(place, met);
      else await killSync(place, met);
      // What is new since the last kill, and some of the rest.
      const sample = await wrongInCache(place, library, (path) => {
        const isNew = !known.has(path);
        known.add(path);
        return isNew || random() < 0.1;
      });
      expect(sample.wrong).toEqual([]);
      expect(lostOf(place, known), 'what was cached before').toEqual([]);
      met.checked += sample.checked;
    }

    const mounted = await mount(place);
    const before = await attributesOf(place.mountPoint);
    // The mount sweeps when it is up.
    await until(() => !partialsOf(place.cache).some((name) => name === left));
    expect(await place.run('prefetch')).toMatchObject({ code: 0 });
    expect(partialsOf(place.cache)).toEqual([]);
    expect(await attributesOf(place.mountPoint)).toEqual(before);
    await endMount(mounted);
    expect(new Map(listFiles(place.home).map(({ ino, path }) => [path, ino]))).toEqual(names);
    expect(await wrongInCache(place, library)).toEqual({ checked: library.files.size, wrong: [] });
  } finally {
    await place.clean();
  }
}

describe.runIf(canMount())(`${kills} kills`, () => {
  it('cost nothing that was cached, and no help is needed afterwards', {
    // A kill takes one or two seconds when nothing else runs.
    timeout: 300_000 + kills * 10_000,
  }, async () => {
    const met: Met = {
      kills: 0,
      running: 0,
      midWrite: 0,
      midPrefetch: 0,
      readsThatWereRight: 0,
      readsThatFailed: 0,
      checked: 0,
    };
    while (met.kills < kills) await live(met, kills);
    console.info(JSON.stringify(met));
    expect(met.running).toBeGreaterThan(kills / 2);
    expect(met.midWrite).toBeGreaterThan(0);
    expect(met.midPrefetch).toBeGreaterThan(0);
    expect(met.readsThatWereRight).toBeGreaterThan(0);
    expect(met.readsThatFailed).toBeGreaterThan(0);
    expect(met.checked).toBeGreaterThan(0);
  });
});
