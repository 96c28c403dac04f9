/** `status`: for a person at a glance, for a script by its exit code, for monitoring as JSON. */
import { mkdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLeases } from '../../src/index/leases.ts';
import { closeIndex, openIndex } from '../../src/index/open.ts';
import { buildTakeout, photo, type TakeoutEntry } from '../helpers/takeout-builder.ts';
import { inodeOf } from '../helpers/test-home.ts';
import { createPlace, type Place, until } from './run-program.ts';

let place: Place;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

const entries: readonly TakeoutEntry[] = Array.from({ length: 5 }, (_, at) => ({
  folder: 'Photos from 2021',
  name: at === 4 ? 'IMG_4.mp4' : `IMG_${at}.jpg`,
  bytes: photo(at, 3000 + at),
  takenAt: Date.UTC(2021, 5, 1 + at) / 1000,
}));

async function syncedHome(): Promise<string[]> {
  const parts = await buildTakeout(join(place.folder, 'takeout'), { entries, albums: [], parts: 2 });
  expect((await place.run('add', 'takeout', ...parts)).code).toBe(0);
  expect((await place.run('sync')).code).toBe(0);
  return parts;
}

const record = async (): Promise<Record<string, unknown>> =>
  JSON.parse((await place.run('--json', 'status')).stdout) as Record<string, unknown>;
const check = () => place.run('status', '--check', 'complete');

describe('status', () => {
  it('says step by step what to do next, until nothing is left', async () => {
    const next = async () => (await record()).next;
    expect(await next()).toMatch(/^gphotosfs add takeout/);
    const parts = await buildTakeout(join(place.folder, 'takeout'), { entries, albums: [] });
    await place.run('add', 'takeout', ...parts);
    expect(await next()).toBe('gphotosfs sync');
    await place.run('sync');
    expect(await next()).toMatch(/^gphotosfs prefetch/);
    expect((await place.run('status')).stdout).toMatch(/prefetch +never\n/);
    await place.run('prefetch');
    // The builder's exports are of January 2026.
    expect(await next()).toMatch(
      /^a new export from takeout.google.com; the newest one is of 20\d\d-\d\d-\d\d$/,
    );
  });

  it('remembers what the last prefetch came to, and what failed why', async () => {
    const [first = '', second = ''] = await syncedHome();
    unlinkSync(second);
    expect((await place.run('prefetch')).code).toBe(3);
    const failed = await record();
    expect(failed.lastPrefetch).toMatchObject({ complete: false, isWhole: true, stopped: null });
    const { failures, failedFiles } = failed.lastPrefetch as {
      failures: { path: string }[];
      failedFiles: number;
    };
    expect(failedFiles).toBeGreaterThan(0);
    expect(failures[0]).toMatchObject({
      path: expect.stringMatching(/^years\/2021\/IMG_/) as unknown,
      kind: 'source-gone',
    });
    const { stdout } = await place.run('status');
    expect(stdout).toMatch(/prefetch +\d{4}-\d\d-\d\d \d\d:\d\d, \d files? failed/);
    expect(stdout).toContain(failures[0]?.path);
    expect(stdout).toContain('Next: gphotosfs prefetch\n');
    expect(first).not.toBe('');
  });

  it('remembers what the last sync could not read', async () => {
    const parts = await syncedHome();
    unlinkSync(parts[0] ?? '');
    expect((await place.run('sync')).code).toBe(3);
    const { lastSyncReport } = await record();
    expect(lastSyncReport).toMatchObject({ problems: [{ source: 'takeout', where: parts[0] }] });
    expect((await place.run('status')).stdout).toContain(`${parts[0]}: is not there`);
  });

  it('tells of a sync and a fetch that another process is at, and forgets them with it', async () => {
    await syncedHome();
    const index = openIndex(join(place.home, 'index.db'));
    const ino = inodeOf(index, 'years/2021/IMG_2.jpg');
    closeIndex(index);
    const leases = openLeases(place.home);
    leases.acquire('sync');
    leases.acquire(`file:${ino}`, 'partial');
    leases.beat(`file:${ino}`, 1000);
    const during = await record();
    expect(during).toMatchObject({
      syncing: process.pid,
      fetching: [{ path: 'years/2021/IMG_2.jpg', readyBytes: 1000, bytes: 3002, pid: process.pid }],
    });
    const { stdout } = await place.run('status');
    expect(stdout).toContain(`years/2021/IMG_2.jpg, 1.0 kB of 3.0 kB, in process ${process.pid}`);
    leases.release('sync');
    leases.release(`file:${ino}`);
    leases.close();
    expect(await record()).toMatchObject({ syncing: null, fetching: [] });
  });

  it('is told again and again while it is watched, and ends well', async () => {
    await syncedHome();
    const watching = place.start('--json', 'status', '--watch');
    const cachedFiles = () =>
      watching
        .stdout()
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { cachedFiles: number }).cachedFiles);
    await until(() => watching.stdout().includes('\n'));
    expect((await place.run('prefetch')).code).toBe(0);
    await until(() => cachedFiles().at(-1) === 5, 30_000);
    expect(cachedFiles()[0]).toBe(0);
    watching.child.kill('SIGINT');
    expect((await watching.ended).code).toBe(0);
  });
});

describe('status --check complete', () => {
  it('is 3 before a sync, before a prefetch, and after a photo was lost; 0 in between', async () => {
    expect((await check()).code).toBe(3);
    await syncedHome();
    expect(await check()).toMatchObject({ code: 3, stdout: 'not complete: 5 of 5 files not in the cache\n' });
    await place.run('prefetch');
    expect(await check()).toMatchObject({ code: 0, stdout: 'complete: 5 files in the cache\n' });
    rmSync(join(place.cache, 'years', '2021', 'IMG_1.jpg'));
    expect(await check()).toMatchObject({
      code: 3,
      stdout: 'not complete: 1 of 5 files not in the cache, 1 of them lost from it\n',
    });
  });

  it('goes by what the configuration lets prefetch select', async () => {
    mkdirSync(place.home, { mode: 0o700 });
    writeFileSync(join(place.home, 'config.json'), JSON.stringify({ prefetchSkip: ['kind:video'] }));
    await syncedHome();
    expect((await place.run('prefetch')).code).toBe(0);
    expect(await check()).toMatchObject({ code: 0, stdout: 'complete: 4 files in the cache\n' });
    expect((await record()).lastPrefetch).toMatchObject({ complete: true, isWhole: false });
    expect((await record()).complete).toBe(false);
  });
});
