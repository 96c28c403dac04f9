/**
 * The order in which a group of files is published, as the kernel sees it (strace): a power loss at any point leaves
 * partial files, or files without a row, and never a name without its bytes or a row without its file.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPlace } from '../cli/run-program.ts';
import { sharedExport, startFetchProcess } from '../helpers/fetch-process.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { createTestHome } from '../helpers/test-home.ts';
import { buildLibrary } from '../promises/library.ts';

interface Call {
  readonly name: string;
  readonly args: string;
  readonly thread: string;
  /** Places in the trace: where it began, and where it had returned. */
  readonly begun: number;
  ended: number;
}

/** The calls of `strace -f` in the order in which they began; those that failed are left out. */
function parseTrace(text: string): Call[] {
  const calls: Call[] = [];
  const pending = new Map<string, { name: string; args: string; begun: number }>();
  text.split('\n').forEach((line, at) => {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const unfinished = /^(\w+)\((.*) <unfinished \.\.\.>$/.exec(rest);
    const resumed = /^<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)/.exec(rest);
    const whole = /^(\w+)\((.*)\) += (-?\d+)/.exec(rest);
    if (unfinished !== null) {
      pending.set(pid, { name: unfinished[1] ?? '', args: unfinished[2] ?? '', begun: at });
    } else if (resumed !== null) {
      const call = pending.get(pid);
      pending.delete(pid);
      if (call !== undefined && Number(resumed[3]) >= 0)
        calls.push({ ...call, thread: pid, args: call.args + resumed[2], ended: at });
    } else if (whole !== null && Number(whole[3]) >= 0) {
      calls.push({ name: whole[1] ?? '', args: whole[2] ?? '', thread: pid, begun: at, ended: at });
    }
  });
  return calls.sort((a, b) => a.begun - b.begun);
}

const traced = 'trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2,write,pwrite64,writev,pwritev';
const strace = (trace: string) => [
  ...['strace', '-f', '-y', '-s', '1000000', '-e', traced, '-o', trace, '-E', 'UV_USE_IO_URING=0'],
];

interface Traced {
  readonly trace: string;
  readonly home: string;
  readonly cachePath: string;
  /** Paths in the tree. */
  readonly photos: readonly string[];
}

/** @returns the threads that wrote photos */
function expectOrder({ trace, home, cachePath, photos }: Traced): Set<string> {
  const calls = parseTrace(readFileSync(trace, 'utf8'));
  const journal = join(cachePath, '.gphotosfs/journal');
  const isOn = (call: Call, path: string) => call.args.includes(`<${path}>`);
  const syncs = calls.filter(({ name }) => name === 'fsync' || name === 'fdatasync');
  const journalWrites = calls.filter((call) => call.name === 'write' && isOn(call, journal));
  const indexWrites = calls.filter(
    (call) => call.name === 'pwrite64' && isOn(call, join(home, 'index.db-wal')),
  );
  const renames = calls.filter(({ name, args }) => name.startsWith('rename') && args.includes('.jpg"'));
  expect(renames).toHaveLength(photos.length);
  expect(indexWrites.length).toBeGreaterThan(0);
  const writers = new Set<string>();

  for (const rename of renames) {
    const [, partial = '', photo = ''] = /"[^"]*\/([^"/]+)", .*"[^"]*\/([^"/]+)"/.exec(rename.args) ?? [];
    const shown = photos.find((one) => basename(one) === photo) ?? '';
    const path = join(cachePath, '.gphotosfs/partial', partial);
    const fileSync = syncs.find((call) => isOn(call, path));
    const directorySync = syncs.find(
      (call) => call.begun > rename.ended && isOn(call, join(cachePath, dirname(shown))),
    );
    const journalWrite = journalWrites.find(({ args }) => args.includes(`${shown}\\"`));
    const journalSync = syncs.find((call) => call.begun > (journalWrite?.ended ?? 0) && isOn(call, journal));
    const row = indexWrites.find(({ begun }) => begun > rename.begun);
    expect(fileSync?.ended, `${photo}: fsync, then rename`).toBeLessThan(rename.begun);
    expect(rename.ended, `${photo}: rename, then fsync of the directory`).toBeLessThan(
      directorySync?.begun ?? 0,
    );
    expect(directorySync?.ended, `${photo}: then the journal`).toBeLessThan(journalWrite?.begun ?? 0);
    expect(journalWrite?.ended, `${photo}: then its fsync`).toBeLessThan(journalSync?.begun ?? 0);
    expect(journalSync?.ended, `${photo}: then the row`).toBeLessThan(row?.begun ?? 0);
    const writes = calls.filter(({ name }) => name.includes('write')).filter((call) => isOn(call, path));
    expect(writes.length, `${photo}: is written`).toBeGreaterThan(0);
    expect(
      writes.filter(({ ended }) => ended > (fileSync?.begun ?? 0)),
      `${photo}: nothing is written after`,
    ).toEqual([]);
    for (const { thread } of writes) writers.add(thread);
  }
  // In groups: one wait for the directory and the journal serves many files.
  expect(journalWrites.length).toBeLessThan(photos.length / 2);
  return writers;
}

describe('fsync of the file, rename, fsync of the directory, journal and its fsync, index row', () => {
  it('is the order', async () => {
    const shared = { photos: 150, size: 20_000, home: '', cachePath: '' };
    const test = await createTestHome({ exports: [sharedExport(shared)] });
    try {
      const { home, cachePath } = test;
      const trace = join(test.folder, 'trace');
      const fetching = startFetchProcess({ ...shared, home, cachePath, jobs: 4 }, strace(trace));
      expect(await fetching.line('report ')).toContain('"complete":true');
      expect(await fetching.exited).toBe(0);
      const photos = Array.from({ length: shared.photos }, (_, at) => `years/2021/${at}.jpg`);
      expectOrder({ trace, home, cachePath, photos });
    } finally {
      await test.remove();
    }
  });

  it('begins, where a revision takes a name, with the former bytes: a second name, its directory, the journal', async () => {
    const place = createPlace();
    try {
      for (const [exportTime, seed] of [
        ['20260101T120000Z', 'former'],
        ['20260301T120000Z', 'newer'],
      ] as const) {
        const entries = [{ folder: 'Photos from 2021', name: 'IMG_1.jpg', bytes: photo(seed, 40_000) }];
        const archives = await buildTakeout(join(place.folder, exportTime), { exportTime, entries });
        await place.run('add', 'takeout', ...archives);
        expect((await place.run('sync')).code).toBe(0);
        if (seed === 'former') expect((await place.run('prefetch')).code).toBe(0);
      }
      const trace = join(place.folder, 'trace');
      expect((await place.runUnder(strace(trace), 'prefetch')).code).toBe(0);
      const calls = parseTrace(readFileSync(trace, 'utf8'));
      const superseded = join(place.cache, '.gphotosfs/superseded');
      const journal = join(place.cache, '.gphotosfs/journal');
      const isOn = (call: Call, path: string) => call.args.includes(`<${path}>`);
      const nextCall = (begun: number, isIt: (call: Call) => boolean): Call => {
        const call = calls.find((one) => one.begun > begun && isIt(one));
        if (call === undefined) throw new Error('there is no such call any more');
        return call;
      };
      const isSync = ({ name }: Call) => name === 'fsync' || name === 'fdatasync';
      const link = nextCall(-1, ({ name, args }) => name.startsWith('link') && args.includes('IMG_1.jpg"'));
      const directorySync = nextCall(link.ended, (call) => isSync(call) && isOn(call, superseded));
      const noted = nextCall(
        directorySync.ended,
        (call) => call.name === 'write' && isOn(call, journal) && call.args.includes('superseded'),
      );
      const journalSync = nextCall(noted.ended, (call) => isSync(call) && isOn(call, journal));
      const isRename = ({ name, args }: Call) => name.startsWith('rename') && args.includes('IMG_1.jpg"');
      const rename = nextCall(-1, isRename);
      expect(journalSync.ended).toBeLessThan(rename.begun);
      expect(calls.filter(isRename)).toHaveLength(1);
    } finally {
      await place.clean();
    }
  });

  it('is the order where threads fill, too', async () => {
    const place = createPlace();
    try {
      const library = await buildLibrary(join(place.folder, 'takeout'), { photos: 250, size: 20_000 });
      await place.run('add', 'takeout', ...library.archives);
      expect((await place.run('sync')).code).toBe(0);
      const trace = join(place.folder, 'trace');
      const onePoolThread = ['-E', 'UV_THREADPOOL_SIZE=1'];
      expect((await place.runUnder([...strace(trace), ...onePoolThread], 'prefetch')).code).toBe(0);
      const photos = [...library.files.keys()];
      const writers = expectOrder({ trace, home: place.home, cachePath: place.cache, photos });
      expect(writers.size, 'threads that wrote').toBeGreaterThan(1);
    } finally {
      await place.clean();
    }
  });
});
