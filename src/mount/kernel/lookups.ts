/**
 * How many references the kernel holds to each inode: every entry handed out by LOOKUP or READDIRPLUS adds
 * one, FORGET gives them back. Inode numbers are permanent, so nothing is freed here; the count shows what
 * the kernel keeps, and that it is told the truth.
 */
import { addToBoard, type Board, setBoard } from './board.ts';

export interface Lookups {
  add(ino: number): void;
  /** One more reference to each. */
  addAll(inos: readonly number[]): void;
  forget(ino: number, count: number): void;
}

export function createLookups(board: Board): Lookups {
  const counts = new Map<number, number>();
  const addAll = (inos: readonly number[]) => {
    for (const ino of inos) counts.set(ino, (counts.get(ino) ?? 0) + 1);
    addToBoard(board, 'lookups', inos.length);
    setBoard(board, 'inodes', counts.size);
  };
  return {
    add: (ino) => addAll([ino]),
    addAll,
    forget(ino, count) {
      const held = counts.get(ino) ?? 0;
      // More given back than taken would be a defect here; the board then shows less than the truth, never 2^32.
      const given = Math.min(held, count);
      if (held > given) counts.set(ino, held - given);
      else counts.delete(ino);
      addToBoard(board, 'lookups', -given);
      setBoard(board, 'inodes', counts.size);
    },
  };
}
