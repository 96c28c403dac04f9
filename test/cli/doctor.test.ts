/** `doctor`, on homes with the faults that it is to find. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { longestFit } from '../../src/cache/place.ts';
import { buildTakeout, photo, type TakeoutSpec } from '../helpers/takeout-builder.ts';
import { createPlace, type Place, until } from './run-program.ts';

let place: Place;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

interface CheckRecord {
  readonly check: string;
  readonly verdict: string;
  readonly says: string;
  readonly remedy: string | null;
}

async function doctor(
  ...args: string[]
): Promise<{ code: number | null; checks: CheckRecord[]; worst: unknown }> {
  const { code, stdout } = await place.run(...args, '--json', 'doctor');
  const records = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const last = records.pop();
  expect(last?.type).toBe('doctor');
  return { code, checks: records as unknown as CheckRecord[], worst: last?.worst };
}

/** What isn't well, by check. */
async function complaints(
  ...args: string[]
): Promise<{ code: number | null; found: Map<string, CheckRecord> }> {
  const { code, checks } = await doctor(...args);
  const found = new Map(checks.filter(({ verdict }) => verdict !== 'ok').map((one) => [one.check, one]));
  for (const { remedy } of found.values()) expect(remedy).toMatch(/\w/);
  return { code, found };
}

const entries = Array.from({ length: 6 }, (_, at) => ({
  folder: 'Photos from 2021',
  name: `IMG_${at}.jpg`,
  bytes: photo(at, 3000 + at),
  takenAt: Date.UTC(2021, 5, 1 + at) / 1000,
}));
const spec: TakeoutSpec = { entries, albums: [], parts: 3 };

async function syncedHome(): Promise<string[]> {
  const parts = await buildTakeout(join(place.folder, 'takeout'), spec);
  expect((await place.run('add', 'takeout', ...parts)).code).toBe(0);
  expect((await place.run('sync')).code).toBe(0);
  return parts;
}

describe('doctor', () => {
  it('says whether the kernel reads cached files by itself, and why not', async () => {
    const says = async () => (await doctor()).checks.find(({ check }) => check === 'passthrough');
    expect((await says())?.says).toMatch(/^(the kernel reads cached files|cached files are read through) /);
    place.clean();
    place = createPlace({ GPHOTOSFS_PASSTHROUGH: 'off' });
    expect(await says()).toMatchObject({
      verdict: 'ok',
      says: 'cached files are read through gphotosfs: the option passthrough is off',
    });
  });

  it('makes nothing where nothing is yet, and warns of the missing source alone', async () => {
    const { code, checks, worst } = await doctor();
    expect(checks.filter(({ verdict }) => verdict !== 'ok').map(({ check }) => check)).toEqual(['sources']);
    expect({ code, worst }).toEqual({ code: 3, worst: 'warning' });
    expect(existsSync(place.home)).toBe(false);
  });

  it('finds nothing wrong with a home in order, for people and programs, and leaves no file', async () => {
    await syncedHome();
    const { code, checks, worst } = await doctor();
    expect(checks.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect({ code, worst }).toEqual({ code: 0, worst: 'ok' });
    const names = new Set(checks.map(({ check }) => check));
    for (const name of ['device', 'mounting', 'clock', 'index', 'cache', 'file system', 'space', 'archives'])
      expect(names).toContain(name);
    expect(readdirSync(join(place.cache, '.gphotosfs', 'partial'))).toEqual([]);
    const { stdout } = await place.run('doctor');
    expect(stdout).toContain('names of up to 255 bytes');
    expect(stdout.trim().split('\n').at(-1)).toBe('All is well.');
  });

  it('sees an index that is no database, one with damaged pages, and rows that contradict', async () => {
    await syncedHome();
    const index = join(place.home, 'index.db');
    const kept = join(place.folder, 'kept.db');
    const db = new Database(index);
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.close();
    copyFileSync(index, kept);

    const rows = new Database(index);
    rows.exec('DELETE FROM inode WHERE ino IN (SELECT ino FROM file LIMIT 2)');
    rows.pragma('wal_checkpoint(TRUNCATE)');
    rows.close();
    const contradicting = await complaints();
    expect(contradicting.found.get('index')?.says).toContain('2 entries that lead to no inode');
    expect(contradicting.code).toBe(1);

    const restore = () => {
      for (const end of ['-wal', '-shm']) rmSync(`${index}${end}`, { force: true });
      copyFileSync(kept, index);
    };
    restore();
    truncateSync(index, Math.floor(statSync(index).size / 8192) * 4096);
    expect((await complaints()).found.get('index')?.remedy).toContain('sync --rebuild');
    restore();
    writeFileSync(index, 'this is no database, though it is long enough to be read as one '.repeat(100));
    const none = await complaints();
    expect(none.found.get('index')?.says).toContain('is damaged');
    expect(none.code).toBe(1);
  });

  it('sees a disk that is not mounted, and a cache of another home', async () => {
    await syncedHome();
    renameSync(place.cache, `${place.cache}.away`);
    mkdirSync(place.cache);
    const away = await complaints();
    expect(away.found.get('cache')?.remedy).toContain('Is its disk mounted?');
    expect(readdirSync(place.cache)).toEqual([]);
    mkdirSync(join(place.cache, '.gphotosfs'));
    writeFileSync(join(place.cache, '.gphotosfs', 'id'), 'another\n');
    expect((await complaints()).found.get('cache')?.says).toContain('the cache of another index');
  });

  it('sees a file system that is gone at the next start, and one that is full', async () => {
    const small = join(place.folder, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]);
    try {
      const parts = await buildTakeout(join(place.folder, 'takeout'), {
        ...spec,
        entries: entries.map((entry, at) => ({ ...entry, bytes: photo(at, 40_000) })),
      });
      await place.run('add', 'takeout', ...parts);
      expect((await place.run('--cache', join(small, 'cache'), 'sync')).code).toBe(0);
      const { code, found } = await complaints('--cache', join(small, 'cache'));
      expect(found.get('file system')?.says).toContain('tmpfs');
      expect(found.get('space')?.says).toMatch(/kB free for the cache, 240\.0 kB to be fetched/);
      expect(code).toBe(3);
    } finally {
      execFileSync('umount', [small]);
    }
  });

  it('sees a missing part, and an archive that is gone before it was cached', async () => {
    const parts = await buildTakeout(join(place.folder, 'takeout'), spec);
    expect(parts).toHaveLength(3);
    unlinkSync(parts[1] ?? '');
    await place.run('add', 'takeout', join(place.folder, 'takeout'));
    await place.run('sync');
    const missing = await complaints();
    expect(missing.found.get('archives')?.says).toContain('missing part 2');
    expect(missing.code).toBe(3);
    unlinkSync(parts[0] ?? '');
    const { code, checks } = await doctor();
    const says = checks.filter(({ check }) => check === 'archives').map((one) => one.says);
    expect(says.some((one) => one.startsWith(`${parts[0]} is gone, and `))).toBe(true);
    expect(code).toBe(1);
  });

  it('sees what others may read or change', async () => {
    await syncedHome();
    const token = join(place.home, 'token.json');
    writeFileSync(token, '{}', { mode: 0o600 });
    chmodSync(token, 0o644);
    const read = await complaints();
    expect(read.found.get('permissions')).toMatchObject({
      verdict: 'failed',
      remedy: `Run: chmod 600 ${token}`,
    });
    expect(read.code).toBe(1);
    chmodSync(token, 0o600);
    chmodSync(join(place.home, 'config.json'), 0o666);
    expect((await complaints()).found.get('permissions')?.says).toContain('can be changed by others');
  });

  it('sees the mount of a gphotosfs that was killed, but not a live one as dead', async () => {
    await syncedHome();
    const server = place.start('mount', place.mountPoint);
    await until(() => server.stdout().includes('is mounted'));
    const live = await doctor();
    // Other tests mount meanwhile, and the check names all mounts of the machine.
    const ofLive = live.checks.find(
      ({ check, says }) => check === 'mounts' && says.includes(place.mountPoint),
    );
    expect(ofLive?.verdict).toBe('ok');
    server.child.kill('SIGKILL');
    await server.ended;
    const dead = await doctor();
    expect(
      dead.checks
        .filter(({ check, verdict }) => check === 'mounts' && verdict === 'failed')
        .map(({ remedy }) => remedy),
    ).toContain(`Run: gphotosfs unmount ${place.mountPoint}`);
  });

  it('sees a clock that was set back', async () => {
    await syncedHome();
    const db = new Database(join(place.home, 'index.db'));
    db.prepare("UPDATE setting SET value = ? WHERE key = 'lastSync'").run(
      String(Math.floor(Date.now() / 1000) + 86_400),
    );
    db.close();
    expect((await complaints()).found.get('clock')?.says).toContain('before the last sync');
  });
});

describe('the longest name that fits', () => {
  it('is found for every limit', () => {
    for (const limit of [0, 1, 30, 143, 239, 240, 254, 255, 300])
      expect(longestFit(255, (length) => length <= limit)).toBe(Math.min(limit, 255));
  });
});
