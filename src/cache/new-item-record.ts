/**
 * The journal's record of a new item: item, inodes, files and places in one. A first sync writes nothing else, and one
 * record of 450 bytes takes half the time of four of 620 (measured: 0.5 s and 1.05 s for 100,000 photos).
 */
import type { Role } from '../model/words.ts';
import type { Description } from '../sources/source.ts';

export interface NewItemRecord {
  readonly type: 'new';
  readonly item: number;
  readonly account: string;
  readonly photoId?: string | undefined;
  readonly title: string;
  readonly takenAt?: number | undefined;
  readonly provisional: boolean;
  readonly description: Description;
  /** The export that tells all this, and has the files at these places. */
  readonly exportId: string;
  readonly exportTime: number;
  readonly files: readonly NewFileRecord[];
}

/** One file of it, with its inode and the inode's name. */
export interface NewFileRecord {
  readonly ino: number;
  readonly parent: number;
  readonly cookie: number;
  readonly name: string;
  readonly role: Role;
  /** As the source has the name, where it isn't `name`. */
  readonly sourceName?: string | undefined;
  readonly size: number;
  readonly crc32?: number | undefined;
  /** Of the inode; at first its ctime, too. */
  readonly mtime: number;
  /** Offsets and addresses. */
  readonly places: readonly (readonly [number, string])[];
}
