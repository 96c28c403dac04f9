/** What `verify` finds in the cache: exactly what is wrong, and what becomes of it. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statOf } from '../../src/cache/cached-file.ts';
import { findExtra } from '../../src/cache/find-extra.ts';
import type { Finding } from '../../src/cache/finding.ts';
import { createInspectors } from '../../src/cache/inspectors.ts';
import { type VerifyRequest, verify } from '../../src/cache/verify.ts';
import { getCached, putCached } from '../../src/index/cached.ts';
import { openLeases } from '../../src/index/leases.ts';
import { changeMark, changesSince } from '../../src/index/tree.ts';
import { countCachedAfter, readVerifyCursor } from '../../src/index/verification.ts';
import { repair } from '../../src/prefetch/repair.ts';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  exportOf,
  photo,
  type TestHome,
} from '../helpers/test-home.ts';

const size = 20_000;
const bytesOf = (at: number) => distinctBytes(at + 1, size);
const nameOf = (at: number) => `p${String(at).padStart(3, '0')}.jpg`;
const pathOf = (at: number) => `years/2021/${nameOf(at)}`;

let test: TestHome;
async function create(count: number, cached = count): Promise<void> {
  const items = Array.from({ length: count }, (_, at) => photo(nameOf(at), bytesOf(at)));
  test = await createTestHome({ exports: [exportOf(items)] });
  await Promise.all(Array.from({ length: cached }, (_, at) => test.ensure(pathOf(at))));
}
afterEach(() => test.remove());

const fileOf = (at: number) => join(test.cachePath, pathOf(at));

const run = (request: Partial<VerifyRequest> = {}) =>
  verify({
    index: test.index,
    cache: test.cache,
    home: test.home,
    sample: undefined,
    inspectors: createInspectors(0),
    signal: new AbortController().signal,
    progress: () => {},
    ...request,
  });

const found = async (request: Partial<VerifyRequest> = {}): Promise<string[]> =>
  (await run(request)).findings.map(({ problem, path }) => `${problem} ${path}`).sort();

/**
 * What rot does: other bytes, and nothing in the index differs from what stat says. (Writing changes the ctime, which
 * no program can set back, so the record takes the new one.)
 */
function rot(at: number, offset = 7): void {
  const file = fileOf(at);
  const before = readFileSync(file);
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.from([before.readUInt8(offset) ^ 1]), 0, 1, offset);
  closeSync(fd);
  utimesSync(file, 1_625_097_600, 1_625_097_600);
  const ino = test.ino(pathOf(at));
  const recorded = getCached(test.index, ino);
  if (recorded === undefined) throw new Error('not cached');
  putCached(test.index, ino, { ...recorded, ...statOf(statSync(file)) });
  expect(readFileSync(file).equals(before), 'the fault did not fire').toBe(false);
}
async function repairAll(findings: readonly Finding[]) {
  const signal = new AbortController().signal;
  const { index, cache, fetcher, source } = test;
  return repair({ index, cache, fetcher, sources: [source], findings, jobs: 2, signal, progress: () => {} });
}

describe('verify finds', () => {
  it('nothing in a cache that is right', async () => {
    await create(5);
    const report = await run();
    expect(report).toMatchObject({ findings: [], checkedFiles: 5, checkedBytes: 5 * size, stopped: false });
  });

  it('100 flipped bytes in 100 of 150 files: exactly those, and repair mends all of them', async () => {
    await create(150);
    const chosen = Array.from({ length: 150 }, (_, at) => at).filter((at) => at % 3 !== 0);
    for (const at of chosen) rot(at, (at * 131) % size);
    const { findings } = await run();
    expect(findings.map(({ problem, path }) => `${problem} ${path}`).sort()).toEqual(
      chosen.map((at) => `damaged ${pathOf(at)}`),
    );
    const opened = test.source.opened.length;
    const { mended, failures } = await repairAll(findings);
    expect([mended.size, failures.size]).toEqual([100, 0]);
    expect(test.source.opened.length - opened, 'only those are fetched again').toBe(100);
    for (let at = 0; at < 150; at++) expectBytes(test.cached(pathOf(at)), bytesOf(at));
    expect(test.superseded()).toHaveLength(100);
    expect(await found()).toEqual([]);
  });

  it('what is missing, short, long, replaced, and what does not belong there', async () => {
    await create(12);
    unlinkSync(fileOf(0));
    truncateSync(fileOf(1), 100);
    appendFileSync(fileOf(2), 'x');
    rmSync(fileOf(3));
    mkdirSync(fileOf(3));
    renameSync(fileOf(4), join(test.folder, 'elsewhere.jpg'));
    symlinkSync(join(test.folder, 'elsewhere.jpg'), fileOf(4));
    rmSync(fileOf(5));
    execFileSync('mkfifo', [fileOf(5)]);
    rmSync(fileOf(6));
    copyFileSync(fileOf(7), fileOf(6));
    writeFileSync(join(test.cachePath, 'years/2021/notes.txt'), 'mine');
    mkdirSync(join(test.cachePath, 'more/deep'), { recursive: true });
    writeFileSync(join(test.cachePath, 'more/deep/file'), '');
    mkdirSync(join(test.cachePath, 'empty'));
    mkdirSync(join(test.cachePath, 'lost+found'));
    writeFileSync(join(test.cachePath, '.gphotosfs/partial/1-2-3.x'), '');
    expect(await found()).toEqual([
      `damaged ${pathOf(6)}`,
      'extra empty/',
      'extra more/deep/file',
      'extra years/2021/notes.txt',
      `long ${pathOf(2)}`,
      `missing ${pathOf(0)}`,
      `replaced ${pathOf(3)}`,
      `replaced ${pathOf(4)}`,
      `replaced ${pathOf(5)}`,
      `short ${pathOf(1)}`,
    ]);
    expect(readFileSync(join(test.cachePath, 'years/2021/notes.txt'), 'utf8')).toBe('mine');
  });

  it('a year that is a link to elsewhere, file by file, and looks at nothing behind it', async () => {
    await create(2);
    const year = join(test.cachePath, 'years/2021');
    renameSync(year, join(test.folder, 'stolen'));
    writeFileSync(join(test.folder, 'stolen', 'x'), '');
    symlinkSync(join(test.folder, 'stolen'), year);
    expect(await found()).toEqual([`replaced ${pathOf(0)}`, `replaced ${pathOf(1)}`]);
  });

  it('a file that only was touched or copied to be right, and records it anew', async () => {
    await create(2);
    utimesSync(fileOf(0), 5, 5);
    copyFileSync(fileOf(1), join(test.folder, 'copy'));
    renameSync(join(test.folder, 'copy'), fileOf(1));
    expect(await found()).toEqual([]);
    for (const at of [0, 1]) {
      expect(getCached(test.index, test.ino(pathOf(at)))).toMatchObject(statOf(statSync(fileOf(at))));
    }
    await test.read(pathOf(0));
    expect(test.source.opened).toHaveLength(2);
  });

  it('nothing in what went while its directory was being looked at', async () => {
    test = await createTestHome({
      exports: [exportOf([photo('a.jpg', 'a', { albums: ['Trip'] })], { albums: [{ folder: 'Trip' }] })],
    });
    await test.ensure('years/2021/a.jpg');
    const link = join(test.cachePath, 'albums/Trip/a.jpg');
    // A pause comes when a directory has been listed, before what is in it is looked at.
    const pauses = [...findExtra(test.index, test.cache)].length;
    expect(pauses).toBeGreaterThan(3);
    for (let at = 0; at < pauses; at++) {
      const target = readlinkSync(link);
      const walk = findExtra(test.index, test.cache);
      const told = [];
      for (let paused = 0; paused <= at; paused++) told.push(walk.next().value);
      unlinkSync(link);
      expect([...told, ...walk].filter((stray) => stray !== undefined)).toEqual([]);
      symlinkSync(target, link);
    }
  });

  it('an album link that leads elsewhere or is none', async () => {
    const items = [0, 1, 2].map((at) => photo(nameOf(at), bytesOf(at), { albums: ['Rome'] }));
    test = await createTestHome({ exports: [exportOf(items, { albums: [{ folder: 'Rome' }] })] });
    await Promise.all([0, 1, 2].map((at) => test.ensure(pathOf(at))));
    expect(await found()).toEqual([]);
    const link = (at: number) => join(test.cachePath, 'albums/Rome', nameOf(at));
    unlinkSync(link(0));
    symlinkSync('/etc/passwd', link(0));
    unlinkSync(link(1));
    writeFileSync(link(1), 'no link');
    expect(await found()).toEqual([`replaced albums/Rome/${nameOf(0)}`, `replaced albums/Rome/${nameOf(1)}`]);
  });
});

describe('a file whose bytes rotted', () => {
  beforeEach(() => create(2));

  it('is given to readers until verify finds it, and never after', async () => {
    rot(0);
    expect((await test.read(pathOf(0))).equals(bytesOf(0)), 'stat alone tells nothing').toBe(false);
    const mark = changeMark(test.index);
    expect(await found()).toEqual([`damaged ${pathOf(0)}`]);
    // Mounts tell the kernel to drop what it has of it.
    expect(changesSince(test.index, mark).inodes).toEqual([test.ino(pathOf(0))]);
    expectBytes(await test.read(pathOf(0)), bytesOf(0));
    expect(test.source.opened).toHaveLength(3);
  });

  it('is kept aside when right bytes take its place', async () => {
    rot(0);
    const wrong = readFileSync(fileOf(0));
    const { findings } = await run();
    const repaired = await repairAll(findings);
    expect([...repaired.mended]).toEqual([test.ino(pathOf(0))]);
    expectBytes(test.cached(pathOf(0)), bytesOf(0));
    const [kept = ''] = test.superseded();
    expectBytes(test.cached(`.gphotosfs/superseded/${kept}`), wrong);
    expect(await found()).toEqual([]);
  });

  it('stays where it is when no source has it, is told of each time, and readers get an error', async () => {
    rot(0);
    test.source.breakOpen({ kind: 'throw', at: 0, error: 'source-gone', times: 100 });
    const wrong = readFileSync(fileOf(0));
    const { findings } = await run();
    const { mended, failures } = await repairAll(findings);
    expect(mended.size).toBe(0);
    expect([...failures.keys()]).toEqual([test.ino(pathOf(0))]);
    expect(test.source.fired.length).toBeGreaterThan(0);
    expectBytes(test.cached(pathOf(0)), wrong);
    expect(test.superseded()).toEqual([]);
    await expect(test.read(pathOf(0))).rejects.toThrow();
    expect(await found()).toEqual([`damaged ${pathOf(0)}`]);
  });

  it('is known again when its owner puts the right bytes back', async () => {
    rot(0);
    await run();
    writeFileSync(fileOf(0), bytesOf(0));
    expect(await found()).toEqual([]);
    expectBytes(await test.read(pathOf(0)), bytesOf(0));
    expect(test.source.opened).toHaveLength(2);
  });
});

describe('repair', () => {
  it('brings back what is missing, short or replaced, and keeps what stood there', async () => {
    await create(5);
    unlinkSync(fileOf(0));
    truncateSync(fileOf(1), 10);
    rmSync(fileOf(2));
    mkdirSync(fileOf(2));
    writeFileSync(join(fileOf(2), 'inside'), 'precious');
    rmSync(fileOf(3));
    symlinkSync('/etc/passwd', fileOf(3));
    let mended = new Set<number>() as ReadonlySet<number>;
    const report = await run({
      repair: async (findings) => {
        ({ mended } = await repairAll(findings));
      },
    });
    expect(report.findings).toHaveLength(4);
    expect(mended.size).toBe(4);
    for (let at = 0; at < 5; at += 1) expectBytes(test.cached(pathOf(at)), bytesOf(at));
    const aside = test.superseded().find((name) => name.endsWith('.directory')) ?? '';
    expect(test.cached(`.gphotosfs/superseded/${aside}/inside`).toString()).toBe('precious');
    expect(await found()).toEqual([]);
  });
});

describe('a run that is stopped', () => {
  it('goes on where it stopped, and does not forget what it had found', async () => {
    await create(40);
    rot(2);
    rot(30);
    const stop = new AbortController();
    const first = await run({
      signal: stop.signal,
      progress: ({ files }) => {
        if (files === 20) stop.abort();
      },
    });
    expect(first).toMatchObject({ stopped: true, resumed: false });
    expect(first.checkedFiles).toBeGreaterThanOrEqual(20);
    expect(first.checkedFiles).toBeLessThan(30);
    const cursor = readVerifyCursor(test.index);
    expect(cursor?.wrong).toEqual([test.ino(pathOf(2))]);
    let looks = 0;
    const second = await run({ progress: () => (looks += 1) });
    expect(second).toMatchObject({ stopped: false, resumed: true, checkedFiles: 40 });
    expect(looks).toBe(40 - first.checkedFiles);
    expect(second.findings.map(({ path }) => path).sort()).toEqual([pathOf(2), pathOf(30)]);
    expect(readVerifyCursor(test.index)).toBeUndefined();
    expect(await run()).toMatchObject({ resumed: false, checkedFiles: 40 });
  });
});

describe('a run whose index takes nothing', () => {
  it('fails when all is looked at, and the next one knows what was found', async () => {
    await create(40);
    rot(2);
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);
    process.on('unhandledRejection', note);
    test.index.db.exec(`CREATE TEMP TRIGGER full BEFORE UPDATE ON main.cached
      BEGIN SELECT raise(ABORT, 'the disk is full'); END`);
    let looks = 0;
    await expect(run({ progress: () => (looks += 1) })).rejects.toThrow('the disk is full');
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', note);
    expect([looks, unhandled]).toEqual([40, []]);
    test.index.db.exec('DROP TRIGGER full');
    expect(readVerifyCursor(test.index)?.wrong).toEqual([test.ino(pathOf(2))]);
    expect(await found()).toEqual([`damaged ${pathOf(2)}`]);
  });
});

describe('a sample', () => {
  it('is a part of the files, other ones each time, and moves no cursor', async () => {
    await create(60);
    for (let at = 0; at < 60; at += 1) rot(at);
    const first = await run({ sample: 10 });
    expect(first).toMatchObject({ checkedFiles: 6, resumed: false });
    const second = await run({ sample: 10 });
    const paths = (report: typeof first) => report.findings.map(({ path }) => path).join();
    expect(first.findings).toHaveLength(6);
    // The same six of sixty twice: one in fifty million.
    expect(paths(second)).not.toBe(paths(first));
    expect(readVerifyCursor(test.index)).toBeUndefined();
    expect(await run({ sample: 0.01 })).toMatchObject({ checkedFiles: 1 });
  });
});

describe('other processes', () => {
  it('that fetch a file just now are waited for', async () => {
    await create(1);
    const right = readFileSync(fileOf(0));
    writeFileSync(fileOf(0), 'torn');
    const leases = openLeases(test.home);
    leases.acquire(`file:${test.ino(pathOf(0))}`, 'x');
    setTimeout(() => {
      writeFileSync(fileOf(0), right);
      leases.release(`file:${test.ino(pathOf(0))}`);
    }, 300);
    expect(await found()).toEqual([]);
    leases.close();
  });

  it('that verify as well are told', async () => {
    await create(1);
    const leases = openLeases(test.home);
    leases.acquire('verify');
    await expect(run()).rejects.toMatchObject({ kind: 'busy' });
    leases.close();
  });
});

describe('the index', () => {
  it('counts what is cached', async () => {
    await create(3, 2);
    expect(countCachedAfter(test.index, 0)).toEqual({ files: 2, bytes: 2 * size });
    expect(existsSync(fileOf(2))).toBe(false);
    expect(readdirSync(join(test.cachePath, 'years/2021'))).toHaveLength(2);
  });
});
