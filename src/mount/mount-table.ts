/** The mounts of this process's view, from /proc/self/mountinfo (proc(5)). */
import { readFileSync } from 'node:fs';

export interface MountEntry {
  /** `major:minor` of the mount's device. */
  readonly device: string;
  readonly mountPoint: string;
  /** With its subtype: `fuse.gphotosfs`. */
  readonly fsType: string;
  readonly source: string;
}

/** What gphotosfs calls itself in the mount table: the subtype of the file system, and the source. */
export const subtype = 'gphotosfs';

/** All mounts, in the order they were made: of several on one path the last is the one to be seen. */
export function readMountTable(): MountEntry[] {
  // Paths are bytes; latin1 keeps each byte as one character until the escapes are undone.
  return parseMountTable(readFileSync('/proc/self/mountinfo', 'latin1'));
}

/** The text of mountinfo (one character per byte) as entries; lines of unknown form are left out. */
export function parseMountTable(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    // id, parent, device, root, mount point, options, optional fields…, "-", type, source, options
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    const [, , device, , mountPoint] = fields;
    const [fsType, source] = fields.slice(separator + 1);
    if (separator === -1 || device === undefined || mountPoint === undefined) continue;
    if (fsType === undefined || source === undefined) continue;
    entries.push({
      device,
      mountPoint: undoEscapes(mountPoint),
      fsType: undoEscapes(fsType),
      source: undoEscapes(source),
    });
  }
  return entries;
}

/** Undoes the kernel's `\040` for space, tab, newline, backslash and `#`, then reads the bytes as UTF-8. */
function undoEscapes(field: string): string {
  const bytes = field.replace(/\\([0-7]{3})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** The mount to be seen at exactly `path` (absolute, links resolved), or undefined where nothing is mounted. */
export function mountAt(path: string): MountEntry | undefined {
  return readMountTable().findLast((entry) => entry.mountPoint === path);
}

/** Whether a mount was made by gphotosfs, by either driver. */
export function isOurs(entry: MountEntry): boolean {
  return entry.fsType === `fuse.${subtype}` || (entry.fsType === 'fuse' && entry.source === subtype);
}
