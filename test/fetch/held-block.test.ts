/** Which block is held back while readers are given ranges: whoever reads all of a file meets it. */
import { describe, expect, it } from 'vitest';
import { createHeldBlock, heldBack } from '../../src/fetch/held-block.ts';

const size = 100 * heldBack;
const end = (blocks: number) => size - blocks * heldBack;

describe('the held block', () => {
  it('is the last one, also after ranges elsewhere', () => {
    const held = createHeldBlock(size);
    expect(held.start()).toBe(end(1));
    expect(held.allows(end(50), end(49), 0)).toBe(true);
    expect(held.start()).toBe(end(1));
  });

  it('moves before what the end was asked with, and stays there', () => {
    const held = createHeldBlock(size);
    expect(held.allows(end(1) - 5, size, 0)).toBe(true);
    expect(held.start()).toBe(end(2) - 5);
    expect(held.allows(end(1), size, 0)).toBe(true);
    expect(held.allows(end(2), end(1), 0)).toBe(false);
    expect(held.allows(end(3), end(2), 0)).toBe(false);
    expect(held.allows(end(10), end(9), 0)).toBe(true);
    expect(held.start()).toBe(end(2) - 5);
  });

  it('moves before all that was given in front of the end', () => {
    const held = createHeldBlock(size);
    for (let blocks = 10; blocks > 1; blocks--)
      expect(held.allows(end(blocks), end(blocks - 1), 0)).toBe(true);
    expect(held.allows(end(1), size, 0)).toBe(true);
    expect(held.start()).toBe(end(11));
  });

  it('does not move where the fill has given everything before', () => {
    const held = createHeldBlock(size);
    expect(held.allows(end(1), size, end(1) - 10)).toBe(false);
    expect(held.start()).toBe(end(1));
  });

  it('always leaves a block that nobody was given, whatever is asked for', () => {
    let state = 12345;
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state % below;
    };
    for (let round = 0; round < 300; round++) {
      const held = createHeldBlock(size);
      const given = new Uint8Array(size / 1024);
      let filled = 0;
      for (let step = 0; step < 30; step++) {
        filled = Math.min(held.start(), filled + 1024 * random(200));
        given.fill(1, 0, Math.floor(filled / 1024));
        const offset = random(3) === 0 ? size - 1024 * (1 + random(200)) : 1024 * random(size / 1024);
        const until = Math.min(size, offset + 1024 * (1 + random(300)));
        if (offset > filled && held.allows(offset, until, filled)) given.fill(1, offset / 1024, until / 1024);
        const block = given.subarray(
          Math.ceil(held.start() / 1024),
          Math.floor((held.start() + heldBack) / 1024),
        );
        expect(block.some((one) => one === 1)).toBe(false);
      }
    }
  });
});
