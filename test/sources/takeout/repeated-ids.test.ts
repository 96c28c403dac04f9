/** Ids that occur more than once are found, and only those, whatever is kept of the others. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countIds, numbersOf, repeatedIds } from '../../../src/sources/takeout/repeated-ids.ts';

const ids = fc.array(fc.oneof(fc.constantFrom('AF1QipA', 'AF1QipB', 'AF1QipC'), fc.string()), {
  maxLength: 50,
});

test('ids that come twice are told from those that come once', () => {
  fc.assert(
    fc.property(ids, (all) => {
      const half = all.length >> 1;
      const mayRepeat = repeatedIds([numbersOf(all.slice(0, half)), numbersOf(all.slice(half))]);
      const counts = countIds(mayRepeat);
      for (const id of all) counts.add(id);
      const twice = new Set(all.filter((id, at) => all.indexOf(id) !== at));
      expect(counts.repeated()).toEqual(twice);
      expect(mayRepeat === undefined).toBe(twice.size === 0);
    }),
  );
});

test('a hundred thousand different ids don’t seem to repeat', () => {
  const many = Array.from({ length: 100_000 }, (_, at) => `AF1QipNumber${at}`);
  expect(repeatedIds([numbersOf(many)])).toBeUndefined();
  const again = repeatedIds([numbersOf(many), numbersOf(['AF1QipNumber77'])]);
  expect(again?.('AF1QipNumber77')).toBe(true);
});
