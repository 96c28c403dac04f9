/**
 * Prefetch of 5,000 photos of 300 kB from two local zips, against the same extraction without its guarantees
 * (`extract.ts`); and `verify` of what it made, against openssl in as many processes.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildTakeout, photo, type TakeoutEntry } from '../helpers/takeout-builder.ts';
import { freshHome, gphotosfs, type Home, main } from './gphotosfs.ts';
import { type Row, run, takeTurns } from './measure.ts';

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

export async function benchPrefetch(folder: string, rounds: number): Promise<Row[]> {
  const parts = await largePhotos(join(folder, 'large-photos'));
  const start = (): Home => {
    const home = freshHome(join(folder, 'prefetch'));
    gphotosfs(home, 'add', 'takeout', ...parts);
    gphotosfs(home, 'sync');
    // What the run before has left to be written is not this one's to wait for.
    execFileSync('sync');
    return home;
  };
  const times = await takeTurns(rounds, {
    plain: async () => {
      const home = start();
      const args = ['--import', 'tsx', extract, home.env.GPHOTOSFS_HOME ?? '', join(home.folder, 'plain')];
      return (await run(process.execPath, [...args, ...parts])).seconds;
    },
    ours: async () => {
      const home = start();
      return (await run(process.execPath, [main, 'prefetch'], { env: home.env, stdio: 'ignore' })).seconds;
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
  rmSync(home.folder, { recursive: true, force: true });
  return [
    {
      what: 'prefetch, 5,000 photos of 300 kB (other: the same extraction without fsync and hashes)',
      ours: `${times.ours.toFixed(2)} s`,
      other: `${times.plain.toFixed(2)} s`,
      ratio: (times.plain / times.ours).toFixed(2),
      goal: '≥ 0.8',
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
