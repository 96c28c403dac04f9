/** How fast something goes and when it will be done, from its last seconds: an average of the whole run lags behind. */

/** Long enough to even out one big video, short enough to show that the disk has become slow. */
const windowMs = 15_000;

export interface Rate {
  /** Notes that `done` is reached at `now` (ms of any clock that doesn't jump). */
  note(done: number, now: number): void;
  /** Units a second; undefined until two different moments are known. */
  perSecond(): number | undefined;
}

export function createRate(): Rate {
  let samples: { readonly done: number; readonly now: number }[] = [];
  return {
    note(done, now) {
      const last = samples.at(-1);
      // Four samples a second are plenty; the newest always counts.
      if (last !== undefined && samples.length > 1 && now - (samples.at(-2)?.now ?? 0) < 250) samples.pop();
      samples.push({ done, now });
      const start = samples.findLastIndex((sample) => now - sample.now >= windowMs);
      if (start > 0) samples = samples.slice(start);
    },
    perSecond() {
      const [first] = samples;
      const last = samples.at(-1);
      if (first === undefined || last === undefined || last.now === first.now) return undefined;
      return (1000 * (last.done - first.done)) / (last.now - first.now);
    },
  };
}
