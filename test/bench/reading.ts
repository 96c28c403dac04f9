/**
 * Cached files read from fresh mounts: 1 GiB at once and again, 4 KiB here and there, and 10,000 small photos copied out,
 * against fuse-native and against the cache's own files.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gphotosfs, onFreshMount, syncedHome } from './gphotosfs.ts';
import { oneFolderTakeout, videoTakeout } from './library.ts';
import { median, type Row, run, sec, takeTurns } from './measure.ts';

const video = 'years/2021/video.mp4';
const gigabytes = (1 << 30) / 1e9;

const readAll = async (path: string) =>
  (await run('dd', [`if=${path}`, 'of=/dev/null', 'bs=1M', 'status=none'])).seconds;

const randomReads = 20_000;
/** Reads 4 KiB at so many random places of a file, the same each time; Python adds 1 µs to each. */
const python = `
import os, random, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
pages = os.fstat(fd).st_size // 4096
places = random.Random(1)
for _ in range(${randomReads}):
    if len(os.pread(fd, 4096, places.randrange(pages) * 4096)) != 4096: sys.exit(1)
`;
const readHereAndThere = async (path: string) => (await run('python3', ['-c', python, path])).seconds;

export async function benchReading(folder: string, rounds: number): Promise<Row[]> {
  return [...(await readVideo(folder, rounds)), ...(await copyPhotos(folder, rounds))];
}

async function readVideo(folder: string, rounds: number): Promise<Row[]> {
  const home = syncedHome(join(folder, 'reading'), await videoTakeout(join(folder, 'video')));
  gphotosfs(home, 'prefetch');
  const cacheFile = join(home.folder, 'cache', video);
  await readAll(cacheFile);

  const [second, secondPaged]: [number[], number[]] = [[], []];
  /** The first read, and, into `again`, the second. */
  const first =
    (driver: string, again?: number[], ...options: readonly string[]) =>
    () =>
      onFreshMount(
        home,
        driver,
        async ({ path }) => {
          const time = await readAll(join(path, video));
          again?.push(await readAll(join(path, video)));
          return time;
        },
        ...options,
      );
  const random = (driver: string) => () =>
    onFreshMount(home, driver, ({ path }) => readHereAndThere(join(path, video)));
  const times = await takeTurns(rounds, {
    native: () => readAll(cacheFile),
    kernel: first('kernel', second),
    paged: first('kernel', secondPaged, '--passthrough', 'off'),
    fuseNative: first('fuse-native'),
    randomKernel: random('kernel'),
    randomFuseNative: random('fuse-native'),
  });
  rmSync(home.folder, { recursive: true, force: true });
  const speed = (time: number) => `${(gigabytes / time).toFixed(2)} GB/s`;
  const row = (what: string, ours: number, other: number, goal: string): Row => ({
    what,
    ours: speed(ours),
    other: speed(other),
    ratio: (other / ours).toFixed(2),
    goal,
  });
  const reads = (time: number) => `${Math.round(randomReads / time / 1000)} k/s`;
  return [
    row('cached 1 GiB, first read (other: the cache file)', times.kernel, times.native, '≥ 0.6'),
    row('cached 1 GiB, second read (other: the cache file)', median(second), times.native, '≥ 0.85'),
    row('cached 1 GiB, first read (other: --driver fuse-native)', times.kernel, times.fuseNative, '≥ 1.4'),
    row(
      'the same without passthrough, first read (other: --driver fuse-native)',
      times.paged,
      times.fuseNative,
      '≥ 1.4',
    ),
    row(
      'the same without passthrough, second read (other: the cache file)',
      median(secondPaged),
      times.native,
      '≥ 0.4',
    ),
    {
      what: 'random reads of 4 KiB (other: --driver fuse-native)',
      ours: reads(times.randomKernel),
      other: reads(times.randomFuseNative),
      ratio: (times.randomFuseNative / times.randomKernel).toFixed(2),
      goal: '≥ 3',
    },
  ];
}

async function copyPhotos(folder: string, rounds: number): Promise<Row[]> {
  const parts = await oneFolderTakeout(join(folder, 'small-photos'), 10_000, 30_000);
  const home = syncedHome(join(folder, 'copying'), parts);
  gphotosfs(home, 'prefetch');
  const copy = async (from: string) => {
    const to = join(home.folder, 'copy');
    const { seconds } = await run('cp', ['-r', join(from, 'years'), to]);
    rmSync(to, { recursive: true });
    return seconds;
  };
  const times = await takeTurns(rounds, {
    native: () => copy(join(home.folder, 'cache')),
    kernel: () => onFreshMount(home, 'kernel', ({ path }) => copy(path)),
  });
  rmSync(home.folder, { recursive: true, force: true });
  return [
    {
      what: 'cp -r of 10,000 cached photos of 30 kB (other: from the cache)',
      ours: sec(times.kernel),
      other: sec(times.native),
      ratio: (times.native / times.kernel).toFixed(2),
      goal: '≥ 0.6',
    },
  ];
}
