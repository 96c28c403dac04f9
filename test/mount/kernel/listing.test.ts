import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  canMount,
  eventually,
  forgetTree,
  listNames,
  mountTree,
  runPython,
  type ServerProcess,
  stopServer,
} from '../../helpers/mount-client.ts';
import { createTestTree, type TestTree } from '../../helpers/mount-tree.ts';

/** Several batches of rows, and many answers. */
const many = 3000;

describe.runIf(canMount())('listings through the kernel', () => {
  let tree: TestTree;
  let server: ServerProcess;
  let large: string;
  let empty: string;
  let largeIno: number;

  beforeAll(async () => {
    tree = createTestTree();
    largeIno = tree.addDirectory(2, 'large');
    tree.addDirectory(2, 'empty');
    tree.inBulk(() => {
      for (let n = 0; n < many; n++) tree.addFile(largeIno, nameOf(n), { size: n });
    });
    server = await mountTree(tree);
    large = join(tree.mountPoint, 'years', 'large');
    empty = join(tree.mountPoint, 'years', 'empty');
  });
  afterAll(async () => {
    await stopServer(server);
    tree.remove();
  });

  // Lengths from 5 to 205 bytes, so that records end at every place of a buffer.
  const nameOf = (n: number) => `${n}-`.padEnd((n * 7) % 200, n % 2 === 0 ? 'x' : 'ö').slice(0, 120);

  it('gives each entry once, in order', async () => {
    const listed = await listNames(large);
    expect(listed.length).toBe(many);
    // One by one, for a difference of two lists of thousands is unreadable.
    expect(listed.findIndex((name, n) => name !== nameOf(n))).toBe(-1);
    expect(await listNames(empty)).toEqual([]);
  });

  it('brings attributes along, so that stat asks nothing more', async () => {
    await forgetTree(server);
    await readdir(large);
    const before = (await server.state()).stats.requests ?? 0;
    for (let n = 0; n < many; n += 100) expect((await stat(join(large, nameOf(n)))).size).toBe(n);
    // The RELEASEDIR of the listing may come late.
    expect(((await server.state()).stats.requests ?? 0) - before).toBeLessThanOrEqual(1);
  });

  it('keeps a listing in the kernel', async () => {
    await readdir(large);
    const before = (await server.state()).stats.requests ?? 0;
    await readdir(large);
    // OPENDIR and RELEASEDIR at most.
    expect(((await server.state()).stats.requests ?? 0) - before).toBeLessThanOrEqual(2);
  });

  it('has . and .. with their inode numbers, and goes on from any place', async () => {
    const code = `
import ctypes, os, sys
libc = ctypes.CDLL(None)
class Dirent(ctypes.Structure):
    _fields_ = [('ino', ctypes.c_uint64), ('off', ctypes.c_int64), ('len', ctypes.c_uint16), ('type', ctypes.c_uint8), ('name', ctypes.c_char * 256)]
libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.POINTER(Dirent)
libc.readdir.argtypes = libc.telldir.argtypes = libc.rewinddir.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
libc.telldir.restype = ctypes.c_long
d = libc.opendir(sys.argv[1].encode())
def rest():
    found = []
    while True:
        e = libc.readdir(d)
        if not e: return found
        found.append((e.contents.name, e.contents.ino, libc.telldir(d), e.contents.type))
first = rest()
print(first[0][:2] + first[0][3:], first[1][:2] + first[1][3:], len(first))
for n in (0, 1, 2, 700, len(first) - 2):
    libc.seekdir(d, first[n][2])
    assert rest() == first[n + 1:], n
libc.rewinddir(d)
assert rest() == first
print('ok', os.stat(sys.argv[1]).st_ino)
`;
    await forgetTree(server);
    const { stdout, stderr } = await runPython(code, large);
    expect(stderr).toBe('');
    expect(stdout.toString()).toBe(`(b'.', ${largeIno}, 4) (b'..', 2, 4) ${many + 2}\nok ${largeIno}\n`);
  });

  it('counts every reference that the kernel takes and gives back', async () => {
    await forgetTree(server);
    const none = await eventually(
      async () => (await server.state()).stats,
      (stats) => stats.lookups === 0,
    );
    expect(none).toMatchObject({ inodes: 0, lookups: 0, openFiles: 0, openDirectories: 0 });
    await readdir(large);
    // `.` and `..` are not counted; the way there is `years` and `large`.
    const all = (await server.state()).stats;
    expect(all.inodes).toBe(many + 2);
    expect(all.lookups).toBeGreaterThanOrEqual(many + 2);
    await forgetTree(server);
    const again = await eventually(
      async () => (await server.state()).stats,
      (stats) => stats.lookups === 0,
    );
    expect(again).toMatchObject({ inodes: 0, lookups: 0 });
  });
});
