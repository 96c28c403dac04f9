/** Takeout in Drive as a user has it: added, synced, mounted, read, prefetched, and deleted in Drive. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addDrive, type FakeDrive } from '../helpers/google/drive.ts';
import { type FakeGoogle, startFakeGoogle } from '../helpers/google/fake-google.ts';
import { writeGoogleHome } from '../helpers/google/google-home.ts';
import { buildTakeout, photo, type TakeoutSpec } from '../helpers/takeout-builder.ts';
import { createPlace, type Place, until } from './run-program.ts';

let fake: FakeGoogle;
let drive: FakeDrive;
let place: Place;

beforeEach(async () => {
  fake = await startFakeGoogle();
  drive = addDrive(fake);
  place = createPlace(fake.env);
  writeGoogleHome(place.home, fake);
});
afterEach(async () => {
  await place.clean();
  await fake.close();
  drive.close();
});

let uploads = 0;
async function upload(spec: TakeoutSpec, more?: Parameters<FakeDrive['add']>[1]) {
  const folder = join(place.folder, `upload-${++uploads}`);
  mkdirSync(folder);
  return (await buildTakeout(folder, spec)).map((path) => drive.add(path, more));
}
const entry = (name: string, bytes = photo(name), more: object = {}) => ({
  folder: 'Photos from 2021',
  name,
  bytes,
  ...more,
});
async function read(path: string): Promise<Buffer> {
  const { stdout } = await promisify(execFile)('cat', [path], { encoding: 'buffer', maxBuffer: 1 << 28 });
  return stdout;
}
const ok = async (...args: string[]) => {
  const { code, stdout, stderr } = await place.run(...args);
  expect([args.join(' '), code, code === 0 ? '' : stderr + stdout]).toEqual([args.join(' '), 0, '']);
  return stdout;
};

describe('Takeout in Drive', () => {
  it('is added, synced, mounted and read, without downloading the archives', async () => {
    const video = photo('video', 30 << 20);
    await upload({
      parts: 2,
      albums: [{ folder: 'Trip' }],
      entries: [
        entry('a.jpg', photo('a', 100_000), { part: 1 }),
        entry('clip.mp4', video, { part: 2 }),
        { ...entry('a.jpg', photo('a', 100_000)), folder: 'Trip', part: 1 },
      ],
    });
    expect(await ok('add', 'drive')).toContain('Takeout folder');
    expect(await ok('sources')).toContain('Takeout in Google Drive');
    await ok('sync');
    expect(drive.bytesSent()).toBeLessThan(4 << 20);
    const before = drive.bytesSent();
    const mount = place.start('mount', place.mountPoint);
    await until(() => mount.stdout().includes('mounted') || readdirSync(place.mountPoint).length > 0, 20_000);
    const year = join(place.mountPoint, 'years', '2021');
    expect(readdirSync(year).sort()).toEqual(['a.jpg', 'clip.mp4']);
    expect(readdirSync(join(place.mountPoint, 'albums', 'Trip'))).toEqual(['a.jpg']);
    expect(drive.bytesSent()).toBe(before);
    // By other processes: a read that waited in this one would hold up the fake.
    expect((await read(join(year, 'a.jpg'))).equals(photo('a', 100_000))).toBe(true);
    expect((await read(join(year, 'clip.mp4'))).equals(video)).toBe(true);
    mount.child.kill('SIGTERM');
    expect((await mount.ended).code).toBe(0);
  }, 120_000);

  it('gives the end of a long video at once, while its beginning is still on the way', async () => {
    const video = photo('video', 30 << 20);
    await upload({ entries: [entry('clip.mp4', video)] });
    await ok('add', 'drive');
    await ok('sync');
    const mount = place.start('mount', place.mountPoint);
    const clip = join(place.mountPoint, 'years', '2021', 'clip.mp4');
    await until(() => mount.stdout().includes('mounted') || existsSync(clip), 20_000);
    // All of it takes 15 s.
    fake.conditions.bytesPerSecond = 2 << 20;
    const before = drive.bytesSent();
    const { stdout } = await promisify(execFile)('tail', ['-c', '65536', clip], { encoding: 'buffer' });
    expect(stdout.equals(video.subarray(-65536))).toBe(true);
    expect(drive.bytesSent() - before).toBeLessThan(20 << 20);
    fake.conditions.bytesPerSecond = 0;
    expect((await read(clip)).equals(video)).toBe(true);
    mount.child.kill('SIGTERM');
    expect((await mount.ended).code).toBe(0);
  }, 120_000);

  it('is found in a shared folder, by its address; also what is flagged, and what was still uploading', async () => {
    const shared = { parents: ['folderShared0001'] };
    const [flagged] = await upload({ entries: [entry('a.jpg')] }, shared);
    const [loading] = await upload({ exportTime: '20260301T120000Z', entries: [entry('b.jpg')] }, shared);
    await upload({ exportTime: '20260401T120000Z', entries: [entry('elsewhere.jpg')] });
    if (flagged === undefined || loading === undefined) throw new Error();
    flagged.flagged = true;
    loading.uploading = true;
    await ok(
      'add',
      'drive',
      '--folder',
      'https://drive.google.com/drive/folders/folderShared0001?usp=sharing',
    );
    const synced = await place.run('sync');
    expect([synced.code, synced.stderr]).toEqual([0, expect.stringContaining('still being uploaded')]);
    expect(await ok('prefetch')).toContain('1 file fetched');
    loading.uploading = false;
    await ok('sync');
    expect(await ok('prefetch')).toContain('1 file fetched');
    expect(readdirSync(join(place.cache, 'years/2021')).sort()).toEqual(['a.jpg', 'b.jpg']);
  }, 120_000);

  it('is prefetched by long requests, and says what is no longer needed in Drive, and only then', async () => {
    const entries = Array.from({ length: 60 }, (_, at) =>
      entry(`p${at}.jpg`, photo(at, 50_000), { part: (at % 2) + 1 }),
    );
    const [first, second] = await upload({
      parts: 2,
      entries,
      files: [{ path: 'Takeout/Mail/all.mbox', bytes: 'From: me', part: 2 }],
    });
    await ok('add', 'drive');
    await ok('sync');
    expect(await ok('status')).toMatch(/001\.zip +0 of 30 .*needed/);
    const before = drive.bytesRequests();
    const told = await ok('prefetch');
    expect(drive.bytesRequests() - before).toBeLessThanOrEqual(4);
    expect(told).toMatch(/001\.zip +30 of 30 .*safe to delete from Drive/);
    expect(told).toMatch(/002\.zip +30 of 30 .*holds 1 file that gphotosfs doesn't keep/);
    expect(readFileSync(join(place.cache, 'years/2021/p7.jpg')).equals(photo(7, 50_000))).toBe(true);

    const status = JSON.parse(await ok('status', '--json')) as { archives: { dispensable: boolean }[] };
    expect(status.archives.map(({ dispensable }) => dispensable)).toEqual([true, false]);
    // Deleted there, as it was told: all is still here.
    drive.files.delete(first?.id ?? '');
    await ok('sync');
    const after = JSON.parse(await ok('status', '--json')) as { unavailable: number; complete: boolean };
    expect(after).toMatchObject({ unavailable: 0, complete: true });
    expect(second?.trashed).toBe(false);
    // Nothing was ever asked of Drive but to read.
    expect(
      new Set(fake.requests.filter(({ path }) => path.startsWith('/drive')).map(({ method }) => method)),
    ).toEqual(new Set(['GET']));
  }, 120_000);

  it('that is deleted in Drive too early leaves its photos listed, unavailable, and comes back with it', async () => {
    const [file] = await upload({ entries: [entry('a.jpg'), entry('b.jpg')] });
    if (file === undefined) throw new Error();
    await ok('add', 'drive');
    await ok('sync');
    file.trashed = true;
    await ok('sync');
    const status = async () =>
      JSON.parse(await ok('status', '--json')) as { files: number; unavailable: number };
    expect(await status()).toMatchObject({ files: 2, unavailable: 2 });
    const { code, stdout } = await place.run('prefetch', '--json');
    expect(code).toBe(3);
    expect(stdout).toContain('"kind":"unavailable"');
    file.trashed = false;
    const before = drive.bytesRequests();
    await ok('sync');
    expect(drive.bytesRequests()).toBe(before);
    expect(await status()).toMatchObject({ files: 2, unavailable: 0 });
    await ok('prefetch');
  }, 120_000);

  it('of which a sync read no sidecars is refined by the prefetch, from its own long requests', async () => {
    const takenAt = Date.UTC(2021, 4, 17, 12) / 1000;
    const entries = Array.from({ length: 60 }, (_, at) =>
      entry(`p${at}.jpg`, photo(at, 300_000), { part: (at % 2) + 1, takenAt: takenAt + at }),
    );
    const inAlbum = { ...entry('only.jpg', photo('only', 300_000), { part: 1, takenAt }), folder: 'Trip' };
    await upload({
      parts: 2,
      albums: [{ folder: 'Trip', json: { title: 'The trip' } }],
      entries: [...entries, inAlbum],
    });
    await ok('add', 'drive');
    const error = {
      code: 403,
      message: 'Limit',
      errors: [{ domain: 'usageLimits', reason: 'dailyLimitExceeded' }],
    };
    // Behind the two directories, and the looks whether these are still of the same file.
    const fault = fake.plan({
      path: /files\/file/,
      after: 4,
      times: 1000,
      status: 403,
      body: { error },
    });
    expect((await place.run('sync')).code).toBe(5);
    expect(fault.fired).toBeGreaterThan(0);
    fault.fired = 1000;
    const status = async () =>
      JSON.parse(await ok('status', '--json')) as { files: number; cachedFiles: number; provisional: number };
    expect(await status()).toMatchObject({ files: 60, provisional: 60 });

    const before = drive.bytesRequests();
    const told = await ok('prefetch');
    // A long one for each archive, one for what only the album has, and some for what lies apart.
    expect(drive.bytesRequests() - before).toBeLessThanOrEqual(8);
    expect(await status()).toMatchObject({ files: 61, cachedFiles: 61, provisional: 0 });
    expect(told).toMatch(/safe to delete from Drive/);
    const times = Array.from({ length: 60 }, (_, at) =>
      Math.floor(statSync(join(place.cache, `years/2021/p${at}.jpg`)).mtimeMs / 1000),
    );
    expect(times).toEqual(entries.map((_, at) => takenAt + at));
    expect(readdirSync(join(place.cache, 'albums'))).toEqual(['The trip']);
    expect(readdirSync(join(place.cache, 'albums/The trip'))).toEqual(['only.jpg']);
    const asked = drive.bytesRequests();
    await ok('sync');
    expect(await ok('prefetch')).toContain('0 files fetched');
    expect(drive.bytesRequests()).toBe(asked);
  }, 120_000);

  describe('of which a sync was cut off before its sidecars', () => {
    const dayIn = (year: number) => Date.UTC(year, 4, 17, 12) / 1000;
    const dated = (year: number, at: number) => ({
      ...entry(`p${at}.jpg`, photo(`${year} ${at}`, 100_000), { takenAt: dayIn(year) + at }),
      folder: `Photos from ${year}`,
      part: (at % 2) + 1,
    });
    const times = (year: number) =>
      readdirSync(join(place.cache, 'years', String(year))).map((name) => [
        Number(/\d+/.exec(name)),
        Math.floor(statSync(join(place.cache, 'years', String(year), name)).mtimeMs / 1000),
      ]);
    const right = (year: number) => times(year).filter(([at = 0, time]) => time === dayIn(year) + at).length;
    const status = async () =>
      JSON.parse(await ok('status', '--json')) as { files: number; cachedFiles: number; provisional: number };

    /** Two years and an album, as far as their directories tell. */
    async function cutOff(earlier: number, later: number): Promise<void> {
      await upload({
        parts: 2,
        albums: [{ folder: 'Trip', json: { title: 'The trip' } }],
        entries: [
          ...Array.from({ length: earlier }, (_, at) => dated(2020, at)),
          ...Array.from({ length: later }, (_, at) => dated(2021, at)),
          { ...dated(2021, 6), folder: 'Trip' },
        ],
      });
      await ok('add', 'drive');
      const error = { code: 403, errors: [{ domain: 'usageLimits', reason: 'dailyLimitExceeded' }] };
      // Behind the two directories, and the looks whether these are still of the same file.
      const fault = fake.plan({ path: /files\/file/, after: 4, times: 1000, status: 403, body: { error } });
      expect((await place.run('sync')).code).toBe(5);
      expect(fault.fired).toBeGreaterThan(0);
      fault.fired = 1000;
      const files = earlier + later;
      expect(await status()).toMatchObject({ files, provisional: files });
    }

    it('has the dates of a year that is prefetched, though far more sidecars are unread', async () => {
      await cutOff(1100, 150);
      const before = drive.bytesRequests();
      await ok('prefetch', '--year', '2021');
      expect(drive.bytesRequests() - before).toBeLessThanOrEqual(8);
      expect(await status()).toMatchObject({ files: 1250, cachedFiles: 150, provisional: 1100 });
      expect(right(2021)).toBe(150);
      await ok('sync');
      await ok('prefetch', '--year', '2021');
      expect(await status()).toMatchObject({ files: 1250, cachedFiles: 150, provisional: 0 });
      expect(right(2021)).toBe(150);
      expect(readdirSync(join(place.cache, 'albums'))).toEqual(['The trip']);
    }, 120_000);

    it('has them also where a prefetch was killed, whose sidecars went with it, once the next one ends', async () => {
      await cutOff(150, 150);
      fake.conditions.bytesPerSecond = 5 << 20;
      const killed = place.start('prefetch');
      await until(() => existsSync(join(place.cache, 'years/2021/p5.jpg')), 30_000);
      await until(() => readdirSync(join(place.cache, 'years/2021')).length > 120, 30_000);
      killed.child.kill('SIGKILL');
      expect((await killed.ended).code).toBe(null);
      fake.conditions.bytesPerSecond = 0;
      expect(await status()).toMatchObject({ files: 300, provisional: 300 });
      await ok('prefetch');
      expect(await status()).toMatchObject({ files: 300, cachedFiles: 300, provisional: 0 });
      expect([right(2020), right(2021)]).toEqual([150, 150]);
    }, 120_000);

    it('has them where nothing was left to be fetched but to refine', async () => {
      await cutOff(150, 150);
      // Drive's lists fail once everything is fetched.
      const fault = fake.plan({ path: /files$/, status: 403, times: 1000, body: { error: { code: 403 } } });
      await ok('prefetch');
      expect(fault.fired).toBeGreaterThan(0);
      fault.fired = 1000;
      expect(await status()).toMatchObject({ cachedFiles: 300, provisional: 300 });
      const told = await ok('prefetch');
      expect(told).toContain('0 files fetched');
      expect(await status()).toMatchObject({ cachedFiles: 300, provisional: 0 });
      expect([right(2020), right(2021)]).toEqual([150, 150]);
      expect(readdirSync(join(place.cache, 'albums'))).toEqual(['The trip']);
      // And then it asks for nothing.
      const asked = fake.requests.length;
      await ok('prefetch');
      expect(fake.requests.length).toBe(asked);
    }, 120_000);
  });

  it('exported again in full transfers no photo byte', async () => {
    const entries = Array.from({ length: 40 }, (_, at) => entry(`p${at}.jpg`, photo(at, 400_000)));
    await upload({ parts: 2, entries });
    await ok('add', 'drive');
    await ok('sync');
    await ok('prefetch');
    await upload({ parts: 3, exportTime: '20260301T120000Z', entries });
    const before = drive.bytesSent();
    await ok('sync');
    // The last megabyte of each archive, which has its directory, and the sidecars.
    expect(drive.bytesSent() - before).toBeLessThan(3 * (1 << 20) + 100_000);
    const synced = drive.bytesSent();
    const told = await ok('prefetch');
    expect(drive.bytesSent()).toBe(synced);
    expect(told).toContain('0 files fetched');
    expect(told.match(/safe to delete from Drive/g)?.length).toBe(5);
  }, 120_000);

  it('gives up at the daily limit with exit 5, and goes on inside the archive the next day', async () => {
    const entries = Array.from({ length: 200 }, (_, at) => entry(`p${at}.jpg`, photo(at, 20_000)));
    const [file] = await upload({ entries });
    await ok('add', 'drive');
    await ok('sync');
    const error = {
      code: 403,
      message: 'Limit',
      errors: [{ domain: 'usageLimits', reason: 'dailyLimitExceeded' }],
    };
    const fault = fake.plan({
      path: `/drive/v3/files/${file?.id}`,
      after: 3,
      times: 1000,
      status: 403,
      body: { error },
    });
    const stopped = await place.run('prefetch', '--long-range', '1M');
    expect([stopped.code, stopped.stderr + stopped.stdout]).toEqual([
      5,
      expect.stringMatching(/[Gg]o on after/),
    ]);
    expect(fault.fired).toBeGreaterThan(0);
    fault.fired = 1000;
    const cached = readdirSync(join(place.cache, 'years/2021')).length;
    expect(cached).toBeGreaterThan(10);
    expect(cached).toBeLessThan(200);
    const before = drive.bytesSent();
    await ok('prefetch');
    expect(drive.bytesSent() - before).toBeLessThan((200 - cached + 2) * 21_000);
  }, 120_000);

  it('that was downloaded too often is left for the next day with exit 5, and the others are fetched', async () => {
    const entries = (name: string) =>
      Array.from({ length: 40 }, (_, at) => entry(`${name}${at}.jpg`, photo(`${name}${at}`, 20_000)));
    const [closed] = await upload({ entries: entries('a'), exportTime: '20260101T120000Z' });
    await upload({ entries: entries('b'), exportTime: '20260201T120000Z' });
    await ok('add', 'drive');
    await ok('sync');
    if (closed !== undefined) closed.overQuota = true;
    const before = fake.requests.length;
    const stopped = await place.run('prefetch');
    expect([stopped.code, stopped.stderr]).toEqual([
      5,
      expect.stringMatching(/downloaded too often[\s\S]*Go on after/),
    ]);
    expect(readdirSync(join(place.cache, 'years/2021')).filter((name) => name.startsWith('b'))).toHaveLength(
      40,
    );
    const refused = fake.requests.slice(before).filter(({ status }) => status === 403);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(4);
    // Nor does it keep others from being listed.
    await upload({ entries: entries('c'), exportTime: '20260301T120000Z' });
    const synced = await place.run('sync', '--rescan');
    expect([synced.code, synced.stdout]).toEqual([3, expect.stringContaining('40 new items')]);
    expect(synced.stderr).toMatch(/downloaded too often[\s\S]*Go on after/);
    if (closed !== undefined) closed.overQuota = false;
    await ok('sync');
    await ok('prefetch');
    expect(readdirSync(join(place.cache, 'years/2021'))).toHaveLength(120);
  }, 120_000);

  it('that becomes shorter in the middle of a prefetch is read anew by the next sync, and nothing is mixed', async () => {
    const entries = Array.from({ length: 20 }, (_, at) => entry(`p${at}.jpg`, photo(at, 200_000)));
    const [file] = await upload({ entries });
    if (file === undefined) throw new Error();
    const folder = join(place.folder, 'shorter');
    mkdirSync(folder);
    const others = [0, 19].map((at) => entry(`p${at}.jpg`, photo(`new ${at}`, 200_000)));
    const [shorter] = await buildTakeout(folder, { entries: others });
    await ok('add', 'drive');
    await ok('sync');
    const asked = drive.bytesRequests();
    drive.onBytes = (_, count) => {
      if (drive.bytesRequests() === asked + 2 && file.revision === 1 && count > 0)
        drive.replace(file, shorter ?? '');
    };
    const { code, stdout } = await place.run('prefetch', '--json', '--long-range', '1M');
    expect([code, stdout]).toEqual([3, expect.stringContaining('changed since it was scanned')]);
    expect(fake.requests.filter(({ status }) => status === 416).length).toBeGreaterThan(0);
    const { failed } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { failed: { kind: string }[] };
    expect(new Set(failed.map(({ kind }) => kind))).toEqual(new Set(['source-changed']));
    const year = join(place.cache, 'years/2021');
    const before = readdirSync(year);
    expect(before.length).toBeLessThan(20);
    for (const name of before)
      expect(readFileSync(join(year, name)).equals(photo(Number(/\d+/.exec(name)), 200_000)), name).toBe(
        true,
      );
    await ok('sync');
    const fetched = await place.run('prefetch', '--json');
    const gone = JSON.parse(fetched.stdout.trim().split('\n').at(-1) ?? '') as { failed: { kind: string }[] };
    expect(new Set(gone.failed.map(({ kind }) => kind))).toEqual(new Set(['unavailable']));
    for (const at of [0, 19])
      expect(readFileSync(join(year, `p${at}.jpg`)).equals(photo(`new ${at}`, 200_000)), `p${at}`).toBe(true);
  }, 120_000);

  it('as a tgz is left alone, and with --tgz indexed and kept in one download', async () => {
    const entries = Array.from({ length: 50 }, (_, at) => entry(`p${at}.jpg`, photo(at, 200_000)));
    const [file] = await upload({ format: 'tgz', entries });
    await ok('add', 'drive');
    const refused = await place.run('sync');
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('sync --tgz')]);
    expect(drive.bytesSent()).toBe(0);
    const size = Buffer.isBuffer(file?.content) ? 0 : (file?.content.size ?? 0);
    await ok('sync', '--tgz');
    // Once, and its end, where a zip would have its directory.
    expect(drive.bytesSent()).toBeLessThan(size + (2 << 20));
    expect(readFileSync(join(place.cache, 'years/2021/p49.jpg')).equals(photo(49, 200_000))).toBe(true);
    expect(existsSync(join(place.home, 'spool'))).toBe(false);
    const sent = drive.bytesSent();
    await ok('sync');
    expect(await ok('prefetch')).toContain('safe to delete from Drive');
    expect(drive.bytesSent()).toBe(sent);
  }, 120_000);
});
