/**
 * Takeout in Drive with 50 ms a request: a library of 100,000 photos in 40 archives until it can be mounted, and a prefetch
 * of 5,000 photos against curl, which downloads the same archives whole, and against a request for each photo.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildTakeout, photo, type TakeoutEntry } from '../helpers/takeout-builder.ts';
import type { Asked, Started, Totals } from './drive-server.ts';
import { freshFolders } from './fresh-folders.ts';
import { freshHome, gphotosfs, type Home, main } from './gphotosfs.ts';
import { type Row, run, takeTurns } from './measure.ts';

const latencyMs = 50;
/**
 * Mbit/s. 100: an ordinary home; the line sets the pace. 300: a fast home, by cable or fibre; what a photo costs here begins to
 * count. 1000: the fastest that a home or a small server has; the processor sets the pace.
 */
const lines = [100, 300, 1000] as const;
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

function* photos(count: number, parts: number, size: number): Iterable<TakeoutEntry> {
  for (let at = 0; at < count; at++) {
    const year = 2001 + (at % 20);
    const takenAt = Date.UTC(year, at % 12, 1 + (at % 28)) / 1000;
    const name = `IMG_${String(at).padStart(6, '0')}.jpg`;
    yield { folder: `Photos from ${year}`, name, bytes: photo(at, size), takenAt, part: (at % parts) + 1 };
  }
}

async function library(folder: string, count: number, parts: number, size: number): Promise<string[]> {
  if (!existsSync(join(folder, 'complete'))) {
    await buildTakeout(folder, { parts, entries: photos(count, parts, size) });
    mkdirSync(join(folder, 'complete'));
  }
  const names = readdirSync(folder).filter((name) => name.endsWith('.zip'));
  return names.sort().map((name) => join(folder, name));
}

interface Server extends Started {
  ask(asked: Asked): Promise<Totals>;
  stop(): void;
}

async function serve(home: Home, archives: readonly string[]): Promise<Server> {
  const child: ChildProcess = fork(here('./drive-server.ts'), [home.env.GPHOTOSFS_HOME ?? '', ...archives], {
    execArgv: ['--import', 'tsx'],
  });
  const [started] = (await once(child, 'message')) as [Started];
  Object.assign(home.env, started.env);
  return {
    ...started,
    async ask(asked) {
      child.send(asked);
      const [totals] = (await once(child, 'message')) as [Totals];
      return totals;
    },
    stop: () => child.disconnect(),
  };
}

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

export async function benchDrive(folder: string, rounds: number): Promise<Row[]> {
  const rows = await benchListed(folder);
  for (const mbits of lines) rows.push(...(await benchPrefetched(folder, mbits, rounds)));
  return rows;
}

/** The second library has as many photos in archives of ten times the size (2 GB), for memory must not go with that. */
export async function benchListed(folder: string): Promise<Row[]> {
  return [
    ...(await measureListed(folder, 'drive-large', 2000, '')),
    ...(await measureListed(folder, 'drive-larger', 20_000, ', ten times larger')),
  ];
}

async function measureListed(folder: string, name: string, size: number, which: string): Promise<Row[]> {
  const archives = await library(join(folder, name), 100_000, 40, size);
  const home = freshHome(join(folder, 'drive-listed'));
  const server = await serve(home, archives);
  try {
    await server.ask({ ask: 'conditions', latencyMs, bytesPerSecond: 0 });
    gphotosfs(home, 'add', 'drive');
    const measured = await run(process.execPath, [main, 'sync'], { env: home.env, stdio: 'ignore' });
    const totals = await server.ask({ ask: 'totals' });
    return [
      {
        what: `Drive: sync of 100,000 photos in 40 archives${which}, sidecars too`,
        ours: `${measured.seconds.toFixed(1)} s, ${totals.requests} requests, ${mb(totals.bytes)}`,
        other: '',
        ratio: '',
        goal: '',
      },
      {
        what: 'the same, peak memory',
        ours: `${measured.peakMb.toFixed(0)} MB`,
        other: '',
        ratio: '',
        goal: '< 250 MB',
      },
    ];
  } finally {
    server.stop();
  }
}

export async function benchPrefetched(folder: string, mbits: number, rounds: number): Promise<Row[]> {
  const archives = await library(join(folder, 'drive-photos'), 5000, 4, 60_000);
  const folders = freshFolders(join(folder, 'drive-made'));
  const home = freshHome(join(folder, 'drive-prefetched'));
  const server = await serve(home, archives);
  const bytes = { ours: 0, curl: 0 };
  let peakMb = 0;
  const counted = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const before = await server.ask({ ask: 'totals' });
    const done = await work();
    return [done, (await server.ask({ ask: 'totals' })).bytes - before.bytes];
  };
  const scratch = (): string => {
    const path = folders.next();
    mkdirSync(path, { recursive: true });
    spawnSync('sync');
    return path;
  };
  const emptied = <T>(measured: T): T => {
    folders.empty();
    return measured;
  };
  try {
    await server.ask({ ask: 'conditions', latencyMs, bytesPerSecond: mbits * 125_000 });
    const times = await takeTurns(rounds, {
      ours: async () => {
        for (const name of ['index.db', 'index.db-wal', 'index.db-shm', 'leases.db', 'config.json'])
          rmSync(join(home.env.GPHOTOSFS_HOME ?? '', name), { force: true });
        home.env.GPHOTOSFS_CACHE = scratch();
        gphotosfs(home, 'add', 'drive');
        gphotosfs(home, 'sync');
        const [measured, sent] = await counted(() =>
          run(process.execPath, [main, 'prefetch'], { env: home.env, stdio: 'ignore' }),
        );
        bytes.ours = sent;
        peakMb = Math.max(peakMb, measured.peakMb);
        return emptied(measured.seconds);
      },
      curl: async () => {
        const into = scratch();
        const outputs = server.urls.flatMap((url, at) => ['-o', join(into, `${at}.zip`), url]);
        const args = [
          '-s',
          '-f',
          '--parallel',
          '--parallel-max',
          '4',
          '-H',
          `Authorization: Bearer ${server.token}`,
        ];
        const [measured, sent] = await counted(() => run('curl', [...args, ...outputs]));
        bytes.curl = sent;
        return emptied(measured.seconds);
      },
      oneByOne: async () => {
        const pairs = server.urls.flatMap((url, at) => [url, archives[at] ?? '']);
        const args = ['--import', 'tsx', here('./one-by-one.ts'), scratch(), server.token, ...pairs];
        return emptied((await run(process.execPath, args)).seconds);
      },
    });
    folders.remove();
    return [
      {
        what: `Drive, a line of ${mbits} Mbit/s: prefetch of 5,000 photos in 4 archives (other: 4 × curl of them whole)`,
        ours: `${times.ours.toFixed(1)} s`,
        other: `${times.curl.toFixed(1)} s`,
        ratio: (times.ours / times.curl).toFixed(2),
        goal: '≤ 1.25',
      },
      {
        what: 'the same, bytes',
        ours: mb(bytes.ours),
        other: mb(bytes.curl),
        ratio: (bytes.ours / bytes.curl).toFixed(2),
        goal: '≤ 1.15',
      },
      {
        what: 'the same (other: a request a photo, 8 side by side)',
        ours: `${times.ours.toFixed(1)} s`,
        other: `${times.oneByOne.toFixed(1)} s`,
        ratio: `${(times.oneByOne / times.ours).toFixed(2)} × faster`,
        goal: '≥ 3 × faster',
      },
      {
        what: 'the same, peak memory',
        ours: `${peakMb.toFixed(0)} MB`,
        other: '',
        ratio: '',
        goal: '< 250 MB',
      },
    ];
  } finally {
    server.stop();
  }
}
