/** A file whose size was listed wrong: it is put right once, and nobody takes a part of it for the whole. */
import { statSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { correctedFrom } from '../../src/index/corrections.ts';
import { changesSince, getInode } from '../../src/index/tree.ts';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  exportOf,
  kindOf,
  photo,
  signal,
  type TestHome,
} from '../helpers/test-home.ts';

const path = 'years/2021/a.jpg';
const bytes = distinctBytes(1, 300_000);
let test: TestHome;
afterEach(() => test.remove());

const listedAs = (listedSize: number) =>
  exportOf([photo('a.jpg', bytes, { files: [{ name: 'a.jpg', bytes, listedSize }] })]);
const attributes = () => getInode(test.index, test.ino(path));

describe.each([
  ['longer', 200_000],
  ['shorter', 400_000],
  ['longer by one byte', 299_999],
  ['shorter by one byte', 300_001],
])('a file that is %s than listed', (_, listed) => {
  it('fails its readers, and then has its true size', async () => {
    test = await createTestHome({ exports: [listedAs(listed)] });
    const before = attributes();
    expect(before?.size).toBe(listed);
    const opened = test.opening(path);
    const ino = test.ino(path);
    const read = (offset: number) => test.fetcher.read(ino, offset, 1 << 20, signal, opened);
    expect(await kindOf(read(0))).toBe('bad-content');
    // Also from now on: this reader was told another size.
    expect(await kindOf(read(0))).toBe('bad-content');
    expect(test.doubts).toContain(ino);

    expect(attributes()).toMatchObject({ size: bytes.length, mtime: before?.mtime });
    expect(attributes()?.ctime).toBeGreaterThan(before?.ctime ?? 0);
    expect(changesSince(test.index, { entry: 0, change: 0 }).inodes).toContain(ino);
    expect(correctedFrom(test.index, ino)).toBe(listed);
    expectBytes(await test.read(path), bytes);
    await test.ensure(path);
    expect(statSync(`${test.cachePath}/${path}`).size).toBe(bytes.length);
  });

  it('is in the cache whole after one prefetch', async () => {
    test = await createTestHome({ exports: [listedAs(listed)] });
    expect(await test.ensure(path)).toBe('fetched');
    expectBytes(test.cached(path), bytes);
    expect(attributes()?.size).toBe(bytes.length);
  });

  it('stays so when the source says the wrong size again', async () => {
    test = await createTestHome({ exports: [listedAs(listed)] });
    await test.ensure(path);
    const before = attributes();
    await test.sync();
    expect(attributes()).toEqual(before);
    expect(await test.ensure(path)).toBe('cached');
  });
});

it('is not corrected twice by one process, but by the next: it was edited twice before its first fetch', async () => {
  test = await createTestHome({ exports: [listedAs(200_000)] });
  const read = test.fetcher.read(test.ino(path), 0, 1 << 20, signal, test.opening(path));
  expect(await kindOf(read)).toBe('bad-content');
  expect(attributes()?.size).toBe(bytes.length);
  const other = distinctBytes(2, 100_000);
  // The source has something else by now.
  test.source.exports = [
    exportOf([photo('a.jpg', other, { files: [{ name: 'a.jpg', bytes: other, listedSize: bytes.length }] })]),
  ];
  expect(await kindOf(test.ensure(path))).toBe('bad-content');
  expect(attributes()?.size).toBe(bytes.length);
  expect(test.partials()).toEqual([]);
  // It is listed as it was at first, as Google's list goes on to be remembered.
  const later = test.newFetcher();
  expect(await later.ensure(test.ino(path), signal).published).toBe('fetched');
  expectBytes(test.cached(path), other);
  const after = attributes();
  expect(after?.size).toBe(other.length);
  expect(correctedFrom(test.index, test.ino(path))).toBe(200_000);
  test.source.exports = [listedAs(200_000)];
  await test.sync();
  expect(attributes()).toEqual(after);
  expect(await later.ensure(test.ino(path), signal).published).toBe('cached');
});

it('is never done to a file that was verified', async () => {
  test = await createTestHome({ exports: [exportOf([photo('a.jpg', bytes)])] });
  const before = attributes();
  await test.ensure(path);
  expect(await test.ensure(path)).toBe('cached');
  expect(attributes()).toEqual(before);
});
