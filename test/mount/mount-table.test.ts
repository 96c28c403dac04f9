import { describe, expect, it } from 'vitest';
import { isOurs, mountAt, parseMountTable } from '../../src/mount/mount-table.ts';

const line = (mountPoint: string, rest = '- fuse.gphotosfs gphotosfs ro,user_id=0') =>
  `42 27 0:39 / ${mountPoint} ro,nosuid,nodev shared:7 master:2 ${rest}`;

describe('parseMountTable', () => {
  it('reads mount point, device, type and source behind any number of optional fields', () => {
    const [entry] = parseMountTable(`${line('/mnt/photos')}\n`);
    expect(entry).toEqual({
      device: '0:39',
      mountPoint: '/mnt/photos',
      fsType: 'fuse.gphotosfs',
      source: 'gphotosfs',
    });
  });

  it('undoes the octal escapes and reads the bytes as UTF-8', () => {
    const text = Buffer.from(line('/mnt/a\\040b\\011c\\012d\\134e\\043/Grüße-日本'), 'utf8').toString(
      'latin1',
    );
    expect(parseMountTable(text)[0]?.mountPoint).toBe('/mnt/a b\tc\nd\\e#/Grüße-日本');
  });

  it('leaves out what it does not understand', () => {
    expect(parseMountTable('\nnonsense\n1 2 3:4 / /x rw no separator here\n')).toEqual([]);
  });
});

describe('isOurs', () => {
  it('knows mounts of both drivers and no others', () => {
    const entryOf = (rest: string) => parseMountTable(line('/m', rest))[0] ?? expect.fail();
    expect(isOurs(entryOf('- fuse.gphotosfs gphotosfs ro'))).toBe(true);
    expect(isOurs(entryOf('- fuse gphotosfs ro'))).toBe(true);
    expect(isOurs(entryOf('- fuse.sshfs host:/ rw'))).toBe(false);
    expect(isOurs(entryOf('- ext4 gphotosfs rw'))).toBe(false);
  });
});

describe.runIf(process.platform === 'linux')('mountAt', () => {
  it('finds what is mounted at exactly a path', () => {
    expect(mountAt('/proc')?.fsType).toBe('proc');
    expect(mountAt('/proc/self')).toBeUndefined();
  });
});
