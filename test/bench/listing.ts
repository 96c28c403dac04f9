/** First `find` over a fresh mount of 100,000 files, against a native directory and against fuse-native; start-up. */
import { join } from 'node:path';
import { freshHome, gphotosfs, mount, nodeStart } from './gphotosfs.ts';
import { generatedTakeout, nativeTree } from './library.ts';
import { median, type Row, run, takeTurns } from './measure.ts';

const find = async (path: string) =>
  (await run('find', [path, '-printf', '%s %T@\n'], { stdio: ['ignore', 'ignore', 'inherit'] })).seconds;

export async function benchListing(folder: string, rounds: number): Promise<Row[]> {
  const parts = await generatedTakeout(join(folder, 'takeout'));
  const native = join(folder, 'native');
  nativeTree(native);
  const home = freshHome(join(folder, 'listing'));
  gphotosfs(home, 'add', 'takeout', ...parts);
  gphotosfs(home, 'sync');

  const starts: number[] = [];
  let peakMb = 0;
  const firstFind = async (driver: string) => {
    const mounted = await mount(home, driver);
    try {
      const seconds = await find(mounted.path);
      if (driver === 'kernel') {
        starts.push(mounted.firstLs);
        peakMb = Math.max(peakMb, mounted.peakMb());
      }
      return seconds;
    } finally {
      await mounted.unmount();
    }
  };
  // "Below the mount in the page cache": one round for all of them first.
  await firstFind('kernel');
  await find(native);
  starts.length = 0;
  const times = await takeTurns(rounds, {
    native: () => find(native),
    kernel: () => firstFind('kernel'),
    fuseNative: () => firstFind('fuse-native'),
  });
  const own = median(starts) - median(Array.from({ length: rounds }, nodeStart));
  const seconds = (value: number) => `${value.toFixed(2)} s`;
  return [
    {
      what: 'first find, 100,000 files (other: native directory)',
      ours: seconds(times.kernel),
      other: seconds(times.native),
      ratio: (times.kernel / times.native).toFixed(2),
      goal: '≤ 4.5',
    },
    {
      what: 'first find, 100,000 files (other: --driver fuse-native)',
      ours: seconds(times.kernel),
      other: seconds(times.fuseNative),
      ratio: `${(times.fuseNative / times.kernel).toFixed(1)} × faster`,
      goal: '≥ 5 × faster',
    },
    {
      what: 'mount: process start to first ls, beyond Node’s own start',
      ours: `${(own * 1000).toFixed(0)} ms`,
      other: '',
      ratio: '',
      goal: '≤ 300 ms',
    },
    { what: 'mount, peak memory', ours: `${peakMb.toFixed(0)} MB`, other: '', ratio: '', goal: '< 150 MB' },
  ];
}
