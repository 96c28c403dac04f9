/** `verify` as a user or cron runs it: exit codes, JSON, interruption, repair. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statOf } from '../../src/cache/cached-file.ts';
import { getCached, putCached } from '../../src/index/cached.ts';
import { closeIndex, openIndex } from '../../src/index/open.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { inodeOf } from '../helpers/test-home.ts';
import { createPlace, type Ended, type Place, until } from './run-program.ts';

let place: Place;
let parts: string[];
const entries = Array.from({ length: 30 }, (_, at) => ({
  folder: 'Photos from 2021',
  name: `IMG_${String(at).padStart(2, '0')}.jpg`,
  bytes: photo(at, 5000 + at),
  takenAt: Date.UTC(2021, 5, 1 + (at % 28)) / 1000,
}));
const pathOf = (at: number) => `years/2021/${entries[at]?.name}`;
const fileOf = (at: number) => join(place.cache, pathOf(at));

beforeEach(async () => {
  place = createPlace();
  parts = await buildTakeout(join(place.folder, 'takeout'), { entries });
  for (const args of [['add', 'takeout', ...parts], ['sync'], ['prefetch']]) {
    expect((await place.run(...args)).code).toBe(0);
  }
});
afterEach(() => place.clean());

interface Line {
  readonly type: string;
  readonly [key: string]: unknown;
}
const linesOf = ({ stdout }: Ended): Line[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** Changes bytes so that neither stat nor the index shows it, as rot does. */
function rot(...which: readonly number[]): void {
  const index = openIndex(join(place.home, 'index.db'));
  for (const at of which) {
    const bytes = readFileSync(fileOf(at));
    bytes.writeUInt8(bytes.readUInt8(100) ^ 4, 100);
    writeFileSync(fileOf(at), bytes);
    record(index, at);
  }
  closeIndex(index);
}

function record(index: ReturnType<typeof openIndex>, at: number): void {
  const ino = inodeOf(index, pathOf(at));
  const recorded = getCached(index, ino);
  if (recorded === undefined) throw new Error('not cached');
  putCached(index, ino, { ...statOf(statSync(fileOf(at))), sha256: recorded.sha256 });
}

describe('verify', () => {
  it('ends with 0 when all is right, with 3 when it lists something', async () => {
    const good = await place.run('verify');
    expect(good.code).toBe(0);
    expect(good.stdout).toContain('30 files checked');
    expect(good.stdout).toContain('All is right.');
    rot(3, 17);
    unlinkSync(fileOf(5));
    writeFileSync(join(place.cache, 'stray'), '');
    const bad = await place.run('verify', '--json');
    expect(bad.code).toBe(3);
    const lines = linesOf(bad);
    const summary = lines.pop();
    const seen = lines.map(({ type, problem, path, repaired }) => [type, problem, path, repaired]);
    expect(seen.sort((a, b) => String(a).localeCompare(String(b)))).toEqual([
      ['finding', 'damaged', pathOf(3), false],
      ['finding', 'damaged', pathOf(17), false],
      ['finding', 'extra', 'stray', false],
      ['finding', 'missing', pathOf(5), false],
    ]);
    expect(summary).toMatchObject({
      type: 'verify',
      complete: true,
      checkedFiles: 30,
      found: 4,
      repaired: 0,
    });
    expect(summary?.threads).toBeGreaterThan(0);
    const { stdout } = await place.run('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ cachedFiles: 27, damaged: 3, complete: false });
    expect((await place.run('status')).stdout).toMatch(/damaged +3 files/);
    const text = await place.run('verify');
    expect(text.code).toBe(3);
    expect(text.stdout).toMatch(/damaged +years\/2021\/IMG_03\.jpg/);
    expect(text.stdout).toContain('verify --repair');
  });

  it('repairs what a source has (0), and leaves what none has (3)', async () => {
    rot(3);
    unlinkSync(fileOf(5));
    const repaired = await place.run('verify', '--repair', '--json');
    expect(repaired.code).toBe(0);
    expect(linesOf(repaired).at(-1)).toMatchObject({ found: 2, repaired: 2 });
    for (const at of [3, 5]) expect(readFileSync(fileOf(at)).equals(entries[at]?.bytes as Buffer)).toBe(true);
    expect(readdirSync(join(place.cache, '.gphotosfs/superseded'))).toHaveLength(1);
    expect((await place.run('verify')).code).toBe(0);
    const { stdout } = await place.run('status', '--json');
    const folder = join(place.cache, '.gphotosfs/superseded');
    expect(JSON.parse(stdout)).toMatchObject({ cachedFiles: 30, damaged: 0, complete: true });
    expect(JSON.parse(stdout).superseded).toEqual({ files: 1, bytes: 5003, folder });

    rot(4);
    for (const part of parts) rmSync(part);
    const wrong = readFileSync(fileOf(4));
    const left = await place.run('verify', '--repair');
    expect(left.code).toBe(3);
    expect(left.stdout).toContain(pathOf(4));
    expect(left.stdout).toContain('Nothing was deleted.');
    expect(readFileSync(fileOf(4)).equals(wrong)).toBe(true);
  });

  it('ends with 130 when interrupted, in the middle of a file too, and goes on from there', async () => {
    const saved = join(place.folder, 'saved.jpg');
    copyFileSync(fileOf(29), saved);
    // As long as it takes to hash it, there is time to interrupt.
    truncateSync(fileOf(29), 8 * 2 ** 30);
    const index = openIndex(join(place.home, 'index.db'));
    record(index, 29);
    const running = place.start('verify', '--json');
    await until(() => running.stderr().includes('"progress"'));
    const since = performance.now();
    running.child.kill('SIGINT');
    const ended = await running.ended;
    expect(performance.now() - since).toBeLessThan(3000);
    expect(ended.code).toBe(130);
    const first = linesOf(ended).at(-1);
    expect(first).toMatchObject({ complete: false, found: 0 });
    copyFileSync(saved, fileOf(29));
    record(index, 29);
    closeIndex(index);
    const again = await place.run('verify', '--json');
    expect(again.code).toBe(0);
    expect(linesOf(again).at(-1)).toMatchObject({ complete: true, resumed: true, checkedFiles: 30 });
  });

  it('takes a sample', async () => {
    const sampled = await place.run('verify', '--sample', '10', '--json');
    expect(linesOf(sampled)).toMatchObject([{ checkedFiles: 3, complete: true }]);
    for (const wrong of ['0', '101', 'x', '-1']) {
      expect((await place.run('verify', '--sample', wrong)).code).toBe(2);
    }
  });

  it('tells what else is wrong where a directory of a failing disk gives an error', async () => {
    rot(3);
    const trace = join(place.folder, 'trace');
    const year = join(place.cache, 'years/2021');
    const inject = ['-e', 'trace=getdents64', '-e', 'inject=getdents64:error=EIO'];
    const ended = await place.runUnder(
      ['strace', '-f', '-o', trace, '-P', year, ...inject],
      'verify',
      '--json',
    );
    expect(readFileSync(trace, 'utf8'), 'the fault fired').toMatch(/EIO.*INJECTED/);
    expect(ended.code, ended.stderr).toBe(3);
    expect(linesOf(ended)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ problem: 'damaged', path: pathOf(3) }),
        expect.objectContaining({ problem: 'unreadable', path: 'years/2021/' }),
      ]),
    );
  });

  /** Root may read everything, so the program runs as somebody else, in a copy of the home that is theirs. */
  function ordinaryUser() {
    const isRoot = process.getuid?.() === 0;
    const home = isRoot ? join(place.folder, 'theirs') : place.home;
    if (isRoot) {
      chmodSync(place.folder, 0o755);
      spawnSync('cp', ['-a', place.home, home]);
      spawnSync('chown', ['-R', '65534:65534', home]);
      mkdirSync(join(place.folder, 'tmp'));
      chownSync(join(place.folder, 'tmp'), 65534, 65534);
    }
    const program = new URL('../../dist/bin.cjs', import.meta.url).pathname;
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [program, '--home', home, ...args], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: place.folder },
        ...(isRoot ? { uid: 65534, gid: 65534 } : {}),
      });
    return { cache: join(home, relative(place.home, place.cache)), run };
  }

  it('leaves what it may not read to prefetch and --repair, which fetch it again and keep it aside', async () => {
    for (const command of [['prefetch'], ['verify', '--repair']]) {
      for (const at of [2, 3]) chmodSync(fileOf(at), 0);
      const { cache, run } = ordinaryUser();
      const ended = run(...command);
      expect([ended.status, ended.stderr]).toEqual([0, expect.not.stringContaining('EACCES')]);
      for (const at of [2, 3])
        expect(readFileSync(join(cache, pathOf(at))).equals(entries[at]?.bytes as Buffer)).toBe(true);
      const folder = join(cache, '.gphotosfs/superseded');
      const kept = readdirSync(folder).map((name) => statSync(join(folder, name)));
      expect(kept.map(({ mode, size }) => [mode & 0o777, size]).sort()).toEqual([
        [0, 5002],
        [0, 5003],
      ]);
      expect(run('verify').status).toBe(0);
      for (const name of readdirSync(folder)) unlinkSync(join(folder, name));
      for (const name of ['theirs', 'tmp'])
        rmSync(join(place.folder, name), { recursive: true, force: true });
    }
  });

  it('tells of what it may not read', async () => {
    chmodSync(fileOf(2), 0);
    const ended = ordinaryUser().run('verify', '--json');
    expect(ended.stderr).not.toContain('"error"');
    expect(ended.status).toBe(3);
    const lines = ended.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    expect(lines.slice(0, -1)).toMatchObject([
      { problem: 'unreadable', path: pathOf(2), detail: expect.stringContaining('EACCES') },
    ]);
  });
});
