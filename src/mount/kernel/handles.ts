/**
 * Open files and directories by the number that the kernel repeats with each request on them. Numbers are
 * slots of an array, used again after release.
 */
import type { Content } from '../../model/words.ts';
import type { DirectoryEntry } from '../driver.ts';
import { addToBoard, type Board } from './board.ts';

export interface OpenFile {
  readonly ino: number;
  /** By `model/clock.ts`. */
  readonly openedAt: number;
  /** The board's `changed` then. */
  readonly changedAtOpen: number;
  /** The cache file, or undefined while the file has to be fetched. */
  fd: number | undefined;
  /** Bytes. */
  size: number;
  /** Which bytes it had when it was opened. */
  readonly content: Content;
  /** The kernel reads it by itself: no READ will come. */
  readonly byKernel: boolean;
  /** What it reads goes to its reader alone, and leaves no pages. */
  readonly direct: boolean;
  /** The board's `published` when the index was last asked for a cache file. */
  seenPublished: number;
}

export interface OpenDirectory {
  readonly ino: number;
  /** Entries read from the index and not yet sent, from `next` on. */
  entries: readonly DirectoryEntry[];
  next: number;
  /** The cookie of the entry before `entries[next]`: where a listing that goes straight on asks from. */
  cookie: number;
  /** Nothing follows `entries`. */
  complete: boolean;
  /** The board's `changed` when `entries` were read. */
  seenChanged: number;
}

export interface Handles<Handle> {
  open(handle: Handle): number;
  get(number: number): Handle | undefined;
  /** Takes the handle out; undefined where there is none. */
  release(number: number): Handle | undefined;
  all(): Handle[];
}

export function createHandles<Handle>(board: Board, slot: 'files' | 'directories'): Handles<Handle> {
  const handles: (Handle | undefined)[] = [];
  const free: number[] = [];
  return {
    open(handle) {
      const number = free.pop() ?? handles.length;
      handles[number] = handle;
      addToBoard(board, slot, 1);
      return number;
    },
    get: (number) => handles[number],
    release(number) {
      const handle = handles[number];
      if (handle === undefined) return undefined;
      handles[number] = undefined;
      free.push(number);
      addToBoard(board, slot, -1);
      return handle;
    },
    all: () => handles.filter((handle) => handle !== undefined),
  };
}
