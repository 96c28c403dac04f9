/** A line of limited speed that all answers share: each piece waits until the line has carried those before it. */
import { setTimeout as sleep } from 'node:timers/promises';

/** What an idle line may carry at once, ms of its speed: timers come late, and what they are late must not be lost. */
const idleCreditMs = 20;

export interface Line {
  /** Resolves when the line has carried so many more bytes; at once where its speed is 0, which is unlimited. */
  carry(bytes: number): Promise<void>;
}

/** @param bytesPerSecond asked before each piece */
export function createLine(bytesPerSecond: () => number): Line {
  /** When all that was given to it is through (performance.now()). */
  let free = Number.NEGATIVE_INFINITY;
  return {
    async carry(bytes) {
      const speed = bytesPerSecond();
      if (speed <= 0) return;
      const now = performance.now();
      free = Math.max(free, now - idleCreditMs) + (1000 * bytes) / speed;
      if (free - now > 1) await sleep(free - now);
    },
  };
}
