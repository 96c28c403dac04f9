/**
 * Several processes on one home: a mount with readers, two prefetches, syncs and verifies, while exports arrive. Each
 * photo is fetched once and found right, nobody hears of a locked database, nothing is left over.
 * GPHOTOSFS_PROCESSES_SECONDS makes it longer: 300 in `npm run test:soak`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlace, type Ended, type Place } from '../cli/run-program.ts';
import { canMount } from '../helpers/mount-client.ts';
import { buildLibrary, journalOf, listFiles, partialsOf, wrongInCache } from './library.ts';
import { endMount, mount } from './mounting.ts';

const seconds = Number(process.env.GPHOTOSFS_PROCESSES_SECONDS ?? 30);

let place: Place;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

describe.runIf(canMount())('a mount with readers, two prefetches, syncs and verifies', () => {
  it(`fetch each photo once in ${seconds} seconds, without a complaint`, {
    timeout: (seconds + 300) * 1000,
  }, async () => {
    const files = new Map<string, string>();
    const incoming = join(place.folder, 'takeout');
    let exports = 0;
    /** Another export, of photos that none had before; each archive appears whole. */
    const arrive = async () => {
      const exportTime = `2026${String(101 + exports).padStart(4, '0')}T120000Z`;
      const first = exports * 1000;
      const library = await buildLibrary(join(place.folder, 'downloads'), {
        photos: 60,
        size: 150_000,
        albums: [{ folder: 'Summer in Italy', every: 6 }],
        exportTime,
        first,
      });
      for (const archive of library.archives) renameSync(archive, join(incoming, basename(archive)));
      for (const [path, hash] of library.files) files.set(path, hash);
      exports += 1;
    };
    const first = await buildLibrary(incoming, { photos: 60, size: 150_000, exportTime: '20260101T120000Z' });
    for (const [path, hash] of first.files) files.set(path, hash);
    exports = 1;
    await place.run('add', 'takeout', incoming);
    expect((await place.run('sync')).code).toBe(0);

    /** Names of photos that some process began to fetch from an archive. */
    const opened: string[] = [];
    /** Takes note of them; gives what else was said. */
    const noteOpened = (stderr: string): string => {
      const lines = stderr.split('\n');
      opened.push(...lines.flatMap((line) => /"(.*)" is fetched from /.exec(line)?.[1] ?? []));
      return lines.filter((line) => !/^gphotosfs: debug: /.test(line)).join('\n');
    };
    const mounted = await mount(place, '--log-level', 'debug');
    const ended = { sync: 0, prefetch: 0, verify: 0, read: 0 };
    const complaints: string[] = [];
    const until = performance.now() + seconds * 1000;
    // On a machine that is busy otherwise, longer: a crowd that did nothing shows nothing.
    const goOn = () => performance.now() < until || Math.min(...Object.values(ended)) < 3;
    const note = ({ code, stderr }: Ended, allowed: readonly number[]) => {
      if (code === null || !allowed.includes(code)) complaints.push(`exit code ${code}: ${stderr}`);
      const worst = /SQLITE|database is locked|^ +at .*:\d+:\d+|internal/m.exec(noteOpened(stderr));
      if (worst !== null) complaints.push(stderr);
    };
    const arriving = async () => {
      // Not towards the end, for what has arrived is to be prefetched.
      for (; goOn(); await sleep(2500)) await arrive();
    };
    const syncing = async () => {
      for (; goOn(); ended.sync++) note(await place.run('sync'), [0]);
    };
    // 3 when a sync has listed more meanwhile.
    const prefetching = async () => {
      for (; goOn(); ended.prefetch++)
        note(await place.run('prefetch', '--jobs', '2', '--log-level', 'debug'), [0, 3]);
    };
    const verifying = async () => {
      for (; goOn(); ended.verify++) note(await place.run('verify'), [0]);
    };
    const reading = async (share: number) => {
      while (goOn()) {
        const listed = listFiles(place.home).filter(({ ino }) => ino % 4 === share);
        // The newest, for they are not cached yet.
        for (const { path } of listed.slice(-6)) {
          const { status, hash } = await hashThroughMount(place, path);
          if (status !== 0 || hash !== files.get(path))
            complaints.push(`${path} was read as ${hash} (${status})`);
          ended.read += 1;
        }
      }
    };
    const readers = [0, 1, 2, 3].map(reading);
    await Promise.all([arriving(), syncing(), prefetching(), prefetching(), verifying(), ...readers]);
    note(await place.run('sync'), [0]);
    const final = await place.run('prefetch', '--log-level', 'debug');
    note(final, [0]);
    expect(complaints).toEqual([]);
    await endMount(mounted);
    expect(noteOpened(mounted.stderr())).toBe('');

    console.info(JSON.stringify({ ...ended, exports, files: files.size }));
    expect(files.size).toBeGreaterThan(200);
    const listed = listFiles(place.home);
    expect(new Set(listed.map(({ path }) => path))).toEqual(new Set(files.keys()));
    expect(await wrongInCache(place, { files })).toEqual({ checked: files.size, wrong: [] });

    const published = journalOf(place.cache).filter(({ type }) => type === 'cached');
    expect(published).toHaveLength(files.size);
    expect(new Set(published.map(({ ino }) => ino)).size).toBe(files.size);
    expect(opened.sort(), 'opens of the archives').toEqual(
      [...files.keys()].map((path) => basename(path)).sort(),
    );
    expect(partialsOf(place.cache)).toEqual([]);
    expect(readdirSync(join(place.cache, '.gphotosfs/superseded'))).toEqual([]);
  });
});

/** By a program of its own: whoever reads a mount from the process that waits for it waits for itself. */
async function hashThroughMount(
  place: Place,
  path: string,
): Promise<{ status: number | null; hash: string }> {
  const child = spawn('sha256sum', ['--', join(place.mountPoint, path)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const [status] = await once(child, 'close');
  return { status: status as number | null, hash: stdout.split(' ', 1)[0] ?? '' };
}
