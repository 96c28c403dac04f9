/**
 * Listings of 100,000 files on fresh mounts, against a native directory, fuse-native and rclone; of one large directory;
 * an rsync that finds nothing to do; start-up and memory of the mount.
 */
import { join } from 'node:path';
import { type Mount, nodeStart, onFreshMount, syncedHome } from './gphotosfs.ts';
import { generatedTakeout, nativeTree, oneFolderTakeout } from './library.ts';
import { median, ms, type Row, run, sec, takeTurns } from './measure.ts';
import { onRclone } from './rclone.ts';

const find = async (path: string) => (await run('find', [path, '-printf', '%s %T@\n'])).seconds;
const atOnce = 8;
const largeCount = 20_000;

export async function benchListing(folder: string, rounds: number): Promise<Row[]> {
  const native = join(folder, 'native');
  nativeTree(native);
  const home = syncedHome(join(folder, 'listing'), await generatedTakeout(join(folder, 'takeout')));
  const fresh = (work: (path: string) => Promise<number>) => () =>
    onFreshMount(home, 'kernel', ({ path }) => work(path));

  const starts: number[] = [];
  const peaks: number[] = [];
  const warms: number[] = [];
  // "Below the mount in the page cache": one round for all of them first.
  await fresh(find)();
  await find(native);
  const times = await takeTurns(rounds, {
    native: () => find(native),
    kernel: () =>
      onFreshMount(home, 'kernel', async (mounted: Mount) => {
        starts.push(mounted.firstLs);
        const seconds = await find(mounted.path);
        warms.push(await find(mounted.path));
        peaks.push(mounted.memory().peakMb);
        return seconds;
      }),
    fuseNative: () => onFreshMount(home, 'fuse-native', ({ path }) => find(path)),
    rclone: () => onRclone(native, folder, find),
    oneByOne: fresh(async (path) => {
      let sum = 0;
      for (let n = 0; n < atOnce; n++) sum += await find(path);
      return sum;
    }),
    together: fresh(async (path) => {
      const started = process.hrtime.bigint();
      await Promise.all(Array.from({ length: atOnce }, () => find(path)));
      return Number(process.hrtime.bigint() - started) / 1e9;
    }),
  });
  const starting = median(starts) - median(Array.from({ length: rounds }, nodeStart));
  const against = (what: string, ours: number, other: number, goal: string): Row => ({
    what,
    ours: sec(ours),
    other: sec(other),
    ratio: (ours / other).toFixed(2),
    goal,
  });
  const faster = (name: string, other: number, goal: string): Row => ({
    ...against(`first find, 100,000 files (other: ${name})`, times.kernel, other, goal),
    ratio: `${(other / times.kernel).toFixed(1)} × faster`,
  });
  return [
    against('first find, 100,000 files (other: native directory)', times.kernel, times.native, '≤ 3'),
    faster('--driver fuse-native', times.fuseNative, '≥ 5 × faster'),
    faster('rclone mount', times.rclone, '≥ 8 × faster'),
    against('second find (other: native directory)', median(warms), times.native, '≤ 1.3'),
    against(`${atOnce} finds at once (other: one after another)`, times.together, times.oneByOne, '≤ 1'),
    ...(await largeDirectory(folder, rounds)),
    ...(await nothingToCopy(folder, rounds, native, fresh)),
    {
      what: 'mount: process start to first ls, beyond Node’s own start',
      ours: ms(starting),
      other: '',
      ratio: '',
      goal: '≤ 300 ms',
    },
    {
      what: 'mount, peak memory',
      ours: `${Math.max(...peaks).toFixed(0)} MB`,
      other: '',
      ratio: '',
      goal: '< 150 MB',
    },
  ];
}

async function largeDirectory(folder: string, rounds: number): Promise<Row[]> {
  const parts = await oneFolderTakeout(join(folder, `one-folder-${largeCount}`), largeCount, 64);
  const home = syncedHome(join(folder, 'large-directory'), parts);
  const ls =
    (...args: readonly string[]) =>
    () =>
      onFreshMount(
        home,
        'kernel',
        async ({ path }) => (await run('ls', [...args, join(path, 'years/2021')])).seconds,
      );
  const times = await takeTurns(rounds, { plain: ls(), long: ls('-l') });
  const row = (what: string, seconds: number, goal: string): Row => ({
    what: `first ${what} of a directory of ${largeCount.toLocaleString('en')}`,
    ours: ms(seconds),
    other: '',
    ratio: '',
    goal,
  });
  return [row('ls', times.plain, '≤ 150 ms'), row('ls -l', times.long, '≤ 400 ms')];
}

/** rsync looks at size and time only, so whether photos are cached makes no difference to it. */
async function nothingToCopy(
  folder: string,
  rounds: number,
  native: string,
  fresh: (work: (path: string) => Promise<number>) => () => Promise<number>,
): Promise<Row[]> {
  const rsync = async (from: string, to: string) =>
    (await run('rsync', ['-a', `${from}/`, join(folder, to)])).seconds;
  const ours = fresh((path) => rsync(path, 'copy'));
  // The same files, so the first one of the mount has nothing but permissions to change.
  for (const to of ['copy', 'native-copy']) await rsync(native, to);
  await ours();
  const times = await takeTurns(rounds, { ours, native: () => rsync(native, 'native-copy') });
  return [
    {
      what: 'rsync -a with nothing new, 100,000 files (other: from a native directory)',
      ours: sec(times.ours),
      other: sec(times.native),
      ratio: (times.ours / times.native).toFixed(2),
      goal: '≤ 3',
    },
  ];
}
