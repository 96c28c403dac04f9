/**
 * Listings while the mount has much to do: 32 programs read photos that a slow source gives, a prefetch in another
 * process fills the cache, and each call that has to ask the mount is timed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gphotosfs, main, syncedHome } from './gphotosfs.ts';
import { ms, type Row } from './measure.ts';
import { largePhotos, photoCount } from './prefetch.ts';

const readers = 32;
const seconds = 10;
/** After each chunk of 64 KiB: 300 kB take a fifth of a second. */
const pauseMs = 40;
const server = fileURLToPath(new URL('./slow-server.ts', import.meta.url));

/** Lists each year once and looks for names that are not there (the kernel asks for each); prints p99 and worst, s. */
const python = `
import os, sys, time
root, seconds = sys.argv[1] + '/years', float(sys.argv[2])
calls, end, n = [], time.monotonic() + seconds, 0
years = os.listdir(root)
def timed(work):
    start = time.perf_counter()
    try: work()
    except FileNotFoundError: pass
    calls.append(time.perf_counter() - start)
while time.monotonic() < end:
    if n % 100 == 0 and years: timed(lambda: os.listdir(root + '/' + years.pop()))
    timed(lambda: os.stat(f'{root}/2001/absent-{n}'))
    n += 1
    time.sleep(0.002)
calls.sort()
print(len(calls), calls[int(len(calls) * 0.99)], calls[-1])
`;

export async function benchLoad(folder: string): Promise<Row[]> {
  const parts = await largePhotos(join(folder, 'large-photos'));
  const home = syncedHome(join(folder, 'load'), parts);
  const path = join(home.folder, 'mount');
  mkdirSync(path);
  const args = ['--import', 'tsx', server, home.folder, path, String(pauseMs), ...parts];
  const mounted = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(mounted.stdout, 'data');

  let [read, done] = [0, false];
  let next = 0;
  /** Reads one photo after another, from the end of the library on, where the prefetch comes last. */
  const reader = async () => {
    while (!done) {
      const at = photoCount - 1 - next++;
      const photo = join(path, 'years', String(2001 + (at % 10)), `IMG_${String(at).padStart(4, '0')}.jpg`);
      const cat = spawn('cat', [photo], { stdio: ['ignore', 'ignore', 'inherit'] });
      const [code] = await once(cat, 'exit');
      if (code === 0) read++;
    }
  };
  const reading = Promise.all(Array.from({ length: readers }, reader));
  const prefetch: ChildProcess = spawn(process.execPath, [main, 'prefetch'], {
    env: home.env,
    stdio: 'ignore',
  });
  const lister = spawn('python3', ['-c', python, path, String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(lister.stdout, 'data');
  done = true;
  await reading;
  prefetch.kill('SIGINT');
  await once(prefetch, 'exit');
  const cached = JSON.parse(gphotosfs(home, 'status', '--json').split('\n')[0] ?? '{}').cachedFiles as number;
  mounted.kill('SIGTERM');
  await once(mounted, 'exit');
  rmSync(home.folder, { recursive: true, force: true });

  const [calls = 0, p99 = 0, worst = 0] = String(said).split(' ').map(Number);
  const under = `${readers} readers of a slow source and a prefetch`;
  const row = (what: string, ours: string, goal = ''): Row => ({ what, ours, other: '', ratio: '', goal });
  return [
    row(`listing calls under ${under}, p99 of ${calls}`, ms(p99), '≤ 50 ms'),
    row('the same, the slowest', ms(worst)),
    row(`meanwhile in ${seconds} s: photos read, and in the cache`, `${read}, ${cached}`),
  ];
}
