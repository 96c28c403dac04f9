import { describe, expect, it } from 'vitest';
import { statfsOf, statOf } from '../../../src/mount/fuse-native/stat.ts';

const as = { uid: 1, gid: 2, umask: 0o027 };
const file = { ino: 7, kind: 'file', size: 4_500_000_001, mtime: -5, ctime: 5.5, nlink: 2 } as const;

describe('statOf', () => {
  it('shows a time before 1970 as 1970, and milliseconds of others', () => {
    expect(statOf(file, as)).toMatchObject({
      atime: 0,
      mtime: 0,
      ctime: 5500,
      blocks: 8_789_063,
      mode: 0o100440,
    });
  });

  it('takes the umask from files and directories, not from links', () => {
    expect(statOf({ ...file, kind: 'directory' }, as).mode).toBe(0o040550);
    expect(statOf({ ...file, kind: 'symlink' }, as).mode).toBe(0o120777);
  });
});

describe('statfsOf', () => {
  it('counts a disk of many blocks in bigger ones', () => {
    // 40 TB in blocks of 4 KiB are more than 2^32.
    const blocks = 40e12 / 4096;
    const said = statfsOf({ blockSize: 4096, blocks, blocksFree: blocks / 2, files: 2 ** 40 });
    expect(said.blocks).toBeLessThan(2 ** 32);
    expect(said.blocks * said.frsize).toBeCloseTo(40e12, -5);
    expect(said.bavail * said.bsize).toBeCloseTo(20e12, -5);
    expect(said.files).toBe(2 ** 32 - 1);
  });

  it('leaves a smaller one as it is', () => {
    const said = statfsOf({ blockSize: 512, blocks: 1000, blocksFree: 10, files: 3 });
    expect(said).toMatchObject({ bsize: 512, frsize: 512, blocks: 1000, bfree: 10, bavail: 10, files: 3 });
  });
});
