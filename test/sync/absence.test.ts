/** What a scan does not mention stays; a sync that breaks leaves nothing half; one source's trouble is its own. */
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { transaction } from '../../src/index/open.ts';
import { layoutOf } from '../../src/index/settings.ts';
import { readStatus } from '../../src/index/status.ts';
import { GphotosfsError } from '../../src/model/errors.ts';
import { applyPage } from '../../src/sync/apply.ts';
import { beginScan } from '../../src/sync/scan-state.ts';
import { failureOf } from '../helpers/archive-reading.ts';
import { photo, viewFiles, viewItems } from '../helpers/library-view.ts';
import {
  type MemoryExport,
  type MemorySource,
  memorySource,
  type ScanFault,
} from '../helpers/memory-source.ts';
import { scanPages } from '../helpers/scanning.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';
import { killedExport, startSyncProcess } from '../helpers/sync-process.ts';

let home: SyncHome;
let source: MemorySource;
beforeEach(() => {
  home = openSyncHome();
  source = memorySource({ pageSize: 2, exports: [library] });
});
afterEach(() => home.dispose());

const library: MemoryExport = {
  id: 'e1',
  time: 100,
  albums: [{ folder: 'A', date: 1 }],
  items: Array.from({ length: 10 }, (_, at) =>
    photo(`${at}.jpg`, at % 3 === 0 ? { provisional: true, albums: ['A'] } : { takenAt: at, albums: ['A'] }),
  ),
};

/** All of the tree but the directories' times, which tell when something came. */
const tree = () =>
  [...home.tree()].map(([path, { kind, mtime, ctime, ...rest }]) =>
    kind === 'directory' ? [path, rest] : [path, rest, mtime, ctime],
  );

describe('a listing that is wrong', () => {
  const faults: readonly ScanFault[] = [
    { kind: 'empty' },
    { kind: 'short', pages: 0 },
    { kind: 'short', pages: 2 },
    { kind: 'halved' },
    { kind: 'repeated' },
    { kind: 'throw', pages: 0, error: 'source-gone' },
    { kind: 'throw', pages: 3, error: 'source-unreachable' },
    { kind: 'throw', pages: 3, error: new TypeError('a defect of the source') },
  ];
  it.each(faults.map((fault) => [JSON.stringify(fault), fault] as const))(
    '%s removes and changes nothing',
    async (_, fault) => {
      await home.sync(source);
      const before = tree();
      expect(before).toHaveLength(24);
      source.breakScan(fault);
      await home.sync(source, { rescan: true });
      expect(source.fired).toEqual([`${fault.kind} scan`]);
      expect(tree()).toEqual(before);
      expect(viewFiles(home.index).every(({ at }) => at.length === 1)).toBe(true);
      await home.sync(source, { rescan: true });
      expect(tree()).toEqual(before);
    },
  );

  it.each(faults.map((fault) => [JSON.stringify(fault), fault] as const))(
    '%s at first, then a whole one, lists all of it once',
    async (_, fault) => {
      source.breakScan(fault);
      const [first] = (await home.sync(source)).sources;
      expect(source.fired).toEqual([`${fault.kind} scan`]);
      expect(first?.error === undefined).toBe(fault.kind !== 'throw');
      home = home.reopen();
      const [second] = (await home.sync(source)).sources;
      expect((first?.newItems ?? 0) + (second?.newItems ?? 0)).toBe(10);
      expect(viewItems(home.index)).toHaveLength(10);
      expect([...home.albums()].sort()).toEqual(library.items.map((_, at) => `A/${at}.jpg`));
    },
  );

  it('leaves the tree as it was when its archives are gone', async () => {
    await home.sync(source);
    const before = tree();
    source.exports = [];
    await home.sync(source);
    expect(tree()).toEqual(before);
  });
});

describe('a sync that breaks', () => {
  it('goes on behind the last page that was applied', async () => {
    source.breakScan({ kind: 'throw', pages: 2, error: 'quota' });
    const [report] = (await home.sync(source)).sources;
    expect(report).toMatchObject({ newItems: 4, error: { kind: 'quota' } });
    expect(readStatus(home.index)).toMatchObject({ items: 4, lastSync: undefined });
    home = home.reopen();
    const [next] = (await home.sync(source)).sources;
    expect(next).toMatchObject({ newItems: 6, newAlbums: 1, error: undefined });
    expect(readStatus(home.index).lastSync).toBeGreaterThan(0);
  });

  it('has each page whole or not at all', async () => {
    const [first, second] = await scanPages(source);
    if (first === undefined || second === undefined) throw new Error('two pages are needed');
    const scan = beginScan(home.index, source, layoutOf(home.index));
    transaction(home.index, () => applyPage(scan, first, 1));
    const before = { tree: tree(), items: viewItems(home.index) };
    // Memos are the last thing of a page: with them fail its names, its files and their places.
    const failing = {
      ...second,
      get memos(): never {
        throw new Error('the crash');
      },
    };
    expect(() => transaction(home.index, () => applyPage(scan, failing, 2))).toThrow('the crash');
    expect({ tree: tree(), items: viewItems(home.index) }).toEqual(before);
    transaction(home.index, () => applyPage(scan, second, 3));
    expect(viewItems(home.index)).toHaveLength(4);
  });

  it('has written its names to the journal before the index shows them', async () => {
    await home.sync(memorySource());
    const path = join(home.cachePath, '.gphotosfs', 'journal');
    // The journal takes the records but can't be synced: a failure just between journal and commit.
    const trace = join(home.home, 'trace');
    const fault = ['-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:error=EIO'];
    const { child } = startSyncProcess({ home: home.home, photos: 4 }, [
      ...['strace', '-f', '-o', trace, '-P', path, ...fault, '-E', 'UV_USE_IO_URING=0'],
    ]);
    expect((await once(child, 'close'))[0]).toBe(1);
    expect(readFileSync(trace, 'utf8')).toContain('INJECTED');
    expect(readFileSync(path, 'utf8')).toContain('"name":"0.jpg"');
    expect(viewItems(home.index)).toEqual([]);
    expect(home.tree().size).toBe(2);
    // Afterwards all goes well, and what is shown is what the journal says.
    rmSync(path);
    await home.sync(memorySource({ exports: [killedExport(4)] }));
    const inodes = home
      .journal()
      .flatMap((record) =>
        record.type === 'inode' && record.kind === 'file' ? [record.ino, record.name] : [],
      );
    expect(inodes).toEqual(viewFiles(home.index).flatMap(({ ino, path }) => [ino, path.split('/').at(-1)]));
  });

  it('is interrupted by its signal', async () => {
    const controller = new AbortController();
    source.breakScan({ kind: 'stall', pages: 1 });
    const failed = failureOf(home.sync(source, { signal: controller.signal }));
    while (source.fired.length === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    expect((await failed).kind).toBe('interrupted');
    expect(readStatus(home.index)).toMatchObject({ items: 2 });
    await home.sync(source);
    expect(readStatus(home.index)).toMatchObject({ items: 10 });
  });
});

describe('several sources', () => {
  it('go on when one fails', async () => {
    const bad = memorySource({ id: 'bad', exports: [{ ...library, id: 'e2' }] });
    for (const error of ['source-gone', 'bad-source', 'no-permission', 'sign-in', 'internal'] as const) {
      bad.breakScan({ kind: 'throw', pages: 0, error });
      const report = await home.sync([bad, source]);
      expect(report.sources).toMatchObject([
        { id: 'bad', newItems: 0, error: { kind: error } },
        { id: 'memory', error: undefined },
      ]);
    }
    expect(viewItems(home.index)).toHaveLength(10);
    expect(bad.fired).toHaveLength(5);
  });

  it('tell their problems', async () => {
    source.problems = [{ where: '/e1.zip', what: 'is odd', remedy: 'Look.' }];
    expect((await home.sync(source)).sources[0]?.problems).toEqual(source.problems);
  });
});

describe('two syncs at once', () => {
  it('are refused clearly, and the first goes on', async () => {
    source.breakScan({ kind: 'stall', pages: 2 });
    const first = home.sync(source);
    while (source.fired.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const before = tree();
    const second = await failureOf(
      home.sync(memorySource({ id: 'other', exports: [{ ...library, id: 'e9' }] })),
    );
    expect(second.kind).toBe('busy');
    expect(second.message).toContain(`${process.pid}`);
    expect(second.hint).toMatch(/wait/i);
    expect(tree()).toEqual(before);
    source.resume();
    expect((await first).sources).toMatchObject([{ newItems: 10, error: undefined }]);
    // And it gave the lease back, also after a failure.
    await home.sync(source);
    await failureOf(home.sync(source, { signal: AbortSignal.abort() }));
    await home.sync(source);
  });
});

describe('the layout', () => {
  it('is settled by the first sync that lists something', async () => {
    await home.sync(memorySource(), { layout: { years: 'monthly', albums: 'symlink' } });
    await home.sync(source, { layout: { years: 'yearly', albums: 'hardlink' } });
    expect(layoutOf(home.index)).toEqual({ years: 'yearly', albums: 'hardlink' });
    const before = tree();
    for (const layout of [
      { years: 'monthly', albums: 'hardlink' },
      { years: 'yearly', albums: 'symlink' },
    ] as const) {
      const failed = await failureOf(home.sync(source, { layout }));
      expect(failed).toMatchObject({ kind: 'usage' });
      expect(failed.hint).toContain('another home');
    }
    expect(tree()).toEqual(before);
    await home.sync(source, { layout: { years: 'yearly', albums: 'hardlink' } });
  });
});

describe('a page that breaks the contract', () => {
  it('is refused when it uses an archive that it has not named', async () => {
    const [page] = await scanPages(source);
    if (page === undefined) throw new Error('no page');
    const wrong = {
      ...source,
      scan: async function* () {
        yield { ...page, archives: [] };
      },
    };
    const failed = await failureOf(home.sync(wrong));
    expect(failed).toBeInstanceOf(GphotosfsError);
    expect(failed.kind).toBe('internal');
    expect(viewItems(home.index)).toEqual([]);
    expect(existsSync(home.cachePath)).toBe(true);
  });
});
