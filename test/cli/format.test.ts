import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatColumns,
  formatCounted,
  formatDuration,
  formatPercent,
  printable,
} from '../../src/cli/format.ts';
import { editDistance, nearest } from '../../src/cli/nearest.ts';

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [3_400_000_000, '3.4 GB'],
    [2e18, '2000.0 PB'],
  ])('%d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0, '0s'],
    [59.6, '1m'],
    [200, '3m 20s'],
    [3600, '1h'],
    [7505, '2h 5m'],
    [356_400, '4d 3h'],
  ])('%d seconds', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it('one is not many', () => {
    expect(formatCounted(1, 'file')).toBe('1 file');
    expect(formatCounted(0, 'file')).toBe('0 files');
    expect(formatCounted(1234, 'entry', 'entries')).toBe('1,234 entries');
  });

  it('says 100 % of the whole only', () => {
    expect(formatPercent(999_999, 1_000_000)).toBe('99 %');
    expect(formatPercent(5, 5)).toBe('100 %');
    expect(formatPercent(0, 0)).toBe('100 %');
  });

  it('aligns columns', () => {
    expect(
      formatColumns(
        [
          ['a', '1'],
          ['bcd', '23'],
        ],
        [1],
      ),
    ).toEqual(['a     1', 'bcd  23']);
  });

  it('lets nothing through that a terminal obeys', () => {
    expect(printable('a\u001b[2Jb\nc\u009b')).toBe('a\\u001b[2Jb\\u000ac\\u009b');
    expect(printable('Zürich 🏔')).toBe('Zürich 🏔');
  });
});

describe('the nearest word', () => {
  const words = ['cache', 'json', 'logLevel', 'sources', 'syncEvery'];

  it.each([
    ['chache', 'cache'],
    ['cahce', 'cache'],
    ['loglevel', 'logLevel'],
    ['source', 'sources'],
    ['sync', undefined],
    ['xyz', undefined],
  ])('to %s is %s', (word, expected) => expect(nearest(word, words)).toBe(expected));

  it('is measured as distances are: symmetric, zero for itself only, at most the longer length', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const edits = editDistance(a, b);
        expect(edits).toBe(editDistance(b, a));
        expect(edits === 0).toBe(a === b);
        expect(edits).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
        expect(edits).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
    expect(editDistance('ab', 'ba')).toBe(1);
  });
});
