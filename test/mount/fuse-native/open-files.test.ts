import { readdirSync, readlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { yearsIno } from '../../../src/index/open.ts';
import type { RemoteReader } from '../../../src/mount/driver.ts';
import { type Filesystem, openFilesystem } from '../../../src/mount/filesystem.ts';
import { createOpenFiles } from '../../../src/mount/fuse-native/open-files.ts';
import { createTestTree, type TestTree } from '../../helpers/mount-tree.ts';

const size = 100;
let tree: TestTree;
let filesystem: Filesystem;
let ino: number;
beforeEach(() => {
  tree = createTestTree();
  ino = tree.addFile(yearsIno, 'photo.jpg', { size });
  tree.cacheFile(tree.addFile(yearsIno, 'other.jpg', { size }), Buffer.alloc(size));
  filesystem = openFilesystem(tree.indexPath, tree.cachePath);
});
afterEach(() => {
  filesystem.close();
  tree.remove();
});

const cache = () => tree.cacheFile(ino, Buffer.alloc(size, 'c'));

/** How many descriptors this process has of the photo's cache file. */
function openDescriptors(): number {
  const path = join(tree.cachePath, 'years', 'photo.jpg');
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  }).length;
}

describe.runIf(process.platform === 'linux')('open files', () => {
  it('move over to the cache after a publication, behind a read that the fetcher answered', async () => {
    let remoteReads = 0;
    const remote: RemoteReader = {
      read: async (_ino, _offset, length) => {
        remoteReads++;
        return Buffer.alloc(length, 'r');
      },
    };
    const files = createOpenFiles(filesystem, remote);
    const handle = files.open(ino);
    const buffer = Buffer.alloc(10);
    cache();
    await files.read(handle, buffer, 0);
    expect([remoteReads, openDescriptors(), String(buffer)]).toEqual([1, 0, 'r'.repeat(10)]);
    files.published();
    await files.read(handle, buffer, 0);
    expect([remoteReads, openDescriptors()]).toEqual([2, 1]);
    expect(await files.read(handle, buffer, 95)).toBe(5);
    expect([remoteReads, String(buffer)]).toEqual([2, 'cccccrrrrr']);
    files.release(handle);
    expect(openDescriptors()).toBe(0);
  });

  it('stay away from the cache when the fetcher refuses', async () => {
    const files = createOpenFiles(filesystem, { read: () => Promise.reject(new Error('doubtful')) });
    const handle = files.open(ino);
    cache();
    files.published();
    await expect(files.read(handle, Buffer.alloc(10), 0)).rejects.toThrow('doubtful');
    await expect(files.read(handle, Buffer.alloc(10), 0)).rejects.toThrow('doubtful');
    expect(openDescriptors()).toBe(0);
  });

  it('write nothing into a buffer after they were closed', async () => {
    let answer: (bytes: Buffer) => void = () => {};
    const deaf: RemoteReader = {
      read: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    };
    const files = createOpenFiles(filesystem, deaf);
    const buffer = Buffer.alloc(10, '.');
    const reading = files.read(files.open(ino), buffer, 0);
    const closed = files.close();
    await expect(reading).rejects.toMatchObject({ errno: 5 });
    await closed;
    answer(Buffer.alloc(10, 'x'));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(String(buffer)).toBe('.'.repeat(10));
  });

  it('refuse a short answer, and a cache file that got shorter', async () => {
    const short: RemoteReader = { read: async (_ino, _offset, length) => Buffer.alloc(length - 1) };
    const files = createOpenFiles(filesystem, short);
    await expect(files.read(files.open(ino), Buffer.alloc(10), 0)).rejects.toThrow('9 bytes');
    const path = cache();
    const handle = files.open(ino);
    truncateSync(path, 5);
    await expect(files.read(handle, Buffer.alloc(10), 0)).rejects.toThrow('shorter');
    await files.close();
    expect(openDescriptors()).toBe(0);
  });

  it('have numbers from 1 on, and none twice', async () => {
    const files = createOpenFiles(filesystem, { read: () => Promise.reject(new Error()) });
    const [one, two] = [files.open(ino), files.open(ino)];
    expect([one, two]).toEqual([1, 2]);
    files.release(one);
    expect(files.open(ino)).toBe(3);
    await expect(files.read(one, Buffer.alloc(1), 0)).rejects.toMatchObject({ errno: 9 });
  });
});
