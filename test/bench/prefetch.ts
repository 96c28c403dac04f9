/**
 * Prefetch of 5,000 photos of 300 kB from two local zips, against the same extraction without its guarantees
 * (`extract.ts`) and against two `unzip` side by side; how long its main thread was ever held up; and `verify` of what it made, against openssl in as many processes.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildTakeout, photo, type TakeoutEntry } from '../helpers/takeout-builder.ts';
import { freshFolders } from './fresh-folders.ts';
import { freshHome, gphotosfs, type Home, main } from './gphotosfs.ts';
import { median, type Row, run, takeTurns } from './measure.ts';

export const photoCount = 5000;
const photoBytes = 300_000;
const partCount = 2;
const extract = fileURLToPath(new URL('./extract.ts', import.meta.url));

function* entries(): Iterable<TakeoutEntry> {
  for (let at = 0; at < photoCount; at++)
    yield {
      folder: `Photos from ${2001 + (at % 10)}`,
      name: `IMG_${String(at).padStart(4, '0')}.jpg`,
      bytes: photo(at, photoBytes),
      part: (at % partCount) + 1,
    };
}

export async function largePhotos(folder: string): Promise<string[]> {
  if (!existsSync(join(folder, 'complete'))) {
    await buildTakeout(folder, { parts: partCount, compress: true, entries: entries() });
    mkdirSync(join(folder, 'complete'));
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith('.zip'))
    .map((name) => join(folder, name));
}

/**
 * Loaded before the program: writes the longest time that its event loop stood still, ms, to a file at the end. No ES module:
 * to load one would start Node's threads before the program has said how many (`bin.cts`).
 */
const stallMeter = `
const { isMainThread } = require('node:worker_threads');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { writeFileSync } = require('node:fs');
if (isMainThread) {
  const resolution = 5;
  const delay = monitorEventLoopDelay({ resolution });
  // Loading the program is no stall of a prefetch under way.
  setTimeout(() => delay.enable(), 1000).unref();
  process.on('exit', () => writeFileSync(process.env.BENCH_STALLS, String(delay.max / 1e6 - resolution)));
}`;

export async function benchPrefetch(folder: string, rounds: number): Promise<Row[]> {
  const parts = await largePhotos(join(folder, 'large-photos'));
  const folders = freshFolders(join(folder, 'prefetch'));
  const start = (): Home => {
    const home = freshHome(folders.next());
    gphotosfs(home, 'add', 'takeout', ...parts);
    gphotosfs(home, 'sync');
    // What the run before has left to be written is not this one's to wait for.
    execFileSync('sync');
    return home;
  };
  const stalls: number[] = [];
  const times = await takeTurns(rounds, {
    unzip: async () => {
      const home = start();
      const runs = parts.map((part, at) =>
        run('unzip', ['-q', part, '-d', join(home.folder, `unzipped-${at}`)], { stdio: 'ignore' }),
      );
      const ended = await Promise.all(runs);
      folders.empty();
      return Math.max(...ended.map(({ seconds }) => seconds));
    },
    plain: async () => {
      const home = start();
      const args = ['--import', 'tsx', extract, home.env.GPHOTOSFS_HOME ?? '', join(home.folder, 'plain')];
      const { seconds } = await run(process.execPath, [...args, ...parts]);
      folders.empty();
      return seconds;
    },
    ours: async () => {
      const home = start();
      const file = join(home.folder, 'stalls');
      const meter = join(home.folder, 'stall-meter.cjs');
      writeFileSync(meter, stallMeter);
      const env = { ...home.env, BENCH_STALLS: file };
      const measured = await run(process.execPath, ['--require', meter, main, 'prefetch'], {
        env,
        stdio: 'ignore',
      });
      stalls.push(Number(readFileSync(file, 'utf8')));
      folders.empty();
      return measured.seconds;
    },
  });

  const home = start();
  gphotosfs(home, 'prefetch');
  const years = join(home.folder, 'cache', 'years');
  const files = readdirSync(years).flatMap((year) =>
    readdirSync(join(years, year)).map((name) => join(years, year, name)),
  );
  const workers = availableParallelism();
  const share = Math.ceil(files.length / workers);
  const verifyTimes = await takeTurns(rounds, {
    ours: async () =>
      (await run(process.execPath, [main, 'verify'], { env: home.env, stdio: 'ignore' })).seconds,
    openssl: async () => {
      const shares = Array.from({ length: workers }, (_, at) => files.slice(at * share, (at + 1) * share));
      const runs = shares.map((some) => run('openssl', ['dgst', '-sha256', ...some]));
      return Math.max(...(await Promise.all(runs)).map(({ seconds }) => seconds));
    },
  });
  folders.remove();
  return [
    {
      what: 'prefetch, 5,000 photos of 300 kB (other: the same extraction without fsync and hashes)',
      ours: `${times.ours.toFixed(2)} s`,
      other: `${times.plain.toFixed(2)} s`,
      ratio: (times.plain / times.ours).toFixed(2),
      goal: '≥ 0.8',
    },
    {
      what: `the same (other: ${partCount} × unzip side by side, nothing on disk for sure)`,
      ours: `${times.ours.toFixed(2)} s`,
      other: `${times.unzip.toFixed(2)} s`,
      ratio: (times.ours / times.unzip).toFixed(2),
      goal: '≤ 1.1',
    },
    {
      what: 'the same: longest stall of the main thread',
      ours: `${median(stalls).toFixed(0)} ms`,
      other: '',
      ratio: '',
      goal: '< 20 ms',
    },
    {
      what: `verify of these (other: ${workers} × openssl dgst -sha256)`,
      ours: `${verifyTimes.ours.toFixed(2)} s`,
      other: `${verifyTimes.openssl.toFixed(2)} s`,
      ratio: (verifyTimes.openssl / verifyTimes.ours).toFixed(2),
      goal: '≥ 0.7',
    },
  ];
}
