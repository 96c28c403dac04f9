/** `mount` and `unmount` as a user runs them. */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mountAt } from '../../src/mount/mount-table.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { createPlace, type Place, type Running, until } from './run-program.ts';

let place: Place;
beforeEach(async () => {
  place = createPlace();
  await addExport('20260101T120000Z', 2020);
  expect((await place.run('sync')).code).toBe(0);
});
afterEach(() => place.clean());

/** Adds an export with one photo of that year; gives the archive. */
async function addExport(exportTime: string, year: number): Promise<string> {
  const folder = `Photos from ${year}`;
  const takenAt = Date.UTC(year, 6) / 1000;
  const [part = ''] = await buildTakeout(join(place.folder, 'takeout'), {
    exportTime,
    entries: [{ folder, name: 'IMG.jpg', bytes: photo(year, 100_000), takenAt }],
  });
  expect((await place.run('add', 'takeout', part)).code).toBe(0);
  return part;
}

const photoPath = (year: number): string => join(place.mountPoint, `years/${year}/IMG.jpg`);
const isMounted = (): boolean => mountAt(place.mountPoint) !== undefined;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended stays in the table until its parent, here perhaps nobody, has asked.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function startMount(...args: string[]): Promise<Running> {
  const running = place.start('mount', place.mountPoint, ...args);
  await Promise.race([until(() => running.stdout().includes('\n')), running.ended]);
  return running;
}

interface Daemon {
  readonly pid: number;
  readonly log: string;
}

async function startDaemon(...args: string[]): Promise<Daemon> {
  const { code, stdout, stderr } = await place.run('mount', place.mountPoint, '--daemon', '--json', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Daemon;
}

describe('mount', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('serves photos until %s', async (signal) => {
    const running = await startMount();
    expect(running.stdout()).toContain(`${place.mountPoint} is mounted`);
    expect(readdirSync(place.mountPoint).sort()).toEqual(['albums', 'years']);
    expect(readFileSync(photoPath(2020))).toEqual(photo(2020, 100_000));
    running.child.kill(signal);
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
    expect(isMounted()).toBe(false);
  });

  it('ends with 0 when it is unmounted from outside', async () => {
    const running = await startMount();
    const unmounted = await place.run('unmount', place.mountPoint);
    expect(unmounted).toMatchObject({ code: 0, stderr: '', stdout: `${place.mountPoint} is unmounted\n` });
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('was unmounted');
  });

  it('shows owner and permissions as asked', async () => {
    const running = await startMount('--uid', '1234', '--gid', '2345', '--umask', '077');
    const stats = statSync(photoPath(2020));
    expect([stats.uid, stats.gid, stats.mode & 0o777]).toEqual([1234, 2345, 0o400]);
    running.child.kill();
    await running.ended;
  });

  it('is refused where it would hide its own home, and where there is no directory', async () => {
    const inside = await place.run('mount', place.folder);
    expect(inside.code).not.toBe(0);
    expect(inside.stderr).toContain(place.folder);
    const nowhere = await place.run('mount', join(place.folder, 'nowhere'));
    expect(nowhere.code).toBe(7);
    expect(nowhere.stderr).toContain('mkdir -p');
    writeFileSync(join(place.mountPoint, 'something'), '');
    const full = await place.run('mount', place.mountPoint);
    expect(full.code).toBe(7);
    expect(full.stderr).toContain('not empty');
  });

  it('is refused where it is mounted already, and the first goes on', async () => {
    const running = await startMount();
    const second = await place.run('mount', place.mountPoint);
    expect(second.code).toBe(7);
    expect(second.stderr).toContain('mounted already');
    expect(readdirSync(place.mountPoint)).toHaveLength(2);
    running.child.kill();
    expect((await running.ended).code).toBe(0);
  });

  it('clears the dead mount that a killed process left', async () => {
    const killed = await startMount();
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(isMounted()).toBe(true);
    const running = await startMount();
    expect(readFileSync(photoPath(2020))).toEqual(photo(2020, 100_000));
    running.child.kill();
    expect((await running.ended).code).toBe(0);
    expect(isMounted()).toBe(false);
  });
});

describe('unmount', () => {
  it('takes a dead mount away', async () => {
    const killed = await startMount();
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(isMounted()).toBe(true);
    expect((await place.run('unmount', place.mountPoint)).code).toBe(0);
    expect(isMounted()).toBe(false);
  });

  it('detaches a mount that is in use, and says so', async () => {
    const running = await startMount();
    const fd = openSync(photoPath(2020), 'r');
    try {
      const ended = await place.run('unmount', place.mountPoint, '--json');
      expect(ended.code).toBe(0);
      expect(JSON.parse(ended.stdout)).toMatchObject({ type: 'unmounted', lazily: true });
      expect(ended.stderr).toContain('was in use');
      expect(isMounted()).toBe(false);
    } finally {
      closeSync(fd);
    }
    expect((await running.ended).code).toBe(0);
  });

  it('touches nothing that is not a mount of gphotosfs', async () => {
    const none = await place.run('unmount', place.mountPoint);
    expect(none.code).toBe(7);
    expect(none.stderr).toContain('nothing is mounted');
    const foreign = await place.run('unmount', '/proc');
    expect(foreign.code).toBe(7);
    expect(foreign.stderr).toContain('not a mount of gphotosfs');
    expect(mountAt('/proc')).toBeDefined();
  });
});

describe('mount --daemon', () => {
  it('returns when the mount answers, and lives until it is unmounted', async () => {
    const { pid } = await startDaemon();
    expect(readFileSync(photoPath(2020))).toEqual(photo(2020, 100_000));
    expect(isAlive(pid)).toBe(true);
    expect((await place.run('unmount', place.mountPoint)).code).toBe(0);
    await until(() => !isAlive(pid));
  });

  it('ends cleanly when it is told to by a signal', async () => {
    const { pid, log } = await startDaemon('--log-level', 'debug');
    expect(statSync(log).mode & 0o777).toBe(0o600);
    process.kill(pid, 'SIGTERM');
    await until(() => !isAlive(pid));
    expect(isMounted()).toBe(false);
  });

  it('fails as the mount fails', async () => {
    writeFileSync(join(place.mountPoint, 'something'), '');
    const ended = await place.run('mount', '--daemon', place.mountPoint);
    expect(ended.code).toBe(7);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toContain('not empty');
    expect(ended.stderr).toContain('Choose an empty directory');
    expect(readFileSync(join(place.home, 'mount.log'), 'utf8')).toContain('not empty');
  });
});

describe('a mount that is up', () => {
  it('fetches from sources that are added meanwhile', async () => {
    const running = await startMount();
    const [part = ''] = await buildTakeout(join(place.folder, 'other'), {
      exportTime: '20260201T120000Z',
      entries: [{ folder: 'Photos from 2019', name: 'IMG.jpg', bytes: photo(2019, 100_000) }],
    });
    expect((await place.run('add', 'takeout', '--account', 'other', part)).code).toBe(0);
    expect((await place.run('sync')).code).toBe(0);
    await until(() => readdirSync(join(place.mountPoint, 'years')).includes('2019'), 60_000);
    expect(readFileSync(photoPath(2019))).toEqual(photo(2019, 100_000));
    expect(running.stderr()).toBe('');
  });
});

describe('mount --sync-every', () => {
  it('shows what was added meanwhile, and outlives a sync that fails', async () => {
    const { log } = await startDaemon('--sync-every', '1s');
    const part = await addExport('20260301T120000Z', 2021);
    await until(() => readdirSync(join(place.mountPoint, 'years')).includes('2021'));
    expect(readFileSync(photoPath(2020))).toEqual(photo(2020, 100_000));

    truncateSync(part, 5000);
    await until(() => readFileSync(log, 'utf8').includes(`${part}: is damaged`));
    writeFileSync(join(place.home, 'config.json'), '{ "chache": 1 }');
    await until(() => readFileSync(log, 'utf8').includes('sync failed'));
    expect(readdirSync(join(place.mountPoint, 'years'))).toEqual(['2020', '2021']);
    writeFileSync(join(place.home, 'config.json'), '{}');
  });
});
