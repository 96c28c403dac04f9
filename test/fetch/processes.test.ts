/** Several processes on one home: each content is fetched once, and what a killed one left is taken over. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { everything } from '../../src/model/filter.ts';
import { planPrefetch } from '../../src/prefetch/plan.ts';
import { type FetchTaskOf, sharedExport, startFetchProcess } from '../helpers/fetch-process.ts';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  kindOf,
  openFds,
  signal,
  type TestHome,
} from '../helpers/test-home.ts';

let test: TestHome;
afterEach(() => test.remove());

async function setUp(
  task: Pick<FetchTaskOf, 'photos' | 'size' | 'distinct' | 'shape'>,
): Promise<FetchTaskOf> {
  test = await createTestHome({ exports: [sharedExport({ ...task, home: '', cachePath: '' })] });
  void test.cache;
  return { ...task, home: test.home, cachePath: test.cachePath };
}
const report = (line: string) => JSON.parse(line.slice('report '.length));

describe('processes that prefetch the same library at once', () => {
  for (const distinct of [undefined, 20]) {
    it(`open each content once in sum (${distinct ?? 'all'} different)`, async () => {
      const task = await setUp({
        photos: 120,
        size: 50_000,
        ...(distinct === undefined ? {} : { distinct }),
      });
      const processes = [0, 1, 2].map(() => startFetchProcess({ ...task, waits: true }));
      await Promise.all(processes.map(({ line }) => line('ready')));
      for (const { child } of processes) child.stdin?.write('go\n');
      const reports = (await Promise.all(processes.map(({ line }) => line('report ')))).map(report);
      expect(await Promise.all(processes.map(({ exited }) => exited))).toEqual([0, 0, 0]);
      const opened: string[] = reports.flatMap((one) => one.opened);
      expect(opened).toHaveLength(distinct ?? 120);
      expect(new Set(opened).size).toBe(opened.length);
      // All of them set out to fetch all, or the test shows nothing.
      expect(reports.map((one) => one.fetchedFiles + one.reusedFiles)).toEqual([120, 120, 120]);
      for (const one of reports) expect(one).toMatchObject({ complete: true, failed: [] });
      for (let at = 0; at < 120; at += 7)
        expectBytes(
          test.cached(`years/2021/${at}.jpg`),
          distinctBytes(distinct === undefined ? at : at % distinct, 50_000),
        );
      expect(test.partials()).toEqual([]);
    });
  }
});

describe('a partial file of another process that was swapped', () => {
  it('for a FIFO is not waited for: the reader gets an error', async () => {
    const task = await setUp({ photos: 1, size: 3_000_000 });
    const faults = [{ kind: 'stall', at: 2_000_000, file: '0.jpg' }] as const;
    const other = startFetchProcess({ ...task, faults });
    await other.line('fired stall 0.jpg');
    const path = 'years/2021/0.jpg';
    await vi.waitFor(
      async () => expectBytes(await test.read(path, 0, 1000), distinctBytes(0, 3_000_000).subarray(0, 1000)),
      {
        timeout: 30_000,
      },
    );
    expect(test.source.opened, "they are the other process's").toEqual([]);
    const [partial = ''] = test.partials();
    const folder = join(test.cachePath, '.gphotosfs/partial');
    renameSync(join(folder, partial), join(test.folder, 'moved'));
    execFileSync('mkfifo', [join(folder, partial)]);
    expect(await kindOf(test.read(path, 0, 1000))).toBe('bad-cache');
    other.child.kill('SIGKILL');
    await other.exited;
  });
});

describe('a process that is killed in the middle of a fetch', () => {
  it('is taken over, its partial file goes, and what it had published stays', async () => {
    const task = await setUp({ photos: 8, size: 3_000_000 });
    const faults = [{ kind: 'stall', at: 2_000_000, file: '5.jpg' }] as const;
    const killed = startFetchProcess({ ...task, faults, jobs: 1 });
    await killed.line('fired stall 5.jpg');
    const cached = () => planPrefetch(test.index, everything).cachedFiles;
    await vi.waitFor(() => expect(cached()).toBeGreaterThan(0), { timeout: 30_000 });
    killed.child.kill('SIGKILL');
    expect(await killed.exited).toBe('SIGKILL');
    const isOfStalled = (name: string) => name.startsWith(`${test.ino('years/2021/5.jpg')}-`);
    expect(test.partials().filter(isOfStalled), 'the kill came while a file was being written').toHaveLength(
      1,
    );
    const cachedFiles = cached();

    const next = startFetchProcess(task);
    const done = report(await next.line('report '));
    expect(done).toMatchObject({ complete: true, failed: [], fetchedFiles: 8 - cachedFiles });
    expect(done.opened).toHaveLength(8 - cachedFiles);
    for (let at = 0; at < 8; at++)
      expectBytes(test.cached(`years/2021/${at}.jpg`), distinctBytes(at, 3_000_000));
    expect(test.partials()).toEqual([]);
  });

  /** Starts a process, and reads along; then kills it in the middle. */
  async function killWhileReadAlong(shape: 'zip' | 'tgz') {
    const task = await setUp({ photos: 1, size: 3_000_000, shape });
    const faults = [{ kind: 'stall', at: 2_000_000 }] as const;
    const owner = startFetchProcess({ ...task, faults });
    await owner.line('fired');
    const opening = test.opening('years/2021/0.jpg');
    const ino = test.ino('years/2021/0.jpg');
    expectBytes(await test.fetcher.read(ino, 0, 1000, signal, opening), bytes.subarray(0, 1000));
    expect(test.source.opened).toEqual([]);
    const waiting = test.fetcher.read(ino, 2_500_000, 1000, signal);
    return { owner, ino, opening, waiting };
  }
  const bytes = distinctBytes(0, 3_000_000);

  it('while others read along: they fetch the rest of it, and what they had read is right after all', async () => {
    const { owner, ino, opening, waiting } = await killWhileReadAlong('zip');
    const [partial] = test.partials();
    owner.child.kill('SIGKILL');
    await owner.exited;
    expectBytes(await waiting, bytes.subarray(2_500_000, 2_501_000));
    expect(test.source.opened).toEqual(['0.jpg']);
    const [start = 0] = test.source.openedAt;
    expect(start, 'not from its first byte').toBeGreaterThan(1_000_000);
    expect(start).toBeLessThanOrEqual(2_000_000);
    expect(partial).toBeDefined();
    await test.ensure('years/2021/0.jpg');
    expectBytes(test.cached('years/2021/0.jpg'), bytes);
    expectBytes(await test.fetcher.read(ino, 1000, 1000, signal, opening), bytes.subarray(1000, 2000));
    expect(test.doubts).toEqual([]);
    expect(test.partials()).toEqual([]);
  });

  it('with wrong bytes on disk: they are found when the rest has come, and all of it is fetched again', async () => {
    const { owner, ino, opening, waiting } = await killWhileReadAlong('zip');
    owner.child.kill('SIGKILL');
    const [partial = ''] = test.partials();
    const fd = openSync(join(test.cachePath, '.gphotosfs/partial', partial), 'r+');
    writeSync(fd, 'wrong', 500_000);
    closeSync(fd);
    await owner.exited;
    await waiting.catch(() => {});
    await vi.waitFor(() => expect(test.doubts).toContain(ino), { timeout: 30_000 });
    expect(await kindOf(test.fetcher.read(ino, 1000, 1000, signal, opening))).toBe('bad-content');
    expectBytes(await test.read('years/2021/0.jpg'), bytes);
    expect(test.source.opened).toEqual(['0.jpg', '0.jpg']);
    expect(test.source.openedAt[1]).toBe(0);
    await test.ensure('years/2021/0.jpg');
    expectBytes(test.cached('years/2021/0.jpg'), bytes);
  });

  it('where nothing can be read from the middle: they fetch all of it, and those that had bytes are told', async () => {
    const { owner, ino, opening, waiting } = await killWhileReadAlong('tgz');
    owner.child.kill('SIGKILL');
    await owner.exited;
    expectBytes(await waiting, bytes.subarray(2_500_000, 2_501_000));
    expect(test.source.openedAt).toEqual([0]);
    // Nobody has verified what was read along.
    expect(await kindOf(test.fetcher.read(ino, 1000, 1000, signal, opening))).toBe('bad-content');
    expect(test.doubts).toEqual([ino]);
  });
});

describe('a reader in one process and a fetch in another', () => {
  it('share one fetch: bytes come from its partial file while it runs', async () => {
    const task = await setUp({ photos: 1, size: 40_000_000 });
    const bytes = distinctBytes(0, 40_000_000);
    const faults = [{ kind: 'stall', at: 39_000_000 }] as const;
    const owner = startFetchProcess({ ...task, faults });
    await owner.line('fired');
    const before = openFds().length;
    expectBytes(await test.read('years/2021/0.jpg', 500_000, 100_000), bytes.subarray(500_000, 600_000));
    expect(test.source.opened).toEqual([]);
    owner.child.kill('SIGKILL');
    await owner.exited;
    expect(openFds().length).toBeLessThan(before + 10);
  });
});
