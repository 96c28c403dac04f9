/** Reading a file that is not cached: bytes as they arrive, the last block only when all of them are right. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { heldBack } from '../../src/fetch/held-block.ts';
import { getCached } from '../../src/index/cached.ts';
import type { GphotosfsError } from '../../src/model/errors.ts';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  exportOf,
  kindOf,
  openFds,
  photo,
  signal,
  type TestHome,
  type TestHomeOptions,
} from '../helpers/test-home.ts';

const path = 'years/2021/a.jpg';
const bytes = distinctBytes(1, 1_000_000);
let test: TestHome;

async function setUp(options: TestHomeOptions = {}): Promise<TestHome> {
  test = await createTestHome({ exports: [exportOf([photo('a.jpg', bytes)])], ...options });
  return test;
}
/** Whether a promise is still open after a while. */
const isOpen = async (promise: Promise<unknown>) =>
  (await Promise.race([promise.then(() => 'settled').catch(() => 'settled'), sleep(60, 'open')])) === 'open';

afterEach(async () => {
  await test.remove();
});

/** Two archives of one export hold the photo. */
const twoPlaces = () =>
  exportOf(
    [{ ...photo('a.jpg', bytes), files: [{ name: 'a.jpg', bytes, archives: ['/one.zip', '/two.zip'] }] }],
    {
      archives: [{ name: '/one.zip' }, { name: '/two.zip' }],
    },
  );

describe('while the source is still sending', () => {
  it('gives what has arrived, and not what has not', async () => {
    await setUp();
    test.source.breakOpen({ kind: 'stall', at: 500_000 });
    expectBytes(await test.read(path, 0, 100_000), bytes.subarray(0, 100_000));
    expectBytes(await test.read(path, 400_000, 100_000), bytes.subarray(400_000, 500_000));
    const behind = test.read(path, 450_000, 100_000);
    expect(await isOpen(behind)).toBe(true);
    expect(test.source.fired).toEqual(['stall a.jpg']);
    test.source.resume();
    expectBytes(await behind, bytes.subarray(450_000, 550_000));
    expect(test.source.opened).toEqual(['a.jpg']);
  });

  it('holds the last block back until size and CRC-32 agree', async () => {
    await setUp();
    const lastBlock = bytes.length - heldBack;
    // All bytes are out, but the stream has not ended.
    test.source.breakOpen({ kind: 'stall', at: bytes.length });
    expectBytes(await test.read(path, lastBlock - 10, 10), bytes.subarray(lastBlock - 10, lastBlock));
    const last = test.read(path, lastBlock, heldBack);
    expect(await isOpen(last)).toBe(true);
    expect(test.source.bytesOut).toBe(bytes.length);
    test.source.resume();
    expectBytes(await last, bytes.subarray(lastBlock));
  });

  it('publishes the file when it is complete, and reads it from the cache from then on', async () => {
    await setUp();
    expectBytes(await test.read(path), bytes);
    await test.ensure(path);
    expectBytes(test.cached(path), bytes);
    expect(getCached(test.index, test.ino(path))?.size).toBe(bytes.length);
    test.source.exports = [];
    expectBytes(await test.read(path), bytes);
    expect(test.source.opened).toEqual(['a.jpg']);
    expect(test.partials()).toEqual([]);
  });
});

describe('a stream that is not what the source promised', () => {
  const faults = [
    { kind: 'corrupt', at: 10 },
    { kind: 'corrupt', at: bytes.length - 1 },
    { kind: 'truncate', at: 0 },
    { kind: 'truncate', at: 1 },
    { kind: 'truncate', at: 500_000 },
    { kind: 'truncate', at: bytes.length - 1 },
    { kind: 'long', by: 1 },
    { kind: 'throw', at: 500_000, error: 'source-gone' },
  ] as const;
  for (const fault of faults) {
    const name = Object.values(fault).join(' ');

    it(`is an error for readers, and nothing is published: ${name}`, async () => {
      await setUp();
      test.source.breakOpen(fault);
      const expected = 'error' in fault ? fault.error : 'bad-content';
      expect(await kindOf(test.read(path))).toBe(expected);
      expect(test.source.fired).toEqual([`${fault.kind} a.jpg`]);
      expect(getCached(test.index, test.ino(path))).toBeUndefined();
      expect(() => test.cached(path)).toThrow('ENOENT');
      expect(test.partials()).toEqual([]);
      expect(test.logs.join('\n')).toContain('a.jpg');
    });

    it(`is taken from the next place where nobody has seen a byte of it: ${name}`, async () => {
      await setUp({ exports: [twoPlaces()] });
      test.source.breakOpen(fault);
      // The whole file, which nobody gets before it is right.
      expectBytes(await test.read(path), bytes);
      expect(test.source.fired).toEqual([`${fault.kind} a.jpg`]);
      expect(test.source.opened).toEqual(['a.jpg', 'a.jpg']);
      expect(test.doubts).toEqual([]);
    });
  }

  it('tells of doubt when bytes have been seen, and the next reader gets right ones from the next place', async () => {
    await setUp({ exports: [twoPlaces()] });
    const opening = test.opening(path);
    const ino = test.ino(path);
    test.source.breakOpen({ kind: 'corrupt', at: 10 });
    const wrong = await test.fetcher.read(ino, 0, 1000, signal, opening);
    expect(wrong.equals(bytes.subarray(0, 1000))).toBe(false);
    while (test.doubts.length === 0) await sleep(5);
    expect(test.doubts).toEqual([ino]);
    // Who has wrong bytes already gets no right ones behind them.
    expect(await kindOf(test.fetcher.read(ino, 1000, 1000, signal, opening))).toBe('bad-content');
    expectBytes(await test.fetcher.read(ino, 0, 1 << 30, signal, test.opening(path)), bytes);
    expect(await kindOf(test.fetcher.read(ino, 1000, 1000, signal, opening))).toBe('bad-content');
    expect(test.source.opened).toHaveLength(2);
  });

  it('tries each place once and then says why', async () => {
    await setUp({ exports: [twoPlaces()] });
    test.source.breakOpen({ kind: 'truncate', at: 5, times: 10 });
    expect(await kindOf(test.read(path))).toBe('bad-content');
    expect(test.source.opened).toHaveLength(2);
    // Again at once: not even tried, for a program that repeats should not wait.
    expect(await kindOf(test.read(path))).toBe('bad-content');
    expect(test.source.opened).toHaveLength(2);
  });

  it('is an error that names the file when its archive is gone', async () => {
    await setUp();
    test.source.exports = [];
    expect(await kindOf(test.read(path))).toBe('source-gone');
    expect(test.partials()).toEqual([]);
  });
});

describe('many readers', () => {
  it('cause one fetch; those that give up take nothing from the others', async () => {
    const big = distinctBytes(2, 20 * 1024 * 1024);
    await setUp({ exports: [exportOf([photo('a.jpg', big)], { archives: [{ name: '/a', shape: 'tgz' }] })] });
    test.source.breakOpen({ kind: 'stall', at: 1024 * 1024 });
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const reads = Array.from({ length: 50 }, (_, at) => {
      const offset = (at * 7_919_113) % (big.length - 200_000);
      const length = 1000 + at * 3000;
      const givesUp = at % 3 === 0 && offset > 2 * 1024 * 1024;
      const reading = test.read(path, offset, length, givesUp ? stop.signal : signal);
      return {
        offset,
        length,
        givesUp,
        reading,
        outcome: reading.catch((error: GphotosfsError) => error.kind),
      };
    });
    while (test.source.fired.length === 0) await sleep(5);
    stop.abort();
    test.source.resume();
    for (const { offset, length, givesUp, outcome } of reads) {
      const expected = givesUp ? 'interrupted' : big.subarray(offset, offset + length);
      const got = await outcome;
      expect(
        Buffer.isBuffer(got) && Buffer.isBuffer(expected) ? got.equals(expected) : got === expected,
      ).toBe(true);
    }
    expect(reads.filter(({ givesUp }) => givesUp).length).toBeGreaterThan(10);
    await test.ensure(path);
    expect(test.source.opened).toEqual(['a.jpg']);
    expectBytes(test.cached(path), big);
  });

  it('are not held up by one that stalls far behind: a far jump is read by a range of its own', async () => {
    const big = distinctBytes(3, 30 * 1024 * 1024);
    await setUp({ exports: [exportOf([photo('a.jpg', big)])] });
    test.source.breakOpen({ kind: 'stall', at: 1024 * 1024 });
    const head = await test.read(path, 0, 1000);
    expectBytes(head, big.subarray(0, 1000));
    const far = 20 * 1024 * 1024 + 123;
    // Two readers, one of which gives up: one request for each block, right bytes.
    const stop = new AbortController();
    const given = test.read(path, far, 1_500_000, stop.signal).catch((error: GphotosfsError) => error.kind);
    const kept = test.read(path, far, 1_500_000);
    stop.abort();
    expect(await given).toBe('interrupted');
    expectBytes(await kept, big.subarray(far, far + 1_500_000));
    expect(test.source.opened).toHaveLength(3);
    // So is the end; then another block, which nobody has been given, is held until all is verified.
    expectBytes(await test.read(path, big.length - 65_536, 65_536), big.subarray(big.length - 65_536));
    expect(await isOpen(test.read(path, big.length - 65_536 - 1000, 1000))).toBe(true);
    await vi.waitFor(() => expect(test.source.fired).toContain('stall a.jpg'), { timeout: 30_000 });
    test.source.resume();
    await test.ensure(path);
    expectBytes(test.cached(path), big);
  });

  it('that jump far wait for the fill where the range fails', async () => {
    const big = distinctBytes(4, 12 * 1024 * 1024);
    await setUp({ exports: [exportOf([photo('a.jpg', big)])] });
    test.source.breakOpen({ kind: 'stall', at: 1024 });
    await test.read(path, 0, 10);
    test.source.breakOpen({ kind: 'truncate', at: 10 * 1024 * 1024 + 5 });
    const far = test.read(path, 10 * 1024 * 1024, 1000);
    while (!test.source.fired.includes('truncate a.jpg')) await sleep(5);
    test.source.resume();
    expectBytes(await far, big.subarray(10 * 1024 * 1024, 10 * 1024 * 1024 + 1000));
  });
});

describe('edges', () => {
  it('an empty file is read and cached', async () => {
    await setUp({ exports: [exportOf([photo('a.jpg', '')])] });
    expect(await test.read(path)).toHaveLength(0);
    expect(await test.ensure(path)).toBe('fetched');
    expect(test.cached(path)).toHaveLength(0);
  });

  it('behind the end there is nothing, and an unknown inode is an error', async () => {
    await setUp();
    expect(await test.read(path, bytes.length, 10)).toHaveLength(0);
    expect(await test.read(path, bytes.length + 5, 10)).toHaveLength(0);
    expect(await kindOf(test.fetcher.read(999_999, 0, 10, signal))).toBe('not-found');
    expect(test.source.opened).toEqual([]);
  });

  it('closing ends fetches that hang, at once, and leaves nothing', async () => {
    await setUp();
    await test.cache;
    const before = openFds();
    test.source.breakOpen({ kind: 'stall', at: 100_000 });
    const fetcher = test.newFetcher();
    const reading = fetcher
      .read(test.ino(path), 0, 1 << 30, signal)
      .catch((error: GphotosfsError) => error.kind);
    while (test.source.fired.length === 0) await sleep(5);
    const start = Date.now();
    await fetcher.close();
    expect(Date.now() - start).toBeLessThan(1000);
    expect(await reading).toBe('interrupted');
    expect(await kindOf(fetcher.read(test.ino(path), 0, 10, signal))).not.toBe('no error');
    expect(test.partials()).toEqual([]);
    expect(openFds().sort()).toEqual(before.sort());
  });
});

describe('a reader that has begun', () => {
  const newer = distinctBytes(2, bytes.length);
  const folder = { archives: [{ name: '/photos', shape: 'folder' }] } as const;
  const revised = (time: number) =>
    exportOf([photo('a.jpg', newer, { photoId: 'p1' })], { id: `e${time}`, time });
  const first = (more: Partial<Parameters<typeof exportOf>[1]> = {}) =>
    exportOf([photo('a.jpg', bytes, { photoId: 'p1' })], more);
  /** Other bytes of the same length take the place of those that are shown, in another process. */
  async function revise(before: ReturnType<typeof exportOf>): Promise<void> {
    await test.sync([before, revised(1_700_000_000)]);
    await test.newFetcher().ensure(test.ino(path), signal).published;
    expectBytes(test.cached(path), newer);
  }

  it('is not given a revision of the same length', async () => {
    await setUp({ exports: [first()] });
    const [ino, opening] = [test.ino(path), test.opening(path)];
    const read = (offset: number) => test.fetcher.read(ino, offset, 1000, signal, opening);
    expectBytes(await read(0), bytes.subarray(0, 1000));
    await test.ensure(path);
    expectBytes(await read(1000), bytes.subarray(1000, 2000));
    await revise(first());
    expect(await kindOf(read(2000))).toBe('bad-content');
    expectBytes(await test.fetcher.read(ino, 0, 1 << 30, signal, test.opening(path)), newer);
  });

  it('goes on where the fetch told its CRC-32, and is not given a revision either', async () => {
    await setUp({ exports: [first(folder)] });
    const [ino, opening] = [test.ino(path), test.opening(path)];
    expect(opening.content.crc32).toBeUndefined();
    const read = (offset: number) => test.fetcher.read(ino, offset, 1000, signal, opening);
    expectBytes(await read(0), bytes.subarray(0, 1000));
    await test.ensure(path);
    expect(test.opening(path).content.crc32).toBeDefined();
    expectBytes(await read(1000), bytes.subarray(1000, 2000));
    await revise(first(folder));
    expect(await kindOf(read(2000))).toBe('bad-content');
  });
});
