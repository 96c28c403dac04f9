/**
 * A few numbers that both threads see at once. The worker sits in a blocking read and never looks at its
 * message port, so what the main thread wants it to know stands here, and what it counts can be read here.
 */

const slot = {
  /** Main → worker: the loop shall end. */
  stop: 0,
  /** Main → worker: how often files were published. */
  published: 1,
  /** Main → worker: how often the tree changed. */
  changed: 2,
  /** Worker → main: the loop has ended. */
  ended: 3,
  /** Worker → main: what it counts. */
  requests: 4,
  inodes: 5,
  lookups: 6,
  files: 7,
  directories: 8,
  /** Files that the kernel reads by itself now. */
  backingFiles: 9,
  /** Opens so far, by the way they are read (`open-ways.ts`). */
  kernelOpens: 10,
  directOpens: 11,
  pagedOpens: 12,
  /** Main → worker: how often another file has become the index. */
  reopened: 13,
} as const;

export type BoardSlot = keyof typeof slot;
export type Board = Int32Array<SharedArrayBuffer>;

/** A board of zeros, to be handed to the worker. Numbers wrap at 2^32. */
export function createBoard(): Board {
  return new Int32Array(new SharedArrayBuffer(Object.keys(slot).length * 4));
}

export function readBoard(board: Board, name: BoardSlot): number {
  return Atomics.load(board, slot[name]) >>> 0;
}

export function setBoard(board: Board, name: BoardSlot, value: number): void {
  Atomics.store(board, slot[name], value);
}

/** Adds `by`, which may be negative. */
export function addToBoard(board: Board, name: BoardSlot, by: number): void {
  Atomics.add(board, slot[name], by);
}

/** Raises a slot from 0 to 1, for good, and wakes whoever waits for that. */
export function raiseOnBoard(board: Board, name: BoardSlot): void {
  Atomics.store(board, slot[name], 1);
  Atomics.notify(board, slot[name]);
}

/** Blocks until a slot was raised, or for so many milliseconds; whether it was. */
export function waitForBoard(board: Board, name: BoardSlot, milliseconds: number): boolean {
  Atomics.wait(board, slot[name], 0, milliseconds);
  return Atomics.load(board, slot[name]) !== 0;
}
