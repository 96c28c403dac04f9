/** A lost index and a moved cache, as their owner meets them. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { createPlace, type Place, until } from './run-program.ts';

let place: Place;
let parts: string[];
const entries = Array.from({ length: 12 }, (_, at) => ({
  folder: `Photos from ${2019 + (at % 2)}`,
  name: `IMG_${at}.jpg`,
  bytes: photo(at, 4000 + at),
  takenAt: Date.UTC(2019 + (at % 2), 5, 1 + at) / 1000,
}));

beforeEach(async () => {
  place = createPlace();
  parts = await buildTakeout(join(place.folder, 'takeout'), {
    entries: [...entries, ...entries.slice(0, 3).map((entry) => ({ ...entry, folder: 'Rome' }))],
    albums: [{ folder: 'Rome' }],
  });
  for (const args of [['add', 'takeout', ...parts], ['sync'], ['prefetch', '--year', '2019']]) {
    expect((await place.run(...args)).code).toBe(0);
  }
});
afterEach(() => place.clean());

const indexFiles = () => ['', '-wal', '-shm'].map((end) => join(place.home, `index.db${end}`));
const dropIndex = () => {
  for (const file of indexFiles()) rmSync(file, { force: true });
};
const status = async () =>
  JSON.parse((await place.run('status', '--json')).stdout) as Record<string, unknown>;
/** Names, numbers, times and bytes of a mount, as `ls` and `sha256sum` tell them. */
const listing = (folder: string) =>
  execFileSync('sh', ['-c', 'find . -printf "%p %i %y %m %n %s %T@ %C@ %l\\n" | sort'], {
    cwd: folder,
    encoding: 'utf8',
  });

async function mounted<T>(work: () => T | Promise<T>): Promise<T> {
  const mount = place.start('mount', place.mountPoint);
  await until(() => existsSync(join(place.mountPoint, 'years')));
  try {
    return await work();
  } finally {
    mount.child.kill('SIGINT');
    await mount.ended;
  }
}

describe('sync --rebuild', () => {
  it('gives the mount back as it was, without the archives, and fetches nothing again', async () => {
    const before = await mounted(() => listing(place.mountPoint));
    expect(before.split('\n').length).toBeGreaterThan(20);
    const { cachedFiles } = await status();
    expect(cachedFiles).toBe(6);
    dropIndex();
    const refused = await place.run('sync');
    expect(refused.stderr).toContain('sync --rebuild');
    for (const part of parts) renameSync(part, `${part}.away`);
    const rebuilt = await place.run('sync', '--rebuild');
    expect(rebuilt.stdout).toContain('restored: 12 files and 1 album, 6 cached files');
    expect(await status()).toMatchObject({ files: 12, cachedFiles: 6 });
    await mounted(() => {
      expect(listing(place.mountPoint)).toBe(before);
      expect(
        readFileSync(join(place.mountPoint, 'years/2019/IMG_0.jpg')).equals(entries[0]?.bytes as Buffer),
      ).toBe(true);
    });
    for (const part of parts) renameSync(`${part}.away`, part);
    const synced = JSON.parse((await place.run('sync', '--json')).stdout) as Record<string, unknown>;
    expect(synced).toMatchObject({ complete: true, sources: [{ newItems: 0, newFiles: 0, newAlbums: 0 }] });
    const fetched = JSON.parse((await place.run('prefetch', '--json')).stdout) as Record<string, unknown>;
    expect(fetched).toMatchObject({ complete: true, fetchedFiles: 6 });
  });

  it('changes nothing under a mount that is up', async () => {
    await mounted(async () => {
      const before = listing(place.mountPoint);
      const rebuilt = await place.run('sync', '--rebuild', '--json');
      expect(rebuilt.code).toBe(0);
      expect(JSON.parse(rebuilt.stdout.split('\n')[0] ?? '')).toMatchObject({
        type: 'rebuild',
        files: 0,
        leftOut: 0,
      });
      expect(listing(place.mountPoint)).toBe(before);
      dropIndex();
      expect((await place.run('sync', '--rebuild')).code).toBe(0);
      expect(listing(place.mountPoint)).toBe(before);
      expect(
        readFileSync(join(place.mountPoint, 'years/2019/IMG_2.jpg')).equals(entries[2]?.bytes as Buffer),
      ).toBe(true);
    });
    expect(await status()).toMatchObject({ files: 12, cachedFiles: 6 });
  });

  it('follows the advice for a damaged index', async () => {
    const [path = ''] = indexFiles();
    dropIndex();
    writeFileSync(path, 'this is no database, but long enough to be looked at as one '.repeat(100));
    const damaged = await place.run('status');
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toContain('sync --rebuild');
    renameSync(path, `${path}.damaged`);
    expect((await place.run('sync', '--rebuild')).code).toBe(0);
    expect(await status()).toMatchObject({ files: 12, cachedFiles: 6 });
  });

  it('recognises a damaged page whenever it is read, and says what to do', async () => {
    const [path = ''] = indexFiles();
    const db = new Database(path);
    const size = db.pragma('page_size', { simple: true }) as number;
    const root = db
      .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'cached'")
      .pluck()
      .get() as number;
    db.close();
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(size, 0xa5), 0, size, (root - 1) * size);
    closeSync(file);
    for (const command of ['status', 'prefetch', 'verify']) {
      const damaged = await place.run(command);
      expect(damaged.code, command).toBe(1);
      expect(damaged.stderr).toContain(`${path} is damaged`);
      expect(damaged.stderr).toContain('sync --rebuild');
    }
    renameSync(path, `${path}.damaged`);
    expect((await place.run('sync', '--rebuild')).code).toBe(0);
    expect(await status()).toMatchObject({ files: 12, cachedFiles: 6 });
  });

  it('is not the first advice where the disk of the index fails', async () => {
    const [path = ''] = indexFiles();
    const trace = join(place.folder, 'trace');
    const fault = ['-e', 'trace=pread64', '-e', 'inject=pread64:error=EIO'];
    const failed = await place.runUnder(['strace', '-f', '-o', trace, '-P', path, ...fault], 'status');
    expect(readFileSync(trace, 'utf8')).toContain('INJECTED');
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain(`${path} cannot be read or written: its disk reports an error`);
    expect(failed.stderr).toContain('Check the disk.');
  });

  it('is refused where the disk of the cache is not mounted, with nothing written there', async () => {
    const away = `${place.cache}.unmounted`;
    renameSync(place.cache, away);
    for (const what of ['missing', 'empty'] as const) {
      if (what === 'empty') mkdirSync(place.cache);
      dropIndex();
      const refused = await place.run('sync', '--rebuild');
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('Is its disk mounted?');
      expect(existsSync(place.cache) ? readdirSync(place.cache) : []).toEqual([]);
    }
    rmSync(place.cache, { recursive: true });
    renameSync(away, place.cache);
    expect((await place.run('sync', '--rebuild')).code).toBe(0);
    expect(await status()).toMatchObject({ files: 12, cachedFiles: 6 });
  });

  it('is the way back where a sync began anew while the disk of the cache was not mounted', async () => {
    const away = `${place.cache}.unmounted`;
    renameSync(place.cache, away);
    dropIndex();
    expect((await place.run('sync')).code).toBe(0);
    rmSync(place.cache, { recursive: true });
    renameSync(away, place.cache);
    const refused = await place.run('sync', '--rebuild');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('move index.db away')]);
    for (const file of indexFiles()) if (existsSync(file)) renameSync(file, `${file}.away`);
    expect((await place.run('sync', '--rebuild')).code).toBe(0);
    expect(await status()).toMatchObject({ files: 12, cachedFiles: 6 });
  });

  it('finds cached photos by path and content when the journal is lost too', async () => {
    rmSync(join(place.cache, '.gphotosfs/journal'));
    dropIndex();
    const rebuilt = await place.run('sync', '--rebuild');
    expect(rebuilt.code).toBe(0);
    expect(rebuilt.stdout).toContain('no journal');
    expect(rebuilt.stdout).toContain('6 files found in the cache');
    expect(await status()).toMatchObject({ files: 12, cachedFiles: 6 });
  });
});

describe('adopt', () => {
  it('takes the cache from where it was moved to, and no other', async () => {
    const moved = join(place.folder, 'nas', 'photos');
    mkdirSync(join(place.folder, 'nas'));
    renameSync(place.cache, moved);
    const missing = await place.run('prefetch');
    expect(missing.code).toBe(1);
    expect(existsSync(place.cache)).toBe(false);
    expect((await place.run('adopt', join(place.folder, 'nas'))).code).toBe(1);
    mkdirSync(join(place.folder, 'other', '.gphotosfs'), { recursive: true });
    writeFileSync(join(place.folder, 'other', '.gphotosfs', 'id'), 'another\n');
    expect((await place.run('adopt', 'other')).stderr).toContain('another home');
    const adopted = await place.run('adopt', 'nas/photos');
    expect(adopted.code).toBe(0);
    expect(JSON.parse(readFileSync(join(place.home, 'config.json'), 'utf8'))).toMatchObject({
      cache: moved,
      sources: [{ id: 'takeout' }],
    });
    const fetched = JSON.parse((await place.run('prefetch', '--json')).stdout) as Record<string, unknown>;
    expect(fetched).toMatchObject({ complete: true, fetchedFiles: 6 });
    expect((await place.run('verify')).code).toBe(0);
  });
});
