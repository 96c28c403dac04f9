import { statfsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/mount-client.ts';
import { shown } from './client.ts';
import { before1970, bigSize } from './library.ts';
import type { Subject } from './subject.ts';

/** What listings and stat say of everything, by path. */
export const walked = `
import json, os, stat, sys
root = os.fsencode(sys.argv[1])
seen = {}
def walk(directory):
    with os.scandir(directory) as entries:
        for entry in list(entries):
            s = entry.stat(follow_symlinks=False)
            kind = 'directory' if stat.S_ISDIR(s.st_mode) else 'symlink' if stat.S_ISLNK(s.st_mode) else 'file'
            listed = ('directory' if entry.is_dir(follow_symlinks=False) else
                      'symlink' if entry.is_symlink() else 'file')
            seen[os.fsdecode(os.path.relpath(entry.path, root))] = {
                'ino': s.st_ino, 'listedIno': entry.inode(), 'kind': kind, 'listedKind': listed,
                'mode': s.st_mode & 0o7777, 'uid': s.st_uid, 'gid': s.st_gid, 'size': s.st_size,
                'blocks': s.st_blocks, 'nlink': s.st_nlink, 'mtime': s.st_mtime, 'ctime': s.st_ctime}
            if kind == 'directory': walk(entry.path)
walk(root)
print(json.dumps(seen))
`;

const xattrs = `
import ctypes, errno, json, os, sys
path = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
def failure(call, *args):
    if call(*args) >= 0: return None
    return errno.errorcode[ctypes.get_errno()]
def of(name):
    try: return os.getxattr(path, name).decode()
    except OSError as e: return errno.errorcode[e.errno]
names = sorted(os.listxattr(path))
room = ctypes.create_string_buffer(4)
print(json.dumps({
    'values': {name: of(name) for name in names},
    'missing': [of(name) for name in ('user.gphotosfs.none', 'user.other', 'security.selinux', 'system.posix_acl_access')],
    'tooSmall': [failure(libc.getxattr, path.encode(), b'user.gphotosfs.state', room, 3),
                 failure(libc.listxattr, path.encode(), room, 3)],
    'length': libc.getxattr(path.encode(), b'user.gphotosfs.state', None, 0),
}))
`;

interface Xattrs {
  readonly values: Readonly<Record<string, string>>;
  readonly missing: readonly string[];
  readonly tooSmall: readonly string[];
  readonly length: number;
}

export function attributeTests(get: () => Subject): void {
  describe('attributes', () => {
    it('are those of the index, in listings and in stat', async () => {
      const { hands, library, server, at } = get();
      const uid = hands.uid === 0 ? shown.uid : hands.uid;
      const time = (seconds: number) => (server.features.timesBefore1970 ? seconds : Math.max(0, seconds));
      const expected = library.nodes().map(({ path, ino, kind, size, nlink, mtime, ctime }) => {
        const mode = { file: 0o440, directory: 0o550, symlink: 0o777 }[kind];
        const times = { mtime: time(mtime), ctime: time(ctime) };
        const blocks = Math.ceil(size / 512);
        const node = { ino, listedIno: ino, kind, listedKind: kind, mode, uid, gid: shown.gid };
        return [path, { ...node, size, blocks, nlink, ...times }];
      });
      expect(await hands.python(walked, at(''))).toEqual(Object.fromEntries(expected));
    });

    it('before 1970 are right where the driver can, and 1970 where it cannot', async () => {
      const { hands, server, at } = get();
      const expected = server.features.timesBefore1970 ? before1970 : 0;
      expect(await hands.text('stat', '-c', '%Y', at('years/1960/grandma.jpg'))).toBe(`${expected}\n`);
    });

    it('of a file over 4 GiB are not cut', async () => {
      const { hands, at } = get();
      expect(await hands.text('stat', '-c', '%s %b', at('years/2022/huge.mp4'))).toBe(
        `${bigSize} ${Math.ceil(bigSize / 512)}\n`,
      );
    });

    it('count the names of a photo and the subfolders of a folder', async () => {
      const { hands, library, at } = get();
      const hard = library.layout.albums === 'hardlink';
      expect(await hands.text('stat', '-c', '%h', at('years/2021/big.jpg'))).toBe(hard ? '2\n' : '1\n');
      const folders = library.nodes().filter(({ path }) => /^years\/[^/]+$/.test(path)).length;
      expect(await hands.text('stat', '-c', '%h', at('years'))).toBe(`${folders + 2}\n`);
    });

    it('are listed by ls -la and find', async () => {
      const { hands, library, at } = get();
      const listing = await hands.text('ls', '-la', at('years/2021'));
      const in2021 = library.nodes().filter(({ path }) => path.startsWith('years/2021/'));
      // A line for each, for "total", for "." and for "..".
      expect(listing.trim().split('\n').length).toBe(in2021.length + 3);
      const found = await hands.text('find', at(''), '-printf', '%P\\0');
      const paths = found.split('\0').filter((path) => path !== '');
      expect(paths.sort()).toEqual(
        library
          .nodes()
          .map(({ path }) => path)
          .sort(),
      );
    });

    it('of the file system are those of the cache', async () => {
      const { hands, library, at } = get();
      const cache = statfsSync(library.cachePath);
      const said = (await hands.text('stat', '-f', '-c', '%b %S %l', at(''))).trim().split(' ').map(Number);
      const [blocks = 0, size = 0, longestName] = said;
      expect(blocks * size).toBeCloseTo(cache.blocks * cache.bsize, -8);
      expect(longestName).toBe(255);
      expect(await hands.text('df', '-h', at(''))).toContain('gphotosfs');
    });

    it('include what is known of a photo, as extended attributes', async () => {
      const { hands, at } = get();
      const said = await hands.python<Xattrs>(xattrs, at('years/2021/big.jpg'));
      expect(said.values).toMatchObject({
        'user.gphotosfs.description': 'Grüße\naus Köln',
        'user.gphotosfs.people': 'Zoë',
        'user.gphotosfs.albums': 'Sommer in Köln',
      });
      expect(said.missing).toEqual(['ENODATA', 'ENODATA', 'ENOTSUP', 'ENOTSUP']);
      expect(said.tooSmall).toEqual(['ERANGE', 'ERANGE']);
      expect(said.length).toBe(said.values['user.gphotosfs.state']?.length);
      const dumped = await hands.text('getfattr', '-d', '--absolute-names', at('years/2021/big.jpg'));
      expect(dumped).toContain('user.gphotosfs.people=');
      expect((await hands.python<Xattrs>(xattrs, at('years'))).values).toEqual({});
    });

    it('tell whether a photo is here, is to be fetched, or is nowhere any more', async () => {
      const { hands, at } = get();
      const state = (path: string) =>
        hands.text('getfattr', '--only-values', '-n', 'user.gphotosfs.state', '--absolute-names', at(path));
      expect(await state('years/2022/huge.mp4')).toBe('cached');
      expect(await state('years/2018/lost.jpg')).toBe('unavailable');
      expect(await state('years/2021/page.jpg')).toBe('remote');
      await hands.text('cat', at('years/2021/page.jpg'));
      expect(
        await eventually(
          () => state('years/2021/page.jpg'),
          (said) => said === 'cached',
        ),
      ).toBe('cached');
    });
  });
}
