import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  canMount,
  mountTree,
  runProgram,
  runPython,
  type ServerProcess,
  stopServer,
} from '../../helpers/mount-client.ts';
import { createTestTree, type TestTree } from '../../helpers/mount-tree.ts';

/** Each tries one system call that writes, and prints its name and the error it got. */
const attempts = `
import ctypes, errno, os, stat, sys
root = sys.argv[1]
f, d, new = root + '/file', root + '/dir', root + '/new'
libc = ctypes.CDLL(None, use_errno=True)
def c(result):
    if result < 0: raise OSError(ctypes.get_errno(), '')
tries = {
    'open for writing': lambda: os.open(f, os.O_WRONLY),
    'open for both': lambda: os.open(f, os.O_RDWR),
    'open and truncate': lambda: os.open(f, os.O_RDONLY | os.O_TRUNC),
    'open for appending': lambda: os.open(f, os.O_WRONLY | os.O_APPEND),
    'create': lambda: os.open(new, os.O_CREAT | os.O_WRONLY),
    'create exclusively': lambda: os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDONLY),
    'tmpfile': lambda: os.open(d, os.O_TMPFILE | os.O_RDWR),
    'truncate': lambda: os.truncate(f, 0),
    'chmod': lambda: os.chmod(f, 0o777),
    'chown': lambda: os.chown(f, 0, 0),
    'utime': lambda: os.utime(f, (0, 0)),
    'utime now': lambda: os.utime(d),
    'mkdir': lambda: os.mkdir(new),
    'mknod': lambda: os.mknod(new, stat.S_IFREG),
    'mkfifo': lambda: os.mkfifo(new),
    'unlink': lambda: os.unlink(f),
    'unlink link': lambda: os.unlink(root + '/link'),
    'rmdir': lambda: os.rmdir(d),
    'rename': lambda: os.rename(f, new),
    'rename directory': lambda: os.rename(d, new),
    'rename over': lambda: os.rename(f, root + '/link'),
    'exchange': lambda: c(libc.renameat2(-100, f.encode(), -100, d.encode(), 2)),
    'link': lambda: os.link(f, new),
    'symlink': lambda: os.symlink('x', new),
    'setxattr': lambda: os.setxattr(f, 'user.gphotosfs.state', b'x'),
    'removexattr': lambda: os.removexattr(f, 'user.gphotosfs.state'),
}
for name, attempt in tries.items():
    try:
        attempt()
        print(name, 'worked')
    except OSError as e:
        print(name, errno.errorcode[e.errno])
fd = os.open(f, os.O_RDONLY)
for name, attempt in {
    'write': lambda: os.write(fd, b'x'),
    'ftruncate': lambda: os.ftruncate(fd, 0),
    'fchmod': lambda: os.fchmod(fd, 0o777),
    'fallocate': lambda: os.posix_fallocate(fd, 0, 10),
    'copy_file_range': lambda: os.copy_file_range(fd, fd, 1, 0, 5),
}.items():
    try:
        attempt()
        print(name, 'worked')
    except OSError as e:
        print(name, errno.errorcode[e.errno])
os.fsync(fd)
`;

describe.runIf(canMount())('writing through the kernel', () => {
  let tree: TestTree;
  let server: ServerProcess;
  let root: string;

  beforeAll(async () => {
    tree = createTestTree();
    const directory = tree.addDirectory(2, '2021');
    tree.addFile(directory, 'file', { size: 100 });
    tree.addDirectory(directory, 'dir');
    tree.addLink(directory, 'link', 'file');
    server = await mountTree(tree);
    root = join(tree.mountPoint, 'years', '2021');
  });
  afterAll(async () => {
    await stopServer(server);
    tree.remove();
  });

  function expectRefused(stdout: string) {
    const lines = stdout.trim().split('\n');
    const [onDescriptors, others] = [lines.slice(-5), lines.slice(0, -5)];
    expect(others.length).toBe(26);
    expect(others.filter((line) => !line.endsWith(' EROFS'))).toEqual([]);
    // These fail before any file system is asked: the descriptor is not for writing.
    expect(onDescriptors).toEqual([
      'write EBADF',
      'ftruncate EINVAL',
      'fchmod EROFS',
      'fallocate EBADF',
      'copy_file_range EBADF',
    ]);
  }

  it('is refused by the kernel, as the mount is read-only', async () => {
    const before = (await server.state()).stats.requests ?? 0;
    const { stdout, stderr } = await runPython(attempts, root);
    expect(stderr).toBe('');
    expectRefused(stdout.toString());
    expect((await server.state()).stats.requests).toBeLessThan(before + 40);
  });

  it('is refused by the driver, should somebody make the mount writable', async () => {
    const remount = await runProgram('mount', '-i', '-o', 'remount,rw', tree.mountPoint);
    expect([remount.status, remount.stderr]).toEqual([0, '']);
    const before = (await server.state()).stats.requests ?? 0;
    const { stdout, stderr } = await runPython(attempts, root);
    expect(stderr).toBe('');
    expectRefused(stdout.toString());
    // Proof that it was the driver: one request for each at least.
    expect((await server.state()).stats.requests).toBeGreaterThan(before + 26);
    expect((await server.state()).log).toEqual([]);
  });
});
