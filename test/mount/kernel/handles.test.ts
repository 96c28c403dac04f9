import { describe, expect, it } from 'vitest';
import { createBoard, readBoard } from '../../../src/mount/kernel/board.ts';
import { createHandles } from '../../../src/mount/kernel/handles.ts';

describe('createHandles', () => {
  it('uses numbers again, so that a mount that runs for months does not grow', () => {
    const board = createBoard();
    const handles = createHandles<string>(board, 'files');
    const held = handles.open('held');
    const numbers = new Set(
      Array.from({ length: 1000 }, () => {
        const number = handles.open('passing');
        expect(handles.release(number)).toBe('passing');
        return number;
      }),
    );
    expect(numbers.size).toBe(1);
    expect(handles.get(held)).toBe('held');
    expect(readBoard(board, 'files')).toBe(1);
  });

  it('gives nothing for a number that is not open', () => {
    const board = createBoard();
    const handles = createHandles<string>(board, 'files');
    expect(handles.get(7)).toBeUndefined();
    const number = handles.open('once');
    handles.release(number);
    expect(handles.release(number)).toBeUndefined();
    expect(readBoard(board, 'files')).toBe(0);
    expect(handles.all()).toEqual([]);
  });
});
