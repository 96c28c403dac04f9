import { createHash } from 'node:crypto';
import { open, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf } from '../../helpers/mount-bytes.ts';
import {
  canMount,
  eventually,
  mountTree,
  runProgram,
  runPython,
  type ServerProcess,
  stopServer,
} from '../../helpers/mount-client.ts';
import { createTestTree, recordCached, type TestTree } from '../../helpers/mount-tree.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const GiB = 2 ** 30;

describe.runIf(canMount()).each([
  { way: 'with passthrough, where the kernel has it', passthrough: true },
  { way: 'without passthrough', passthrough: false },
])('reading through the kernel, $way', ({ passthrough }) => {
  let tree: TestTree;
  let server: ServerProcess;
  let directory: number;
  const at = (name: string) => join(tree.mountPoint, 'years', '2021', name);

  beforeAll(async () => {
    tree = createTestTree();
    directory = tree.addDirectory(2, '2021');
    server = await mountTree(tree, { passthrough });
  });
  afterAll(async () => {
    await stopServer(server);
    tree.remove();
  });

  const sizes = [0, 1, 4095, 4096, 4097, 131_072, 1_048_575, 1_048_576, 1_048_577, 3_500_001];

  it.each(sizes)('gives a cached file of %i bytes whole', async (size) => {
    const ino = tree.addFile(directory, `cached-${size}`, { size });
    tree.cacheFile(ino, bytesOf(ino, 0, size));
    const read = await readFile(at(`cached-${size}`));
    expect(sha256(read)).toBe(sha256(bytesOf(ino, 0, size)));
    expect((await server.state()).reads[ino]).toBeUndefined();
  });

  it.each(sizes)('gives a file of %i bytes that has to be fetched whole', async (size) => {
    const ino = tree.addFile(directory, `remote-${size}`, { size });
    const read = await readFile(at(`remote-${size}`));
    expect(sha256(read)).toBe(sha256(bytesOf(ino, 0, size)));
    expect((await server.state()).reads[ino] ?? 0).toBeGreaterThanOrEqual(size > 0 ? 1 : 0);
  });

  it('reads any part, across the end too', async () => {
    const size = 300_000;
    const ino = tree.addFile(directory, 'parts', { size });
    const file = await open(at('parts'));
    for (const [offset, length] of [
      [299_990, 100],
      [4095, 2],
      [0, 1],
      [150_000, 70_001],
      [300_000, 10],
      [400_000, 10],
    ] as const) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
      const there = Math.max(0, Math.min(length, size - offset));
      expect(buffer.subarray(0, bytesRead).equals(bytesOf(ino, offset, there))).toBe(true);
    }
    await file.close();
  });

  it('reads beyond 4 GiB, cached and not', async () => {
    const size = 5 * GiB + 100;
    const offset = 4.5 * GiB;
    const remote = tree.addFile(directory, 'big-remote', { size });
    const cached = tree.addFile(directory, 'big-cached', { size });
    const path = tree.cacheFile(cached, Buffer.alloc(0));
    const sparse = await open(path, 'r+');
    await sparse.truncate(size);
    await sparse.write(bytesOf(cached, offset, 5000), 0, 5000, offset);
    await sparse.close();
    recordCached(tree.index, cached, path);
    for (const [name, ino] of [
      ['big-remote', remote],
      ['big-cached', cached],
    ] as const) {
      const file = await open(at(name));
      const { bytesRead, buffer } = await file.read(Buffer.alloc(5000), 0, 5000, offset);
      await file.close();
      expect(bytesRead).toBe(5000);
      expect(buffer.equals(bytesOf(ino, offset, 5000))).toBe(true);
    }
    const tail = await runProgram('tail', '-c', '100', at('big-remote'));
    expect(tail.stdout.equals(bytesOf(remote, size - 100, 100))).toBe(true);
    // 128 KiB from there come as read ahead, nothing of the 5 GiB before.
    expect((await server.state()).reads[remote]).toBeLessThan(40);
  });

  it('maps files into memory', async () => {
    const ino = tree.addFile(directory, 'mapped', { size: 2_000_000 });
    const code = `
import hashlib, mmap, sys
with open(sys.argv[1], 'rb') as f:
    for access in (mmap.ACCESS_READ, mmap.ACCESS_COPY):
        with mmap.mmap(f.fileno(), 0, access=access) as m:
            m[1999999]
            print(len(m), hashlib.sha256(m).hexdigest())
`;
    const { stdout, stderr } = await runPython(code, at('mapped'));
    const line = `2000000 ${sha256(bytesOf(ino, 0, 2_000_000))}\n`;
    expect([stdout.toString(), stderr]).toEqual([line + line, '']);
  });

  it('shows no holes to programs that look for them', async () => {
    const ino = tree.addFile(directory, 'whole', { size: 200_000 });
    const right = bytesOf(ino, 0, 200_000);
    const copy = join(tree.folder, 'copy');
    const code = `
import os, sys
f = os.open(sys.argv[1], os.O_RDONLY)
print(os.lseek(f, 5, os.SEEK_DATA), os.lseek(f, 5, os.SEEK_HOLE), os.lseek(f, -1, os.SEEK_END))
`;
    expect((await runPython(code, at('whole'))).stdout.toString()).toBe('5 200000 199999\n');
    for (const sparse of ['auto', 'always', 'never']) {
      expect((await runProgram('cp', `--sparse=${sparse}`, at('whole'), copy)).status).toBe(0);
      expect((await readFile(copy)).equals(right)).toBe(true);
    }
    const tar = `tar -cSf - -C "$1" whole | tar -xOf -`;
    const { stdout } = await runProgram('sh', '-c', tar, 'sh', at(''));
    expect(stdout.equals(right)).toBe(true);
  });

  it('serves 32 slow reads at once, of as many files', async () => {
    const files = Array.from({ length: 32 }, (_, n) => {
      const name = `slow-${n}`;
      return { name, ino: tree.addFile(directory, name, { size: 1000 }) };
    });
    for (const { ino } of files) await server.tell({ do: 'behave', ino, behaviour: { end: 'never' } });
    // However long the programs take to start, none of them is answered before all of them wait.
    const reading = files.map(({ name }) => runProgram('cat', at(name)));
    const { mostAtOnce } = await eventually(
      () => server.state(),
      (state) => state.mostAtOnce >= 32,
      60_000,
    );
    await server.tell({ do: 'go on' });
    const results = await Promise.all(reading);
    results.forEach(({ stdout }, n) => {
      expect(stdout.equals(bytesOf(files[n]?.ino ?? 0, 0, 1000))).toBe(true);
    });
    expect(mostAtOnce).toBeGreaterThanOrEqual(32);
  });

  it('answers metadata and cached reads while reads wait', async () => {
    const slow = tree.addFile(directory, 'waiting', { size: 1000 });
    const ino = tree.addFile(directory, 'quick', { size: 1000 });
    tree.cacheFile(ino, bytesOf(ino, 0, 1000));
    await server.tell({ do: 'behave', ino: slow, behaviour: { delayMs: 2000 } });
    let done = false;
    const waiting = runProgram('cat', at('waiting')).then((result) => {
      done = true;
      return result;
    });
    await eventually(
      () => server.state(),
      (state) => (state.reads[slow] ?? 0) > 0,
    );
    expect((await runProgram('cat', at('quick'))).stdout.equals(bytesOf(ino, 0, 1000))).toBe(true);
    expect((await runProgram('ls', '-la', at(''))).status).toBe(0);
    expect(done).toBe(false);
    expect((await waiting).stdout.length).toBe(1000);
  });

  it.each(['error', 'short'] as const)('turns a fetch that ends with %s into EIO', async (end) => {
    const ino = tree.addFile(directory, `fetch-${end}`, { size: 5000 });
    await server.tell({ do: 'behave', ino, behaviour: { end } });
    await expect(readFile(at(`fetch-${end}`))).rejects.toThrow(/EIO/);
    expect((await server.state()).log.join('\n')).toMatch(new RegExp(`warn: reading inode ${ino} failed`));
    // What failed is not kept: the next reader gets a new try.
    await server.tell({ do: 'behave', ino, behaviour: {} });
    expect((await readFile(at(`fetch-${end}`))).equals(bytesOf(ino, 0, 5000))).toBe(true);
  });

  it('forgets what it gave out of a file whose fetch then failed', async () => {
    const size = 8 * 1_048_576;
    const ino = tree.addFile(directory, 'half', { size });
    const file = await open(at('half'));
    await file.read(Buffer.alloc(4096), 0, 4096, 0);
    await server.tell({ do: 'behave', ino, behaviour: { end: 'error' } });
    await expect(file.read(Buffer.alloc(4096), 0, 4096, size - 4096)).rejects.toThrow(/EIO/);
    await file.close();
    await server.tell({ do: 'behave', ino, behaviour: {} });
    // The first page was right there in the kernel; now it is asked for again.
    const again = await open(at('half'));
    const { reads } = await server.state();
    const asked = await eventually(
      async () => {
        await again.read(Buffer.alloc(4096), 0, 4096, 0);
        return (await server.state()).reads[ino] ?? 0;
      },
      (count) => count > (reads[ino] ?? 0),
    );
    await again.close();
    expect(asked).toBeGreaterThan(reads[ino] ?? 0);
  });

  it('gives EIO for a cache file that was cut short, never zeros', async () => {
    const size = 3_000_000;
    const ino = tree.addFile(directory, 'cut', { size });
    const path = tree.cacheFile(ino, bytesOf(ino, 0, size));
    const file = await open(at('cut'));
    const { kernelOpens = 0 } = (await server.state()).stats;
    await truncate(path, 100_000);
    const reading = file.read(Buffer.alloc(1000), 0, 1000, 2_000_000);
    if (kernelOpens > 0) {
      // The kernel gives what a native file system gives, so it is the close that fails.
      expect((await reading).bytesRead).toBe(0);
      await expect(file.close()).rejects.toThrow(/EIO/);
    } else {
      await expect(reading).rejects.toThrow(/EIO/);
      await file.close();
    }
    expect((await stat(at('cut'))).size).toBe(size);
    expect((await server.state()).log.join('\n')).toMatch(`the cache file of inode ${ino} is not as long`);
  });

  it('opens nothing that no source can give', async () => {
    tree.addFile(directory, 'unavailable', { size: 10, state: 'unavailable' });
    expect((await stat(at('unavailable'))).size).toBe(10);
    await expect(open(at('unavailable'))).rejects.toThrow(/EIO/);
  });

  it('moves an open file over to the cache once it was published', async () => {
    const size = 16 * 1_048_576;
    const ino = tree.addFile(directory, 'published', { size });
    const file = await open(at('published'));
    const readAt = async (offset: number) => {
      const { buffer } = await file.read(Buffer.alloc(4096), 0, 4096, offset);
      expect(buffer.equals(bytesOf(ino, offset, 4096))).toBe(true);
      return (await server.state()).reads[ino] ?? 0;
    };
    const first = await readAt(0);
    expect(first).toBeGreaterThan(0);
    tree.cacheFile(ino, bytesOf(ino, 0, size));
    // Nobody said so yet.
    expect(await readAt(6_000_000)).toBeGreaterThan(first);
    await server.tell({ do: 'published' });
    const before = (await server.state()).reads[ino];
    expect(await readAt(12_000_000)).toBe(before);
    await file.close();
  });

  it('closes the cache file with the last reader', async () => {
    const ino = tree.addFile(directory, 'closed', { size: 10 });
    tree.cacheFile(ino, bytesOf(ino, 0, 10));
    await readFile(at('closed'));
    const before = (await server.state()).openDescriptors;
    for (let n = 0; n < 50; n++) await readFile(at('closed'));
    const state = await eventually(
      () => server.state(),
      ({ stats }) => stats.openFiles === 0,
    );
    expect(state.stats.openFiles).toBe(0);
    expect(state.openDescriptors).toBeLessThanOrEqual(before);
  });

  it('keeps pages from one open to the next', async () => {
    const ino = tree.addFile(directory, 'kept', { size: 100_000 });
    await readFile(at('kept'));
    const before = (await server.state()).reads[ino];
    await readFile(at('kept'));
    expect((await server.state()).reads[ino]).toBe(before);
  });
});
