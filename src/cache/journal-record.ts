/** The records of the journal, as its lines have them; `journal-schema.ts` checks them when they are read. */
import type { Filter } from '../model/filter.ts';
import type { Role } from '../model/words.ts';
import type { Description } from '../sources/source.ts';
import type { NewItemRecord } from './new-item-record.ts';

/** JSON leaves out what is undefined. */
export type JournalRecord =
  | NewItemRecord
  /** An inode and its first name. */
  | {
      readonly type: 'inode';
      readonly ino: number;
      readonly kind: 'file' | 'directory' | 'symlink';
      readonly parent: number;
      readonly cookie: number;
      readonly name: string;
      readonly size: number;
      readonly mtime: number;
      readonly ctime: number;
      readonly target?: string | undefined;
    }
  /** A further name of an inode (a hard link in an album). */
  | {
      readonly type: 'entry';
      readonly ino: number;
      readonly parent: number;
      readonly cookie: number;
      readonly name: string;
    }
  /** What the file with this inode is: its item's identity. */
  | {
      readonly type: 'file';
      readonly ino: number;
      readonly item: number;
      readonly role: Role;
      readonly name: string;
      readonly size: number;
      readonly crc32?: number | undefined;
    }
  | {
      readonly type: 'item';
      readonly item: number;
      readonly account: string;
      readonly photoId?: string | undefined;
      readonly title: string;
      readonly takenAt?: number | undefined;
      readonly provisional: boolean;
      readonly factsTime: number;
      readonly description: Description;
    }
  | {
      readonly type: 'album';
      readonly directory: number;
      readonly account: string;
      readonly folder: string;
      readonly title: string;
      readonly date: number | null;
    }
  | { readonly type: 'member'; readonly ino: number; readonly directory: number; readonly cookie: number }
  /** Where a file's bytes lie, or lay: by this it is known again, with or without a sidecar. */
  | {
      readonly type: 'place';
      readonly ino: number;
      readonly exportId: string;
      readonly exportTime: number;
      readonly offset: number;
      readonly address: string;
      readonly size: number;
      readonly crc32?: number | undefined;
    }
  /** The file's source goes on listing it with this size, which turned out to be wrong. */
  | { readonly type: 'correction'; readonly ino: number; readonly was: number }
  /** New attributes of an inode. */
  | {
      readonly type: 'attributes';
      readonly ino: number;
      readonly size: number;
      readonly mtime: number;
      readonly ctime: number;
      readonly nlink: number;
    }
  /** The file's bytes are in the cache at `path`, and hash to `sha256` (hexadecimal). */
  | {
      readonly type: 'cached';
      readonly ino: number;
      readonly path: string;
      readonly size: number;
      readonly sha256: string;
    }
  /** Former bytes of the file are kept as `path` among what was superseded. */
  | {
      readonly type: 'superseded';
      readonly ino: number;
      readonly path: string;
      readonly size: number;
      readonly sha256: string;
    }
  /** How the tree is laid out, and what a sync lists (without: everything); written before the first name that follows it. */
  | {
      readonly type: 'layout';
      readonly years: 'yearly' | 'monthly';
      readonly albums: 'symlink' | 'hardlink';
      readonly filter?: Filter;
    };
