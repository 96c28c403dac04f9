/**
 * The block of a file that no reader gets before all of it is verified, so that whoever reads all of it has read right
 * bytes, or an error. It is the last one, for most readers go from front to back. But a player looks for its index at the end
 * first: who asks for the end ahead of the fill gets it, and another block, which nobody has been given, is held instead.
 */

/** Bytes of the block. */
export const heldBack = 64 * 1024;

export interface HeldBlock {
  /** The fill gives nothing from here on before it is complete. */
  start(): number;
  /**
   * Whether bytes far ahead of the fill may be given to a reader now. `filled`: so far from the front everything may have
   * been given. What is allowed counts as given.
   */
  allows(offset: number, end: number, filled: number): boolean;
}

export function createHeldBlock(size: number): HeldBlock {
  let start = Math.max(0, size - heldBack);
  let end = size;
  const given: { readonly offset: number; readonly end: number }[] = [];

  /** The end of a block before `offset` of which nothing was given. */
  function freeBefore(offset: number): number {
    let free = offset;
    for (let found = true; found; ) {
      const taken = given.find((one) => one.offset < free && one.end > free - heldBack);
      found = taken !== undefined;
      free = taken?.offset ?? free;
    }
    return free;
  }

  return {
    start: () => start,
    allows(offset, until, filled) {
      if (offset < end && until > start) {
        // Once moved it stays: it is held for those who were given the end.
        const free = end === size ? freeBefore(offset) : 0;
        if (free - heldBack < filled) return false;
        end = free;
        start = free - heldBack;
      }
      given.push({ offset, end: until });
      return true;
    },
  };
}
