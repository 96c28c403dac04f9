/** The in-memory source keeps the contract, and its faults do what they say: the tests that use them rest on that. */
import { describe, expect, it } from 'vitest';
import { toGphotosfsError } from '../../src/model/errors.ts';
import { collect, failureOf } from '../helpers/archive-reading.ts';
import { type MemoryArchive, type MemoryExport, memorySource } from '../helpers/memory-source.ts';
import { filesByName, scanPages } from '../helpers/scanning.ts';
import { describeSource } from './contract.ts';

const bytes = new Map([
  ['a.jpg', Buffer.alloc(300_000, 'first')],
  ['b.jpg', Buffer.from('second')],
  ['b-edited.jpg', Buffer.from('second, better')],
  ['empty.jpg', Buffer.alloc(0)],
  ['c.mp4', Buffer.alloc(70_001, 'third')],
]);
const file = (name: string) => ({ name, bytes: bytes.get(name) ?? 'nothing' });

function exported(shape: MemoryArchive['shape'] & string, fingerprint = 'v1'): MemoryExport {
  return {
    id: 'e1',
    time: 1_600_000_000,
    archives: [{ name: '/e1', shape, fingerprint }],
    albums: [{ folder: 'Summer' }],
    items: [
      { files: [file('a.jpg')], takenAt: 5, yearFolder: 1970, albums: ['Summer'] },
      { files: [file('b.jpg'), { ...file('b-edited.jpg'), role: 'edited' }], yearFolder: 1970 },
      { files: [file('empty.jpg')], provisional: true },
      { files: [{ name: 'old.jpg', bytes: 'gone' }], trashed: true },
      { files: [file('c.mp4')], photoId: 'id-c', albums: ['Summer'] },
    ],
  };
}

for (const shape of ['zip', 'tgz', 'folder'] as const) {
  describeSource(`the memory source (${shape})`, () => {
    const source = memorySource({ exports: [exported(shape)], pageSize: 2, chunkSize: 1000 });
    return {
      source,
      files: bytes,
      trashed: ['old.jpg'],
      albums: new Map([['Summer', ['a.jpg', 'c.mp4']]]),
      vanish: () => {
        source.exports = [];
      },
      change: () => {
        source.exports = [exported(shape, 'v2')];
      },
      openNow: () => source.openNow,
    };
  });
}

describe('faults of the memory source', () => {
  const opened = async (fault: Parameters<ReturnType<typeof memorySource>['breakOpen']>[0]) => {
    const source = memorySource({ exports: [exported('zip')], chunkSize: 1000 });
    source.breakOpen(fault);
    const found = filesByName(source, await scanPages(source)).get('a.jpg');
    if (found === undefined) throw new Error('a.jpg is not listed');
    return { source, location: found.location, whole: bytes.get('a.jpg') ?? Buffer.alloc(0) };
  };

  it('truncates', async () => {
    const { source, location, whole } = await opened({ kind: 'truncate', at: 1500 });
    expect((await collect(source.open(location))).equals(whole.subarray(0, 1500))).toBe(true);
    expect(source.fired).toEqual(['truncate a.jpg']);
    expect((await collect(source.open(location))).equals(whole)).toBe(true);
    expect(source.bytesOut).toBe(1500 + whole.length);
    expect(source.opened).toEqual(['a.jpg', 'a.jpg']);
  });

  it('gives too much, or wrong bytes', async () => {
    const long = await opened({ kind: 'long', by: 1, file: 'a.jpg' });
    expect((await collect(long.source.open(long.location))).length).toBe(long.whole.length + 1);
    expect(long.source.fired).toEqual(['long a.jpg']);
    const corrupt = await opened({ kind: 'corrupt', at: 299_999 });
    const got = await collect(corrupt.source.open(corrupt.location));
    expect(got.length).toBe(corrupt.whole.length);
    expect(got.subarray(0, -1).equals(corrupt.whole.subarray(0, -1))).toBe(true);
    expect(got.at(-1)).not.toBe(corrupt.whole.at(-1));
  });

  it('throws at once or in the middle', async () => {
    for (const at of [0, 2500, 300_000]) {
      const { source, location } = await opened({ kind: 'throw', at, error: 'source-unreachable' });
      expect((await failureOf(collect(source.open(location)))).kind).toBe('source-unreachable');
      expect([source.bytesOut, source.openNow]).toEqual([at, 0]);
      expect(source.fired).toEqual(['throw a.jpg']);
    }
  });

  it('stalls until it is let go or the reader gives up', async () => {
    const { source, location, whole } = await opened({ kind: 'stall', at: 1000, times: 2 });
    const reading = collect(source.open(location));
    while (source.fired.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(source.bytesOut).toBe(1000);
    source.resume();
    expect((await reading).equals(whole)).toBe(true);
    const controller = new AbortController();
    const second = failureOf(collect(source.open(location, { signal: controller.signal })));
    while (source.fired.length === 1) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    expect((await second).kind).toBe('interrupted');
    expect(source.openNow).toBe(0);
  });

  it('breaks scans', async () => {
    const make = () => memorySource({ exports: [exported('zip')], pageSize: 1 });
    const count = async (source: ReturnType<typeof make>) =>
      (await scanPages(source)).flatMap((page) => page.items).length;
    const whole = await count(make());
    const expected = { empty: 0, short: 2, halved: Math.ceil(whole / 2), repeated: whole * 2 } as const;
    for (const kind of ['empty', 'short', 'halved', 'repeated'] as const) {
      const source = make();
      source.breakScan({ kind, pages: 2 });
      expect([kind, await count(source), source.fired]).toEqual([kind, expected[kind], [`${kind} scan`]]);
      expect([kind, await count(source), source.scans]).toEqual([kind, whole, 2]);
    }
    const source = make();
    source.breakScan({ kind: 'throw', pages: 1, error: 'quota' });
    const failed = await scanPages(source).catch((error: unknown) => toGphotosfsError(error));
    expect(failed).toMatchObject({ kind: 'quota' });
  });
});
