/** Different items with equal bytes are fetched once, where it is sure that the bytes are equal. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  exportOf,
  photo,
  signal,
  type TestHome,
} from '../helpers/test-home.ts';

const bytes = distinctBytes(7, 300_000);
let test: TestHome;
afterEach(() => test.remove());

async function setUp(second: Parameters<typeof photo>[2]): Promise<string[]> {
  const items = [photo('a.jpg', bytes), photo('b.jpg', bytes, { yearFolder: 1999, ...second })];
  test = await createTestHome({ exports: [exportOf(items)] });
  return ['years/2021/a.jpg', 'years/1999/b.jpg'];
}
const expectBoth = (paths: readonly string[]) => {
  for (const path of paths) expectBytes(test.cached(path), bytes);
  const inos = paths.map((path) => statSync(join(test.cachePath, path)).ino);
  expect(new Set(inos).size).toBe(paths.length);
};

describe('files with equal bytes', () => {
  it('and equal time are fetched once, one after the other', async () => {
    const paths = await setUp({});
    expect(await test.ensure(paths[0] ?? '')).toBe('fetched');
    expect(await test.ensure(paths[1] ?? '')).toBe('copied');
    expect(test.source.opened).toEqual(['a.jpg']);
    expectBoth(paths);
  });

  it('and equal title are fetched once, also when both are asked for at once', async () => {
    const paths = await setUp({ takenAt: 5, title: 'a.jpg' });
    const outcomes = await Promise.all(paths.map((path) => test.ensure(path)));
    expect(outcomes.sort()).toEqual(['copied', 'fetched']);
    expect(test.source.opened).toHaveLength(1);
    expectBoth(paths);
  });

  it('that agree in nothing else are fetched separately: their CRC-32 may agree by chance', async () => {
    const paths = await setUp({ takenAt: 5 });
    await Promise.all(paths.map((path) => test.ensure(path)));
    expect(test.source.opened.toSorted()).toEqual(['a.jpg', 'b.jpg']);
    expectBoth(paths);
  });

  it('a reader of the one gets its bytes while the other is being fetched, from its copy', async () => {
    const paths = await setUp({});
    test.source.breakOpen({ kind: 'stall', at: 100_000 });
    const first = test.read(paths[0] ?? '');
    while (test.source.fired.length === 0) await sleep(5);
    const second = test.read(paths[1] ?? '', 0, 1000);
    await sleep(50);
    test.source.resume();
    expectBytes(await second, bytes.subarray(0, 1000));
    expectBytes(await first, bytes);
    expect(test.source.opened).toHaveLength(1);
  });

  it('are fetched separately where the copy of the twin is damaged', async () => {
    const paths = await setUp({});
    await test.ensure(paths[0] ?? '');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(test.cachePath, paths[0] ?? ''), Buffer.alloc(bytes.length));
    expect(await test.ensure(paths[1] ?? '')).toBe('fetched');
    expectBytes(test.cached(paths[1] ?? ''), bytes);
  });

  it('a fetch that fails hands over to the other', async () => {
    const paths = await setUp({});
    test.source.breakOpen({ kind: 'throw', at: 1000, error: 'source-unreachable', file: 'a.jpg' });
    const outcomes = await Promise.allSettled(
      paths.map((path) => test.fetcher.ensure(test.ino(path), signal).published),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expectBytes(test.cached(paths[1] ?? ''), bytes);
  });
});
