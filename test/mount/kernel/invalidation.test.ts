import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setFileContent } from '../../../src/index/items.ts';
import { changeInode, getInode } from '../../../src/index/tree.ts';
import type { TreeChange } from '../../../src/mount/driver.ts';
import { bytesOf } from '../../helpers/mount-bytes.ts';
import {
  canMount,
  eventually,
  mountTree,
  runProgram,
  type ServerProcess,
  stopServer,
} from '../../helpers/mount-client.ts';
import { createTestTree, removeEntry, type TestTree } from '../../helpers/mount-tree.ts';

describe.runIf(canMount())('invalidation', () => {
  let tree: TestTree;
  let server: ServerProcess;
  let directory: number;
  const at = (name = '') => join(tree.mountPoint, 'years', '2021', name);
  const tell = (change: Partial<TreeChange>) =>
    server.tell({ do: 'invalidate', change: { inodes: [], entries: [], ...change } });

  beforeAll(async () => {
    tree = createTestTree();
    directory = tree.addDirectory(2, '2021');
    server = await mountTree(tree);
  });
  afterAll(async () => {
    await stopServer(server);
    tree.remove();
  });

  it('shows a name that came, which the kernel knew as absent', async () => {
    tree.addFile(directory, 'there', { size: 1 });
    await expect(stat(at('new.jpg'))).rejects.toThrow('ENOENT');
    expect(await readdir(at())).toEqual(['there']);
    tree.addFile(directory, 'new.jpg', { size: 7 });
    // Without being told, the kernel goes by what it has: proof that there is something to invalidate.
    await expect(stat(at('new.jpg'))).rejects.toThrow('ENOENT');
    expect(await readdir(at())).toEqual(['there']);
    await tell({ entries: [{ parent: directory, name: 'new.jpg' }] });
    expect((await stat(at('new.jpg'))).size).toBe(7);
    expect(await readdir(at())).toEqual(['new.jpg', 'there']);
  });

  it('hides a name that went', async () => {
    tree.addFile(directory, 'gone', { size: 1 });
    await tell({ entries: [{ parent: directory, name: 'gone' }] });
    await stat(at('gone'));
    removeEntry(tree.index, directory, 'gone');
    await stat(at('gone'));
    await tell({ entries: [{ parent: directory, name: 'gone' }] });
    await expect(stat(at('gone'))).rejects.toThrow('ENOENT');
    expect(await readdir(at())).not.toContain('gone');
  });

  it('shows new attributes and new bytes of a file, also to whoever has it open', async () => {
    const ino = tree.addFile(directory, 'revised', { size: 5000 });
    await tell({ entries: [{ parent: directory, name: 'revised' }] });
    const old = Buffer.alloc(5000, 'old');
    tree.cacheFile(ino, old);
    expect((await readFile(at('revised'))).equals(old)).toBe(true);
    const fresh = Buffer.alloc(9000, 'fresh');
    setFileContent(tree.index, ino, { size: 9000, crc32: undefined });
    const row = getInode(tree.index, ino) ?? expect.fail();
    changeInode(tree.index, { ...row, size: 9000, ctime: row.ctime + 60 });
    tree.cacheFile(ino, fresh);
    expect((await stat(at('revised'))).size).toBe(5000);
    await tell({ inodes: [ino] });
    const after = await stat(at('revised'));
    expect([after.size, after.ctimeMs]).toEqual([9000, (row.ctime + 60) * 1000]);
    expect((await readFile(at('revised'))).equals(fresh)).toBe(true);
  });

  it('does nothing where the kernel knows nothing', async () => {
    const unknown = tree.addFile(directory, 'unknown', { size: 1 });
    await tell({
      inodes: [unknown, 999_999],
      entries: [
        { parent: 999_999, name: 'x' },
        { parent: unknown, name: 'y' },
      ],
    });
    expect((await server.state()).log).toEqual([]);
  });

  it('drops rows that a listing has in hand', async () => {
    const large = tree.addDirectory(2, 'large');
    tree.inBulk(() => {
      for (let n = 0; n < 1000; n++) tree.addFile(large, `file-${n}`, { size: 1 });
    });
    await tell({ entries: [{ parent: 2, name: 'large' }] });
    // file-150 is read from the index with the first batch, and not sent with the first answer (45 entries at most).
    // Reads a first part of the listing, and goes on when it is told that the tree has changed.
    const code = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open(sys.argv[1], os.O_RDONLY)
buffer = ctypes.create_string_buffer(8192)
libc.syscall(217, fd, buffer, 8192)
print('first', flush=True)
sys.stdin.readline()
while libc.syscall(217, fd, buffer, 8192) > 0: pass
print(os.stat(sys.argv[1] + '/file-150').st_size)
`;
    const { spawn } = await import('node:child_process');
    const child = spawn('python3', ['-c', code, join(tree.mountPoint, 'years', 'large')]);
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
    });
    await eventually(
      () => said,
      (text) => text.includes('first'),
    );
    const row = getInode(tree.index, large + 151) ?? expect.fail();
    changeInode(tree.index, { ...row, size: 77 });
    await tell({ inodes: [row.ino] });
    child.stdin.write('\n');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(said).toBe('first\n77\n');
  });

  it('neither waits for a read that is under way nor blocks it', async () => {
    const ino = tree.addFile(directory, 'slow', { size: 100_000 });
    await tell({ entries: [{ parent: directory, name: 'slow' }] });
    await server.tell({ do: 'behave', ino, behaviour: { delayMs: 1500 } });
    const reader = runProgram('cat', at('slow'));
    await eventually(server.state, (state) => (state.reads[ino] ?? 0) > 0);
    // The kernel holds this one back until the page that `cat` waits for is unlocked.
    const told = tell({ inodes: [ino] });
    // Everything else goes on meanwhile.
    expect((await runProgram('ls', '-la', at())).status).toBe(0);
    expect((await reader).stdout.equals(bytesOf(ino, 0, 100_000))).toBe(true);
    await told;
  });

  it('keeps serving under a storm of changes', async () => {
    const ino = tree.addFile(directory, 'storm', { size: 3_000_000 });
    await tell({ entries: [{ parent: directory, name: 'storm' }] });
    const right = bytesOf(ino, 0, 3_000_000);
    const changes = (async () => {
      for (let n = 0; n < 200; n++) {
        await tell({ inodes: [ino, directory, 2, 1], entries: [{ parent: directory, name: 'storm' }] });
      }
    })();
    for (let n = 0; n < 10; n++) expect((await readFile(at('storm'))).equals(right)).toBe(true);
    const file = await open(at('storm'));
    await changes;
    const { buffer } = await file.read(Buffer.alloc(10), 0, 10, 2_999_990);
    expect(buffer.equals(right.subarray(2_999_990))).toBe(true);
    await file.close();
    expect((await server.state()).log).toEqual([]);
  });
});
