/** A cache belongs to one index, and says so: nothing is written into the wrong one. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { closeIndex, openIndex } from '../../src/index/open.ts';
import type { GphotosfsError } from '../../src/model/errors.ts';
import { createTestHome, exportOf, openFds, photo } from '../helpers/test-home.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gphotosfs-binding-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
function withIndex<T>(name: string, work: (index: ReturnType<typeof openIndex>) => T): T {
  const index = openIndex(at(`${name}/index.db`));
  try {
    return work(index);
  } finally {
    closeIndex(index);
  }
}
function failure(work: () => unknown): GphotosfsError {
  try {
    work();
  } catch (error) {
    return error as GphotosfsError;
  }
  throw new Error('it did not fail');
}
const openAndClose = (path: string, index: ReturnType<typeof openIndex>) => openCache(path, index).close();

describe('a cache', () => {
  it('is made at its first use, private where it should be, and known again', () => {
    withIndex('home', (index) => {
      const before = openFds();
      openAndClose(at('cache'), index);
      expect(statSync(at('cache/.gphotosfs')).mode & 0o777).toBe(0o700);
      const id = readFileSync(at('cache/.gphotosfs/id'), 'utf8');
      expect(id).toMatch(/^[0-9a-f-]{36}\n$/);
      openAndClose(at('cache'), index);
      expect(readFileSync(at('cache/.gphotosfs/id'), 'utf8')).toBe(id);
      expect(readdirSync(at('cache/.gphotosfs')).sort()).toEqual(['id', 'partial', 'superseded']);
      expect(openFds().sort()).toEqual(before.sort());
    });
  });

  it('of another home is refused, and nothing is written', () => {
    withIndex('one', (index) => openAndClose(at('cache'), index));
    const before = readFileSync(at('cache/.gphotosfs/id'));
    const fds = openFds();
    const error = withIndex('two', (index) => failure(() => openCache(at('cache'), index)));
    expect(error).toMatchObject({ kind: 'wrong-cache', message: expect.stringContaining(at('cache')) });
    expect(error.hint).toContain('index.db');
    expect(readFileSync(at('cache/.gphotosfs/id'))).toEqual(before);
    expect(openFds().sort()).toEqual(fds.sort());
  });

  it('that is not there any more (its disk is not mounted) is refused, and nothing is made in its place', async () => {
    const test = await createTestHome({ exports: [exportOf([photo('a.jpg', 'a')])], cachePath: at('cache') });
    await test.ensure('years/2021/a.jpg');
    renameSync(at('cache'), at('unmounted'));
    expect(failure(() => openCache(at('cache'), test.index))).toMatchObject({ kind: 'wrong-cache' });
    expect(readdirSync(folder)).toEqual(['unmounted']);
    // A mount point without its disk is an empty directory.
    mkdirSync(at('cache'));
    const error = failure(() => openCache(at('cache'), test.index));
    expect(error).toMatchObject({ kind: 'wrong-cache', hint: expect.stringContaining('mounted') });
    expect(readdirSync(at('cache'))).toEqual([]);
    await test.remove();
  });

  it('whose making was cut short before its id was written is made to the end', () => {
    withIndex('home', (index) => {
      openAndClose(at('cache'), index);
      const id = readFileSync(at('cache/.gphotosfs/id'), 'utf8');
      rmSync(at('cache/.gphotosfs/id'));
      openAndClose(at('cache'), index);
      expect(readFileSync(at('cache/.gphotosfs/id'), 'utf8')).toBe(id);
    });
  });

  it('that is a file, or lies below one, is a wrong choice', () => {
    writeFileSync(at('file'), '');
    withIndex('home', (index) => {
      expect(failure(() => openCache(at('file'), index))).toMatchObject({ kind: 'usage' });
      expect(failure(() => openCache(at('file/below'), index))).toMatchObject({ kind: 'usage' });
    });
  });

  it('whose id is a directory or a link is not guessed at', () => {
    mkdirSync(at('cache/.gphotosfs/id'), { recursive: true });
    withIndex('home', (index) => {
      expect(failure(() => openCache(at('cache'), index))).toMatchObject({ kind: 'bad-cache' });
    });
  });

  it('is bound once by processes that start at the same time on a new home', async () => {
    const script = `
      import { openCache } from ${JSON.stringify(new URL('../../src/cache/cache.ts', import.meta.url).href)};
      import { openIndex, closeIndex } from ${JSON.stringify(new URL('../../src/index/open.ts', import.meta.url).href)};
      import { openLeases } from ${JSON.stringify(new URL('../../src/index/leases.ts', import.meta.url).href)};
      import { once } from 'node:events';
      process.stdout.write('ready');
      await once(process.stdin, 'data');
      const index = openIndex(${JSON.stringify(at('home/index.db'))});
      openLeases(${JSON.stringify(at('home'))}).close();
      openCache(${JSON.stringify(at('cache'))}, index).close();
      closeIndex(index);
      process.exit(0);`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        stdio: ['pipe', 'pipe', 'inherit'],
        cwd: new URL('../..', import.meta.url),
      }),
    );
    await Promise.all(children.map(({ stdout }) => new Promise((resolve) => stdout?.once('data', resolve))));
    const exits = children.map(
      (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve)),
    );
    for (const { stdin } of children) stdin?.end('go');
    expect(await Promise.all(exits)).toEqual([0, 0, 0, 0]);
    const id = readFileSync(at('cache/.gphotosfs/id'), 'utf8').trim();
    withIndex('home', (index) => openAndClose(at('cache'), index));
    expect(readFileSync(at('cache/.gphotosfs/id'), 'utf8').trim()).toBe(id);
    expect(readdirSync(at('cache/.gphotosfs')).sort()).toEqual(['id', 'partial', 'superseded']);
    chmodSync(at('cache'), 0o755);
  });
});
