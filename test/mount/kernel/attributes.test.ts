import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { lstat, readlink, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statement } from '../../../src/index/open.ts';
import {
  canMount,
  forgetTree,
  listNames,
  mountTree,
  runPython,
  type ServerProcess,
  stopServer,
} from '../../helpers/mount-client.ts';
import { createTestTree, someTime, type TestTree } from '../../helpers/mount-tree.ts';

/** Above 2^32: a driver that cuts inode numbers to 32 bits shows another one. */
const highIno = 2 ** 32 + 7;
const longName = `${'ü'.repeat(125)}.jpeg`;
const names = [
  'caf\u00e9.jpg', // NFC
  'cafe\u0301s.jpg', // NFD
  longName,
  '📷 🇮🇹.jpg',
  'שלום.jpg',
  '\ufeffbom.jpg',
  '\ufffd.jpg',
  '-rf',
  ' leading and trailing ',
  'new\nline',
];

describe.runIf(canMount())('names and attributes through the kernel', () => {
  let tree: TestTree;
  let server: ServerProcess;
  let year: string;
  const inos: Record<string, number> = {};

  beforeAll(async () => {
    tree = createTestTree();
    const parent = tree.addDirectory(2, '1969', -1);
    for (const name of names) inos[name] = tree.addFile(parent, name, { size: 3 });
    inos.old = tree.addFile(parent, 'old', { size: 1, mtime: -2_208_988_800, ctime: -1 });
    inos.far = tree.addFile(parent, 'far', { size: 1, mtime: 2 ** 32 + 5 });
    inos.empty = tree.addFile(parent, 'empty', { size: 0 });
    inos.big = tree.addFile(parent, 'big', { size: 5 * 2 ** 30 + 1 });
    inos.link = tree.addLink(parent, 'link', '../../somewhere/Ü/photo.jpg');
    statement(tree.index, "UPDATE sqlite_sequence SET seq = ? WHERE name = 'inode'").run(highIno - 1);
    inos.high = tree.addFile(parent, 'high', { size: 1, description: 'x'.repeat(3000) });
    server = await mountTree(tree);
    year = join(tree.mountPoint, 'years', '1969');
  });
  afterAll(async () => {
    await stopServer(server);
    tree.remove();
  });

  it('lists every name byte for byte', async () => {
    const wanted = [...names, 'old', 'far', 'empty', 'big', 'link', 'high'];
    expect(await listNames(year)).toEqual(wanted);
    expect(Buffer.byteLength(longName)).toBe(255);
  });

  it.each(names)('finds %j, with the inode number that the listing says', async (name) => {
    await forgetTree(server);
    expect((await lstat(join(year, name))).ino).toBe(inos[name]);
  });

  it('keeps composed and decomposed names apart', async () => {
    await expect(stat(join(year, 'cafe\u0301.jpg'))).rejects.toThrow('ENOENT');
    await expect(stat(join(year, 'caf\u00e9s.jpg'))).rejects.toThrow('ENOENT');
    await expect(stat(join(year, 'CAF\u00c9.jpg'))).rejects.toThrow('ENOENT');
  });

  it('finds nothing under names that are not UTF-8 or too long', async () => {
    const invalid = Buffer.concat([Buffer.from(`${year}/caf`), Buffer.from([0xe9]), Buffer.from('.jpg')]);
    await expect(stat(invalid)).rejects.toThrow('ENOENT');
    // Would be "\ufffd.jpg" to a decoder that replaces what it does not understand.
    const replaced = Buffer.concat([Buffer.from(`${year}/`), Buffer.from([0xff]), Buffer.from('.jpg')]);
    await expect(stat(replaced)).rejects.toThrow('ENOENT');
    await expect(stat(join(year, 'n'.repeat(256)))).rejects.toThrow('ENAMETOOLONG');
  });

  it('asks once for a name that is not there', async () => {
    const missing = join(year, 'missing.jpg');
    await expect(stat(missing)).rejects.toThrow('ENOENT');
    const before = (await server.state()).stats.requests;
    for (let again = 0; again < 5; again++) await expect(stat(missing)).rejects.toThrow('ENOENT');
    expect((await server.state()).stats.requests).toBe(before);
  });

  it('shows times before 1970 and beyond 32 bits', async () => {
    const old = await stat(join(year, 'old'), { bigint: true });
    expect([old.mtimeNs, old.ctimeNs]).toEqual([-2_208_988_800_000_000_000n, -1_000_000_000n]);
    expect((await stat(join(year, 'far'), { bigint: true })).mtimeNs).toBe(4_294_967_301_000_000_000n);
    expect((await stat(year)).mtimeMs).toBe(-1000);
  });

  it('shows sizes beyond 32 bits, and blocks for all of them', async () => {
    const big = await stat(join(year, 'big'));
    expect([big.size, big.blocks, big.blksize]).toEqual([5 * 2 ** 30 + 1, 10 * 2 ** 20 + 1, 4096]);
    const empty = await stat(join(year, 'empty'));
    expect([empty.size, empty.blocks]).toEqual([0, 0]);
  });

  it('shows inode numbers beyond 32 bits, in listings too', async () => {
    expect((await stat(join(year, 'high'))).ino).toBe(highIno);
    const code = 'import os,sys\nprint([e.inode() for e in os.scandir(sys.argv[1]) if e.name == "high"])';
    expect((await runPython(code, year)).stdout.toString().trim()).toBe(`[${highIno}]`);
  });

  it('shows owner, modes and link targets', async () => {
    const file = await stat(join(year, 'old'));
    expect([file.uid, file.gid, file.mode, file.nlink]).toEqual([1234, 2345, 0o100444, 1]);
    expect((await stat(year)).mode).toBe(0o40555);
    const link = await lstat(join(year, 'link'));
    expect([link.mode, link.size]).toEqual([0o120777, 28]);
    expect(await readlink(join(year, 'link'))).toBe('../../somewhere/Ü/photo.jpg');
    expect((await stat(tree.mountPoint)).ino).toBe(1);
    expect((await stat(join(tree.mountPoint, 'years'))).nlink).toBe(3);
  });

  it('answers statfs with the cache file system', async () => {
    const [shown, below] = [await statfs(tree.mountPoint), await statfs(tree.cachePath)];
    expect([shown.bsize, shown.blocks, shown.files]).toEqual([below.bsize, below.blocks, below.files]);
    const code = 'import os,sys\nv=os.statvfs(sys.argv[1])\nprint(v.f_namemax, v.f_flag & os.ST_RDONLY)';
    expect((await runPython(code, tree.mountPoint)).stdout.toString()).toBe('255 1\n');
  });

  it('gives extended attributes in the length asked for', async () => {
    const code = `
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def get(name, room):
    buffer = ctypes.create_string_buffer(max(room, 1))
    got = libc.getxattr(sys.argv[1].encode(), name.encode(), buffer, ctypes.c_size_t(room))
    return got if got >= 0 else errno.errorcode[ctypes.get_errno()]
def names(room):
    buffer = ctypes.create_string_buffer(max(room, 1))
    got = libc.listxattr(sys.argv[1].encode(), buffer, ctypes.c_size_t(room))
    return got if got >= 0 else errno.errorcode[ctypes.get_errno()]
d = 'user.gphotosfs.description'
print(get(d, 0), get(d, 2999), get(d, 3000), get(d, 4000))
print(get('user.gphotosfs.none', 0), get('user.none', 100), get('security.selinux', 100), get('trusted.x', 0))
all = os.listxattr(sys.argv[1])
length = sum(len(name) + 1 for name in all)
print(names(0) == length, names(length - 1), names(length) == length, d in all)
print(os.getxattr(sys.argv[1], d) == b'x' * 3000, os.getxattr(sys.argv[1], 'user.gphotosfs.state'))
`;
    const { stdout, stderr } = await runPython(code, join(year, 'high'));
    expect(stderr).toBe('');
    expect(stdout.toString().trim().split('\n')).toEqual([
      '3000 ERANGE 3000 3000',
      'ENODATA ENODATA ENOTSUP ENOTSUP',
      'True ERANGE True True',
      "True b'remote'",
    ]);
  });

  it('tells ls -l at once that no file has a security label or an ACL, so that it asks no further', () => {
    const trace = join(tree.folder, 'trace');
    execFileSync('strace', ['-o', trace, '-e', 'trace=getxattr,lgetxattr', 'ls', '-l', year]);
    const asked = readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => line.includes('getxattr('));
    expect(asked.length).toBeLessThanOrEqual(2);
    for (const line of asked) expect(line).toContain('EOPNOTSUPP');
  });

  it('shows the same after the kernel forgot all', async () => {
    const look = () => execFileSync('ls', ['-lai', '--time-style=+%s', year]).toString();
    const before = look();
    expect(before).toContain(String(someTime));
    await forgetTree(server);
    expect(look()).toBe(before);
  });

  it('answers an index that fails with EIO, says why, and goes on', async () => {
    statement(tree.index, 'ALTER TABLE entry RENAME TO entry_away').run();
    await expect(stat(join(tree.mountPoint, 'albums', 'nothing'))).rejects.toThrow(/EIO|i\/o error/i);
    statement(tree.index, 'ALTER TABLE entry_away RENAME TO entry').run();
    expect((await server.state()).log.join('\n')).toMatch(/warn: .*no such table: entry/);
    await expect(stat(join(tree.mountPoint, 'albums', 'nothing'))).rejects.toThrow('ENOENT');
  });
});
