/** Small disks of their own for caches: full, read-only or broken without harm to anything else. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../src/model/errors.ts';

/**
 * Mounts a real ext4 of 64 MiB and about 1,000 inodes at `disk`, none of it reserved for root, from an image in
 * `folder`; where loop devices can't be had, a tmpfs of that size.
 */
export function mountSmallDisk(folder: string, disk: string): void {
  const image = join(folder, 'disk.img');
  const quiet = { stdio: 'ignore' } as const;
  try {
    execFileSync('truncate', ['-s', '64M', image]);
    execFileSync('mkfs.ext4', ['-q', '-m', '0', '-N', '1000', image], quiet);
    execFileSync('mount', ['-o', 'loop', image, disk], quiet);
  } catch {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,nr_inodes=1000', 'tmpfs', disk]);
  }
}

/** Takes bytes from a disk until only so many are left. */
export function fillBytes(disk: string, left: number): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize - left));
}

/** Takes all bytes of a disk, to the last block. */
export function fillDisk(disk: string): void {
  const fd = openSync(join(disk, 'filler'), 'a');
  try {
    for (const size of [1 << 20, 1 << 10]) {
      try {
        for (;;) writeSync(fd, Buffer.alloc(size));
      } catch (error) {
        if (errorCode(error) !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** Percent of a disk that is free. */
export function freePercent(disk: string): number {
  const { bavail, blocks } = statfsSync(disk);
  return (100 * bavail) / blocks;
}
