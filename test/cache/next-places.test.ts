import { closeSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CachedFiles, createCachedFiles } from '../../src/cache/cached-file.ts';
import { closeDirectory, type Directory, openRoot } from '../../src/cache/directories.ts';
import { dropCached } from '../../src/index/cached.ts';
import { createTestTree, recordCached, type TestTree } from '../helpers/mount-tree.ts';

let tree: TestTree;
let root: Directory;
let files: CachedFiles;
let photos: { readonly ino: number; readonly path: string }[];

beforeEach(() => {
  tree = createTestTree();
  const directory = tree.addDirectory(2, '2021');
  photos = Array.from({ length: 20 }, (_, n) => {
    const ino = tree.addFile(directory, `photo-${n}`, { size: 10 });
    return { ino, path: tree.cacheFile(ino, Buffer.alloc(10, `${n}`)) };
  });
  root = openRoot(tree.cachePath);
  files = createCachedFiles(tree.index, root);
});
afterEach(() => {
  files.close();
  closeDirectory(root);
  tree.remove();
});

/** What a reader of the `n`th photo gets. */
function read(n: number): string | undefined {
  const fd = files.open(photos[n]?.ino ?? 0);
  if (fd === undefined) return undefined;
  const bytes = readFileSync(fd, 'utf8');
  closeSync(fd);
  return bytes;
}

describe('cached files that are opened one after another', () => {
  it('are what they are', () => {
    for (let n = 0; n < 20; n++) expect(read(n)).toBe(Buffer.alloc(10, `${n}`).toString());
    expect(read(3)).toBe('3333333333');
  });

  it('show what was published after their places were read ahead', () => {
    const { ino, path } = photos[5] ?? expect.fail();
    for (let n = 0; n < 3; n++) read(n);
    writeFileSync(`${path}.new`, 'fresh');
    renameSync(`${path}.new`, path);
    expect(read(5)).toBeUndefined();
    recordCached(tree.index, ino, path);
    expect(read(6)).toBe('6666666666');
    expect(read(5)).toBe('fresh');
  });

  it('are not there when they went', () => {
    for (let n = 0; n < 3; n++) read(n);
    rmSync(photos[4]?.path ?? '');
    expect([read(3), read(4), read(5)]).toEqual(['3333333333', undefined, '5555555555']);
  });

  it('are not given out a moment after they were found wrong', async () => {
    for (let n = 0; n < 3; n++) read(n);
    dropCached(tree.index, photos[4]?.ino ?? 0);
    await sleep(30);
    expect([read(4), read(5)]).toEqual([undefined, '5555555555']);
  });
});
