/**
 * The order in which a group of files is published, as the kernel sees it (strace): a power loss at any point leaves
 * partial files, or files without a row, and never a name without its bytes or a row without its file.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { sharedExport, startFetchProcess } from '../helpers/fetch-process.ts';
import { createTestHome, type TestHome } from '../helpers/test-home.ts';

let test: TestHome;
afterEach(() => test.remove());

interface Call {
  readonly name: string;
  readonly args: string;
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
        calls.push({ ...call, args: call.args + resumed[2], ended: at });
    } else if (whole !== null && Number(whole[3]) >= 0) {
      calls.push({ name: whole[1] ?? '', args: whole[2] ?? '', begun: at, ended: at });
    }
  });
  return calls.sort((a, b) => a.begun - b.begun);
}

it('is: fsync of the file, rename, fsync of the directory, journal and its fsync, index row', async () => {
  const photos = 150;
  const shared = { photos, size: 20_000, home: '', cachePath: '' };
  test = await createTestHome({ exports: [sharedExport(shared)] });
  const trace = join(test.folder, 'trace');
  const traced = 'trace=fsync,fdatasync,rename,renameat,renameat2,write,pwrite64,writev,pwritev';
  const fetching = startFetchProcess({ ...shared, home: test.home, cachePath: test.cachePath, jobs: 4 }, [
    ...['strace', '-f', '-y', '-s', '1000000', '-e', traced, '-o', trace, '-E', 'UV_USE_IO_URING=0'],
  ]);
  expect(await fetching.line('report ')).toContain('"complete":true');
  expect(await fetching.exited).toBe(0);

  const calls = parseTrace(readFileSync(trace, 'utf8'));
  const journal = join(test.cachePath, '.gphotosfs/journal');
  const isOn = (call: Call, path: string) => call.args.includes(`<${path}>`);
  const syncs = calls.filter(({ name }) => name === 'fsync' || name === 'fdatasync');
  const journalWrites = calls.filter((call) => call.name === 'write' && isOn(call, journal));
  const indexWrites = calls.filter(
    (call) => call.name === 'pwrite64' && isOn(call, join(test.home, 'index.db-wal')),
  );
  const renames = calls.filter(({ name, args }) => name.startsWith('rename') && args.includes('.jpg"'));
  expect(renames).toHaveLength(photos);
  expect(indexWrites.length).toBeGreaterThan(0);

  for (const rename of renames) {
    const [, partial = '', photo = ''] = /"[^"]*\/([^"/]+)", .*"[^"]*\/([^"/]+)"/.exec(rename.args) ?? [];
    const path = join(test.cachePath, '.gphotosfs/partial', partial);
    const fileSync = syncs.find((call) => isOn(call, path));
    const directorySync = syncs.find(
      (call) => call.begun > rename.ended && isOn(call, join(test.cachePath, 'years/2021')),
    );
    const journalWrite = journalWrites.find(({ args }) => args.includes(`years/2021/${photo}\\"`));
    const journalSync = syncs.find((call) => call.begun > (journalWrite?.ended ?? 0) && isOn(call, journal));
    const row = indexWrites.find(({ begun }) => begun > rename.begun);
    expect(fileSync?.ended, `${photo}: fsync, then rename`).toBeLessThan(rename.begun);
    expect(rename.ended, `${photo}: rename, then fsync of the directory`).toBeLessThan(
      directorySync?.begun ?? 0,
    );
    expect(directorySync?.ended, `${photo}: then the journal`).toBeLessThan(journalWrite?.begun ?? 0);
    expect(journalWrite?.ended, `${photo}: then its fsync`).toBeLessThan(journalSync?.begun ?? 0);
    expect(journalSync?.ended, `${photo}: then the row`).toBeLessThan(row?.begun ?? 0);
    const writes = calls.filter((call) => call.begun > (fileSync?.begun ?? 0) && isOn(call, path));
    expect(
      writes.filter(({ name }) => name.includes('write')),
      `${photo}: nothing is written after`,
    ).toEqual([]);
  }
  // In groups: one wait for the directory and the journal serves many files.
  expect(journalWrites.length).toBeLessThan(photos / 2);
});
