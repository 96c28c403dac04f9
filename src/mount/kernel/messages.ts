/** What the threads of a mount say to each other. */
import type { Opening } from '../../fetch/reader-content.ts';
import type { Board } from './board.ts';

/** How inodes are shown: the kernel's `mode` per kind, and the owner. */
export interface Presentation {
  readonly uid: number;
  readonly gid: number;
  readonly mode: Readonly<Record<'file' | 'directory' | 'symlink', number>>;
}

/** What the worker is started with. */
export interface WorkerData {
  readonly indexPath: string;
  readonly cachePath: string;
  readonly presentation: Presentation;
  readonly board: Board;
  /** Whether the kernel may be asked to read cached files by itself. */
  readonly wantsPassthrough: boolean;
}

/** Main → worker, once: the device is mounted, read requests from it until it is gone. */
export interface ServeMessage {
  readonly device: number;
}

/** Main → worker, before the board's `reopened` counts on: this file (`Index.file`) is the index now. */
export interface ReopenMessage {
  readonly index: string;
}

/** A read of a file that is not cached. `length` ends at the file's end, so an answer must be as long. */
export interface RemoteReadMessage {
  readonly type: 'read';
  readonly unique: number;
  readonly ino: number;
  readonly offset: number;
  readonly length: number;
  /** The file as its reader opened it. */
  readonly opening: Opening;
}

/** Worker → main. */
export type WorkerMessage =
  /** The index is open. */
  | { readonly type: 'ready' }
  /** The kernel has been greeted: the mount answers. */
  | { readonly type: 'serving' }
  /** The kernel's version is too old. */
  | { readonly type: 'refused'; readonly message: string }
  /** The index of the board's `reopened` is open; late: rows of the former one were given meanwhile. */
  | { readonly type: 'reopened'; readonly count: number; readonly late: boolean }
  | RemoteReadMessage
  | { readonly type: 'interrupt'; readonly unique: number }
  | { readonly type: 'log'; readonly level: 'warn' | 'info' | 'debug'; readonly message: string };
