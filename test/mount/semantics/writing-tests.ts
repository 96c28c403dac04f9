import { expect, it } from 'vitest';
import type { Subject } from './subject.ts';

/** Every system call that writes, with the error that it got. */
const attempts = `
import ctypes, errno, json, os, stat, sys, tempfile
folder = sys.argv[1]
file, new = folder + '/big.jpg', folder + '/new'
libc = ctypes.CDLL(None, use_errno=True)
def c(result):
    if result < 0: raise OSError(ctypes.get_errno(), '')
b = lambda path: path.encode()
fd = os.open(file, os.O_RDONLY)
here = os.open(folder, os.O_RDONLY)
other = tempfile.TemporaryFile()
calls = {
    'open for writing': lambda: os.open(file, os.O_WRONLY),
    'open for reading and writing': lambda: os.open(file, os.O_RDWR),
    'open truncating': lambda: os.open(file, os.O_RDONLY | os.O_TRUNC),
    'open appending': lambda: os.open(file, os.O_WRONLY | os.O_APPEND),
    'creat': lambda: os.open(new, os.O_CREAT | os.O_WRONLY),
    'creat exclusively': lambda: os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR),
    'O_TMPFILE': lambda: os.open(folder, os.O_TMPFILE | os.O_RDWR),
    'mkdir': lambda: os.mkdir(new),
    'mknod': lambda: os.mknod(new, stat.S_IFREG | 0o644),
    'mkfifo': lambda: os.mkfifo(new),
    'unlink': lambda: os.unlink(file),
    'rmdir': lambda: os.rmdir(folder),
    'rename': lambda: os.rename(file, new),
    'rename onto': lambda: os.rename(file, folder + '/page.jpg'),
    'rename a directory': lambda: os.rename(folder, folder + '-new'),
    'exchange': lambda: c(libc.renameat2(-100, b(file), -100, b(folder + '/page.jpg'), 2)),
    'link': lambda: os.link(file, new),
    'symlink': lambda: os.symlink('x', new),
    'chmod': lambda: os.chmod(file, 0o644),
    'fchmod': lambda: os.fchmod(fd, 0o644),
    'chown': lambda: os.chown(file, os.getuid(), os.getgid()),
    'truncate': lambda: os.truncate(file, 0),
    'utimens': lambda: os.utime(file, (1, 1)),
    'futimens of a directory': lambda: os.utime(here),
    'setxattr': lambda: os.setxattr(file, 'user.gphotosfs.state', b'x'),
    'setxattr of a new one': lambda: os.setxattr(file, 'user.x', b'x'),
    'removexattr': lambda: os.removexattr(file, 'user.gphotosfs.state'),
}
closed = {
    'write': lambda: os.write(fd, b'x'),
    'ftruncate': lambda: os.ftruncate(fd, 0),
    'fallocate': lambda: c(libc.fallocate(fd, 0, ctypes.c_long(0), ctypes.c_long(9))),
    'copy_file_range into': lambda: os.copy_file_range(other.fileno(), fd, 5),
    'mmap for writing': lambda: __import__('mmap').mmap(fd, 4096, prot=3),
}
def said(call):
    try:
        call()
        return 'worked'
    except OSError as e:
        return errno.errorcode[e.errno]
print(json.dumps([{name: said(call) for name, call in group.items()} for group in (calls, closed)]))
`;

/**
 * Every file of index and cache: inode, times and, up to 64 MB, its bytes. Without the memory that the index's processes share, in
 * which readers leave marks, and without what fetches that are under way write: leases and partial files.
 */
const stateOf = `
import hashlib, json, os, sys
home, cache = sys.argv[1:]
paths = [os.path.join(home, name) for name in os.listdir(home) if name.startswith('index.db') and not name.endswith('-shm')]
for above, folders, names in os.walk(cache):
    if above.endswith('/.gphotosfs') and 'partial' in folders: folders.remove('partial')
    paths += [os.path.join(above, name) for name in names]
def said(path):
    s = os.lstat(path)
    line = f'{path} {s.st_ino} {s.st_mode} {s.st_size} {s.st_mtime_ns} {s.st_ctime_ns}'
    if os.path.islink(path) or s.st_size > 64e6: return line
    with open(path, 'rb') as file: return line + ' ' + hashlib.sha256(file.read()).hexdigest()
print(json.dumps([said(path) for path in sorted(paths)]))
`;

export function writingTests(get: () => Subject): void {
  it('refuses every way to write with EROFS, and changes not a byte of index and cache', async () => {
    const { hands, library, at } = get();
    const state = () => hands.python<string[]>(stateOf, library.home, library.cachePath);
    const before = await state();
    expect(before.length).toBeGreaterThan(3);
    const [calls = {}, closed = {}] = await hands.python<Record<string, string>[]>(
      attempts,
      at('years/2021'),
    );
    expect(Object.keys(calls).length).toBeGreaterThan(25);
    expect(calls).toEqual(Object.fromEntries(Object.keys(calls).map((name) => [name, 'EROFS'])));
    // A descriptor that was opened for reading is refused before the file system is asked (EBADF, or for mmap EACCES).
    for (const [name, error] of Object.entries(closed)) {
      expect(['EBADF', 'EACCES', 'EINVAL', 'EROFS'], name).toContain(error);
    }
    expect(await state()).toEqual(before);
  });
}
