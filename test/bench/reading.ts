/** A cached file of 1 GiB read from a fresh mount, and again, against fuse-native and against the cache file itself. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { freshHome, gphotosfs, mount } from './gphotosfs.ts';
import { videoTakeout } from './library.ts';
import { type Row, run, takeTurns } from './measure.ts';

const video = 'years/2021/video.mp4';
const gigabytes = (1 << 30) / 1e9;

const read = async (path: string) =>
  (await run('dd', [`if=${path}`, 'of=/dev/null', 'bs=1M', 'status=none'])).seconds;

export async function benchReading(folder: string, rounds: number): Promise<Row[]> {
  const parts = await videoTakeout(join(folder, 'video'));
  const home = freshHome(join(folder, 'reading'));
  gphotosfs(home, 'add', 'takeout', ...parts);
  gphotosfs(home, 'sync');
  gphotosfs(home, 'prefetch');
  const cacheFile = join(home.folder, 'cache', video);
  await read(cacheFile);

  const second: Record<string, number> = {};
  const first = async (driver: string) => {
    const mounted = await mount(home, driver);
    try {
      const seconds = await read(join(mounted.path, video));
      second[driver] = Math.min(
        second[driver] ?? Number.POSITIVE_INFINITY,
        await read(join(mounted.path, video)),
      );
      return seconds;
    } finally {
      await mounted.unmount();
    }
  };
  const times = await takeTurns(rounds, {
    native: () => read(cacheFile),
    kernel: () => first('kernel'),
    fuseNative: () => first('fuse-native'),
  });
  rmSync(home.folder, { recursive: true, force: true });
  const speed = (seconds: number) => `${(gigabytes / seconds).toFixed(2)} GB/s`;
  const again = second.kernel ?? Number.NaN;
  return [
    {
      what: 'cached 1 GiB, first read (other: --driver fuse-native)',
      ours: speed(times.kernel),
      other: speed(times.fuseNative),
      ratio: (times.fuseNative / times.kernel).toFixed(2),
      goal: '≥ 1.4',
    },
    {
      what: 'cached 1 GiB, second read (other: the cache file, page cache)',
      ours: speed(again),
      other: speed(times.native),
      ratio: (times.native / again).toFixed(2),
      goal: '≥ 0.4',
    },
  ];
}
