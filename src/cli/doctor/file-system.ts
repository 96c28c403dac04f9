/** What kind of file system a path lies on, and what is known of those that people keep photos on. */
import { sep } from 'node:path';
import { readMountTable } from '../../mount/mount-table.ts';

/** The kind, as the mount table names it; undefined where there is no such table. */
export function fileSystemOf(path: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const holds = (mountPoint: string) =>
    path === mountPoint || path.startsWith(mountPoint.endsWith(sep) ? mountPoint : mountPoint + sep);
  let found: { readonly mountPoint: string; readonly fsType: string } | undefined;
  for (const entry of readMountTable()) {
    // Of several on one path the last is the one to be seen.
    if (holds(entry.mountPoint) && entry.mountPoint.length >= (found?.mountPoint.length ?? 0)) found = entry;
  }
  return found?.fsType;
}

/** Gone at the next start. */
export const volatileKinds: ReadonlySet<string> = new Set(['tmpfs', 'ramfs']);
/** A container's own: gone when the container is made anew. */
export const layeredKinds: ReadonlySet<string> = new Set(['overlay', 'aufs', 'fuse.fuse-overlayfs']);
/** On top of another one: the kernel reads none of their files for FUSE (it allows one more layer, FUSE itself). */
export const stackedKinds: ReadonlySet<string> = new Set(['overlay', 'aufs', 'ecryptfs']);
/** SQLite's WAL needs memory that all processes share, which they don't have over a network (sqlite.org/wal.html). */
export const networkKinds: ReadonlySet<string> = new Set([
  'nfs',
  'nfs4',
  'cifs',
  'smb3',
  'smbfs',
  '9p',
  'fuse.sshfs',
  'fuse.rclone',
  'ceph',
  'glusterfs',
  'fuse.glusterfs',
]);
/** FAT keeps the length of a file in 32 bits. */
export const largestFatFile = 2 ** 32 - 1;
export const fatKinds: ReadonlySet<string> = new Set(['vfat', 'msdos']);
