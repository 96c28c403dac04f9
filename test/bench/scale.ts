/**
 * What grows with the library, at 10,000, 100,000 and (`BENCH_MILLION=1`, as its data takes minutes to make) 1,000,000
 * photos: both syncs, the mount's start and memory, its largest directory (a twentieth of all), the index.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildTakeout, photo, type TakeoutEntry } from '../helpers/takeout-builder.ts';
import { freshHome, gphotosfs, main, mount, nodeStart } from './gphotosfs.ts';
import { ms, type Row, run } from './measure.ts';

const years = 20;
const photosPerPart = 5000;
/** What a photo weighs doesn't matter: none is read. */
const photoBytes = 64;

function* entries(count: number, parts: number): Iterable<TakeoutEntry> {
  for (let at = 0; at < count; at++) {
    const year = 2001 + (at % years);
    yield {
      folder: `Photos from ${year}`,
      name: `IMG_${String(at).padStart(7, '0')}.jpg`,
      bytes: photo(at, photoBytes),
      takenAt: Date.UTC(year, at % 12, 1 + (at % 28)) / 1000,
      part: (at % parts) + 1,
    };
  }
}

async function takeoutOf(folder: string, count: number): Promise<string> {
  if (!existsSync(join(folder, 'complete'))) {
    const parts = Math.ceil(count / photosPerPart);
    await buildTakeout(folder, { parts, entries: entries(count, parts) });
    mkdirSync(join(folder, 'complete'));
  }
  return folder;
}

export async function benchScale(folder: string): Promise<Row[]> {
  const counts = process.env.BENCH_MILLION === '1' ? [10_000, 100_000, 1_000_000] : [10_000, 100_000];
  const rows: Row[] = [];
  for (const count of counts) rows.push(...(await measure(folder, count)));
  return rows;
}

async function measure(folder: string, count: number): Promise<Row[]> {
  const takeout = await takeoutOf(join(folder, `takeout-${count}`), count);
  const home = freshHome(join(folder, 'scale'));
  const parts = readdirSync(takeout).filter((name) => name.endsWith('.zip'));
  gphotosfs(home, 'add', 'takeout', ...parts.map((name) => join(takeout, name)));
  const sync = () => run(process.execPath, [main, 'sync'], { env: home.env, stdio: 'ignore' });
  const first = await sync();
  const second = await sync();
  const index = statSync(join(home.env.GPHOTOSFS_HOME ?? '', 'index.db')).size;
  const mounted = await mount(home, 'kernel');
  const largest = await run('ls', [join(mounted.path, 'years', '2001')]);
  const all = await run('find', [mounted.path, '-printf', '%s %T@\n'], { stdio: 'ignore' });
  const memory = mounted.memory();
  await mounted.unmount();
  rmSync(home.folder, { recursive: true, force: true });

  const row = (what: string, ours: string, goal = ''): Row => ({
    what: `${count.toLocaleString('en')} photos: ${what}`,
    ours,
    other: '',
    ratio: '',
    goal,
  });
  return [
    row('first sync', `${first.seconds.toFixed(1)} s, ${first.peakMb.toFixed(0)} MB`),
    row(
      'second sync, nothing new',
      `${second.seconds.toFixed(1)} s`,
      count < 100_000 ? '' : `≤ ${count / 50_000} s`,
    ),
    row('index, bytes per photo', (index / count).toFixed(0)),
    row('mount ready, beyond Node’s own start', ms(mounted.firstLs - nodeStart()), '≤ 1 s'),
    row(`ls of a directory of ${(count / years).toLocaleString('en')}`, ms(largest.seconds), '≤ 0.5 s'),
    row('first find over all', `${all.seconds.toFixed(2)} s`),
    row(
      'mount, peak memory (of it its own, without mapped files)',
      `${memory.peakMb.toFixed(0)} MB (${memory.ownMb.toFixed(0)} MB)`,
      '≤ 250 MB',
    ),
  ];
}
