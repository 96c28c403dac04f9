/**
 * Which photo ids occur more than once in an export. A million ids as text are 100 MB; so a number for each is kept, and what
 * remains to be counted as text are the few whose number came twice.
 */

/** Whether an id may be one of those that occur more than once; never false for one that is. */
export type MayRepeat = (id: string) => boolean;

/** A number for each id. */
export function numbersOf(ids: Iterable<string>): Float64Array {
  let numbers: Float64Array = new Float64Array(1024);
  let count = 0;
  for (const id of ids) {
    if (count === numbers.length) numbers = joined([numbers, new Float64Array(count)]);
    numbers[count++] = numberOf(id);
  }
  return numbers.slice(0, count);
}

/** Goes through the numbers of all ids of an export, of sidecars that are nobody's too; undefined where none occurs twice. */
export function repeatedIds(numbers: readonly Float64Array[]): MayRepeat | undefined {
  const sorted = joined(numbers).sort();
  const twice = new Set<number>();
  for (let at = 1; at < sorted.length; at++)
    if (sorted[at] === sorted[at - 1]) twice.add(sorted[at] as number);
  return twice.size === 0 ? undefined : (id) => twice.has(numberOf(id));
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}

/** 53 bits of the text: among a million ids two of one number are found once in 20,000 libraries, and only cost time. */
function numberOf(id: string): number {
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul((high << 5) | (high >>> 27), 0x01000193) ^ unit;
  }
  return (low >>> 0) * 2 ** 21 + (high >>> 11);
}

/** Ids counted of which only those that may repeat are kept in mind. */
export interface IdCounts {
  add(id: string | undefined): void;
  /** Those that came more than once. */
  repeated(): ReadonlySet<string>;
}

export function countIds(mayRepeat: MayRepeat | undefined): IdCounts {
  const counts = new Map<string, number>();
  return {
    add(id) {
      if (id !== undefined && mayRepeat?.(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
    },
    repeated: () => new Set([...counts].flatMap(([id, count]) => (count > 1 ? id : []))),
  };
}
