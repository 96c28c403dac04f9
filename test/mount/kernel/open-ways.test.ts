import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropCached } from '../../../src/index/cached.ts';
import { setFileContent } from '../../../src/index/items.ts';
import { changeInode, getInode } from '../../../src/index/tree.ts';
import { bytesOf } from '../../helpers/mount-bytes.ts';
import {
  canMount,
  eventually,
  mountTree,
  type ServerProcess,
  stopServer,
} from '../../helpers/mount-client.ts';
import { createTestTree, recordCached, type TestTree } from '../../helpers/mount-tree.ts';

/** FUSE passthrough came with 6.9; this user is root where these tests run. */
const [major = 0, minor = 0] = readFileSync('/proc/sys/kernel/osrelease', 'utf8').split('.').map(Number);
const hasPassthrough = major > 6 || (major === 6 && minor >= 9);

let tree: TestTree;
let server: ServerProcess;
let directory: number;
const at = (name: string) => join(tree.mountPoint, 'years', '2021', name);
const stats = async () => (await server.state()).stats;

/** Puts newer bytes in the place of a file's, as publishing a revision does: by a rename, index row last. */
function revise(ino: number, name: string, bytes: Buffer): void {
  const path = join(tree.cachePath, 'years', '2021', name);
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
  const inode = getInode(tree.index, ino) ?? expect.fail();
  tree.inBulk(() => {
    setFileContent(tree.index, ino, { size: bytes.length, crc32: undefined });
    changeInode(tree.index, { ...inode, size: bytes.length, ctime: inode.ctime + 1 });
    recordCached(tree.index, ino, path);
  });
}

async function tellOf(ino: number): Promise<void> {
  await server.tell({ do: 'published' });
  await server.tell({ do: 'invalidate', change: { inodes: [ino], entries: [] } });
}

async function allOf(file: FileHandle): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let offset = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(70_000), 0, 70_000, offset);
    if (bytesRead === 0) return Buffer.concat(chunks);
    chunks.push(buffer.subarray(0, bytesRead));
    offset += bytesRead;
  }
}

async function start(options: { readonly passthrough: boolean }): Promise<void> {
  tree = createTestTree();
  directory = tree.addDirectory(2, '2021');
  server = await mountTree(tree, options);
}
async function stop(): Promise<void> {
  await stopServer(server);
  tree.remove();
}

describe.runIf(canMount() && hasPassthrough)('files that the kernel reads by itself', () => {
  beforeEach(() => start({ passthrough: true }));
  afterEach(stop);

  it('cost no request to read, and are let go with their last reader', async () => {
    const size = 20 * 1_048_576;
    const ino = tree.addFile(directory, 'video', { size });
    tree.cacheFile(ino, bytesOf(ino, 0, size));
    const [one, other] = [await open(at('video')), await open(at('video'))];
    const before = await stats();
    expect(before).toMatchObject({ backingFiles: 1, kernelOpens: 2, directOpens: 0, pagedOpens: 0 });
    expect((await allOf(one)).equals(bytesOf(ino, 0, size))).toBe(true);
    expect((await stats()).requests).toBe(before.requests);
    await one.close();
    expect((await other.read(Buffer.alloc(10), 0, 10, size - 10)).bytesRead).toBe(10);
    expect((await stats()).backingFiles).toBe(1);
    await other.close();
    expect((await eventually(stats, ({ backingFiles }) => backingFiles === 0)).backingFiles).toBe(0);
  });

  it('go on as they were under who has them open while a revision is published', async () => {
    const ino = tree.addFile(directory, 'revised', { size: 300_000 });
    const [old, fresh] = [Buffer.alloc(300_000, 'old'), Buffer.alloc(500_000, 'fresh')];
    tree.cacheFile(ino, old);
    const before = await open(at('revised'));
    revise(ino, 'revised', fresh);
    await tellOf(ino);
    const after = await open(at('revised'));
    expect(await stats()).toMatchObject({ kernelOpens: 1, directOpens: 1 });
    expect((await allOf(after)).equals(fresh)).toBe(true);
    expect((await allOf(before)).equals(old)).toBe(true);
    await before.close();
    await after.close();
    await eventually(stats, ({ openFiles }) => openFiles === 0);
    expect((await readFile(at('revised'))).equals(fresh)).toBe(true);
    expect(await stats()).toMatchObject({ kernelOpens: 2, directOpens: 1 });
  });

  it('stay out of the way of who has them open from before they were cached', async () => {
    const size = 200_000;
    const ino = tree.addFile(directory, 'published', { size });
    const early = await open(at('published'));
    tree.cacheFile(ino, bytesOf(ino, 0, size));
    await server.tell({ do: 'published' });
    expect((await readFile(at('published'))).equals(bytesOf(ino, 0, size))).toBe(true);
    expect(await stats()).toMatchObject({ kernelOpens: 0, pagedOpens: 2 });
    await early.close();
    await eventually(stats, ({ openFiles }) => openFiles === 0);
    await readFile(at('published'));
    expect(await stats()).toMatchObject({ kernelOpens: 1, pagedOpens: 2 });
  });

  it.each([
    { what: 'large', firstSize: 150_000 },
    { what: 'small', firstSize: 20_000 },
  ])(
    'never give EIO, nor a mixture, however opens, revisions and releases of $what ones mix',
    async ({ what, firstSize }) => {
      const files = Array.from({ length: 4 }, (_, n) => {
        const name = `mixed-${n}`;
        const ino = tree.addFile(directory, name, { size: firstSize });
        // Bytes of the first version are those that the remote reader gives; each version has another size.
        return { name, ino, versions: [bytesOf(ino, 0, firstSize)] };
      });
      let done = false;
      let readings = 0;
      const reader = async (seed: number) => {
        for (let n = seed; !done; n++) {
          const { name, versions } = files[n % files.length] ?? expect.fail();
          const file = await open(at(name));
          await sleep((n * 7) % 15);
          // Who opened it while its cache file was not as recorded, and was to be fed by the source, gets EIO from a read when
          // a revision has come. A clash of ways would be an EIO from open, which fails the test.
          const bytes = await allOf(file).catch((error: NodeJS.ErrnoException) => error.code);
          await sleep((n * 5) % 11);
          await file.close();
          if (bytes === 'EIO') continue;
          if (!Buffer.isBuffer(bytes)) expect.fail(`${name}: ${bytes}`);
          readings++;
          if (!versions.some((version) => version.equals(bytes)))
            expect.fail(`${name}: ${bytes.length} bytes that are no version of it`);
        }
      };
      const readers = Promise.all(Array.from({ length: 12 }, (_, n) => reader(n * 3)));
      const events = (async () => {
        for (let round = 0; round < 12; round++) {
          for (const { name, ino, versions } of files) {
            // The source has the first version only.
            if (round === 4) await server.tell({ do: 'behave', ino, behaviour: { end: 'error' } });
            const latest = versions.at(-1) ?? expect.fail();
            if (round === 0) tree.cacheFile(ino, latest);
            // Found wrong by verify, and right again: in between it is fetched, which only the first version can be.
            else if (round < 4) dropCached(tree.index, ino);
            else {
              const version = Buffer.alloc(firstSize + round * 8000 + ino, `version ${round} `);
              versions.push(version);
              revise(ino, name, version);
            }
            await tellOf(ino);
            await sleep(20);
            if (round > 0 && round < 4)
              recordCached(tree.index, ino, join(tree.cachePath, 'years', '2021', name));
            await sleep(10);
            // Now and then nobody has it open, and the way is settled anew.
          }
        }
      })();
      await Promise.race([events, readers]);
      done = true;
      await Promise.all([events, readers]);
      const end = await eventually(
        stats,
        ({ openFiles = 0, backingFiles = 0 }) => openFiles + backingFiles === 0,
      );
      expect(end).toMatchObject({ openFiles: 0, backingFiles: 0 });
      // It did mix, and each way was used.
      for (const count of [end.directOpens, end.pagedOpens]) expect(count).toBeGreaterThan(10);
      if (what === 'large') expect(end.kernelOpens).toBeGreaterThan(10);
      else expect(end.kernelOpens).toBe(0);
      expect(readings).toBeGreaterThan(200);
      const warnings = (await server.state()).log.filter((line) => line.startsWith('warn'));
      expect(warnings.filter((line) => !line.includes('told to fail'))).toEqual([]);
    },
  );
});

describe.runIf(canMount())('files that are read through this process', () => {
  beforeEach(() => start({ passthrough: false }));
  afterEach(stop);

  it('leave no old pages behind when a revision came while they were open', async () => {
    const ino = tree.addFile(directory, 'paged', { size: 300_000 });
    const [old, fresh] = [Buffer.alloc(300_000, 'old'), Buffer.alloc(300_000, 'fresh')];
    tree.cacheFile(ino, old);
    const before = await open(at('paged'));
    await before.read(Buffer.alloc(10), 0, 10, 0);
    revise(ino, 'paged', fresh);
    await tellOf(ino);
    // These pages come from the old bytes, after the kernel was told to forget them.
    expect((await allOf(before)).equals(old)).toBe(true);
    const during = await open(at('paged'));
    expect((await allOf(during)).equals(fresh)).toBe(true);
    await during.close();
    await before.close();
    await eventually(stats, ({ openFiles }) => openFiles === 0);
    expect((await readFile(at('paged'))).equals(fresh)).toBe(true);
    expect(await stats()).toMatchObject({ kernelOpens: 0, directOpens: 1, pagedOpens: 2 });
  });
});

describe.runIf(canMount()).each([
  { passthrough: true, size: 50_000 },
  { passthrough: false, size: 50_000 },
  { passthrough: false, size: 300_000 },
])('a file of $size bytes, passthrough $passthrough', ({ passthrough, size }) => {
  beforeEach(() => start({ passthrough }));
  afterEach(stop);

  it('is not read from pages of former bytes before the kernel was told of a revision', async () => {
    const ino = tree.addFile(directory, 'revised', { size });
    const [old, fresh] = [Buffer.alloc(size, 'old'), Buffer.alloc(size, 'fresh')];
    tree.cacheFile(ino, old);
    expect((await readFile(at('revised'))).equals(old)).toBe(true);
    await eventually(stats, ({ openFiles }) => openFiles === 0);
    revise(ino, 'revised', fresh);
    const during = await open(at('revised'));
    expect((await during.read(Buffer.alloc(5), 0, 5, 0)).buffer.toString()).toBe('fresh');
    await tellOf(ino);
    expect((await allOf(during)).equals(fresh)).toBe(true);
    await during.close();
    expect(await stats()).toMatchObject({ kernelOpens: 0, directOpens: 0, pagedOpens: 2 });
  });

  it.each([{ cached: true }, { cached: false }])(
    'is read to its end when it grew before the kernel was told and was never open, cached: $cached',
    async ({ cached }) => {
      const ino = tree.addFile(directory, 'grown', { size: 1000 });
      expect((await stat(at('grown'))).size).toBe(1000);
      const inode = getInode(tree.index, ino) ?? expect.fail();
      setFileContent(tree.index, ino, { size, crc32: undefined });
      changeInode(tree.index, { ...inode, size, ctime: Math.floor(Date.now() / 1000) });
      if (cached) tree.cacheFile(ino, bytesOf(ino, 0, size));
      // By what the kernel knows it ends sooner: proof that it was not told.
      expect((await stat(at('grown'))).size).toBe(1000);
      const file = await open(at('grown'));
      expect((await allOf(file)).equals(bytesOf(ino, 0, size))).toBe(true);
      await file.close();
    },
  );

  it('leaves no pages of former bytes when it was read on after a revision came', async () => {
    const ino = tree.addFile(directory, 'read on', { size });
    const [old, fresh] = [Buffer.alloc(size, 'old'), Buffer.alloc(size, 'fresh')];
    tree.cacheFile(ino, old);
    const before = await open(at('read on'));
    revise(ino, 'read on', fresh);
    await tellOf(ino);
    expect((await allOf(before)).equals(old)).toBe(true);
    await before.close();
    await eventually(stats, ({ openFiles }) => openFiles === 0);
    expect((await readFile(at('read on'))).equals(fresh)).toBe(true);
    expect(await stats()).toMatchObject({ kernelOpens: 0, directOpens: 0, pagedOpens: 2 });
  });
});

describe.runIf(canMount()).each([{ passthrough: true }, { passthrough: false }])(
  'small files, passthrough $passthrough',
  ({ passthrough }) => {
    beforeEach(() => start({ passthrough }));
    afterEach(stop);

    it('cost an open and a release, and no request to read', async () => {
      const sizes = [1, 4095, 4096, 4097, 30_000, 131_072];
      const inos = sizes.map((size) => {
        const ino = tree.addFile(directory, `small-${size}`, { size });
        tree.cacheFile(ino, bytesOf(ino, 0, size));
        return ino;
      });
      for (const size of sizes) await stat(at(`small-${size}`));
      const before = await stats();
      for (const [n, size] of sizes.entries()) {
        const bytes = await readFile(at(`small-${size}`));
        expect(bytes.equals(bytesOf(inos[n] ?? 0, 0, size))).toBe(true);
      }
      const after = await eventually(stats, ({ openFiles }) => openFiles === 0);
      expect(after.requests).toBe((before.requests ?? 0) + 2 * sizes.length);
      expect(after).toMatchObject({ kernelOpens: 0, pagedOpens: sizes.length });
    });

    it('give EIO where the cache file was cut short after the kernel lost its pages', async () => {
      const ino = tree.addFile(directory, 'cut', { size: 30_000 });
      const path = tree.cacheFile(ino, bytesOf(ino, 0, 30_000));
      const file = await open(at('cut'));
      truncateSync(path, 5000);
      // What the kernel has is whole.
      expect((await allOf(file)).equals(bytesOf(ino, 0, 30_000))).toBe(true);
      await server.tell({ do: 'invalidate', change: { inodes: [ino], entries: [] } });
      await expect(allOf(file)).rejects.toThrow(/EIO/);
      await file.close();
    });
  },
);

describe.runIf(canMount() && hasPassthrough && readFileSync('/proc/filesystems', 'utf8').includes('overlay'))(
  'a cache on a stacked file system',
  () => {
    it('is read without passthrough', async () => {
      tree = createTestTree();
      // What lies below the overlay has to be of a file system that can carry one.
      const layers = join(tree.folder, 'layers');
      for (const name of ['lower', 'upper', 'work']) mkdirSync(join(layers, name), { recursive: true });
      const options = `lowerdir=${layers}/lower,upperdir=${layers}/upper,workdir=${layers}/work`;
      execFileSync('mount', ['-t', 'overlay', '-o', options, 'overlay', tree.cachePath]);
      try {
        directory = tree.addDirectory(2, '2021');
        const ino = tree.addFile(directory, 'stacked', { size: 300_000 });
        tree.cacheFile(ino, bytesOf(ino, 0, 300_000));
        server = await mountTree(tree);
        expect((await readFile(at('stacked'))).equals(bytesOf(ino, 0, 300_000))).toBe(true);
        expect((await stat(at('stacked'))).size).toBe(300_000);
        expect(await stats()).toMatchObject({ kernelOpens: 0, pagedOpens: 1, backingFiles: 0 });
        expect((await server.state()).log.join('\n')).toMatch(
          /debug: cached files are read through this process/,
        );
      } finally {
        await stopServer(server);
        execFileSync('umount', [tree.cachePath]);
        tree.remove();
      }
    });
  },
);
