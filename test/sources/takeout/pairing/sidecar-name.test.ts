/** The 46-unit rule at every length, and archive names. */
import { describe, expect, test } from 'vitest';
import {
  isArchiveName,
  missingParts,
  numberRuns,
  parseArchiveName,
} from '../../../../src/sources/takeout/archive-name.ts';
import { candidates } from '../../../../src/sources/takeout/pairing/sidecar-name.ts';

const names = (media: string): string[] => [...candidates(media)].map(({ name }) => name);

describe('candidates', () => {
  test('hold the name cut to 46 units, for every length of a stem', () => {
    for (let length = 1; length <= 60; length++) {
      const stem = 'n'.repeat(length);
      const whole = `${stem}.jpg.supplemental-metadata`;
      const found = names(`${stem}.jpg`);
      expect(found).toContain(`${whole.slice(0, 46)}.json`);
      expect(found).toContain(`${whole}.json`);
      expect(found).toContain(`${`${stem}.jpg`.slice(0, 46)}.json`);
      const numbered = names(`${stem}(12).jpg`);
      expect(numbered).toContain(`${whole.slice(0, 46)}(12).json`);
      expect(numbered.some((name) => name.length > 46 + '(12).json'.length && !name.startsWith(stem))).toBe(
        false,
      );
    }
  });

  test('begin with the likeliest, and read a bracket as part of the title first', () => {
    expect(names('a.jpg').slice(0, 4)).toEqual([
      'a.jpg.supplemental-metadata.json',
      'a.jpg.json',
      'a.supplemental-metadata.json',
      'a.json',
    ]);
    const bracket = names('a(1).jpg');
    expect(bracket.indexOf('a(1).jpg.json')).toBeLessThan(bracket.indexOf('a.jpg(1).json'));
    expect(names('a(x).jpg').every((name) => name.startsWith('a(x)'))).toBe(true);
  });

  test('are few, whatever the name', () => {
    for (const media of ['a', '.jpg', '(1).jpg', `${'é'.repeat(80)}-edited(1).jpg`, '....', 'a(1)(2)(3).jpg'])
      expect(names(media).length).toBeLessThanOrEqual(64);
  });
});

describe('archive names', () => {
  const parse = (name: string) => parseArchiveName(`/x/${name}`);

  test("Google's, old and new, with a browser's copy and four digits", () => {
    const old = { exportId: 'takeout-20250131T101500Z', exportTime: Date.UTC(2025, 0, 31, 10, 15) / 1000 };
    expect(parse('takeout-20250131T101500Z-001.zip')).toEqual({ ...old, part: 1 });
    expect(parse('takeout-20250131T101500Z-001 (1).zip')).toEqual({ ...old, part: 1 });
    expect(parse('takeout-20250131T101500Z.tgz')).toEqual({ ...old, part: undefined });
    expect(parse('takeout-20250131T101500Z-3-1002.tar.gz')).toEqual({
      ...old,
      exportId: `${old.exportId}-3`,
      part: 1002,
    });
    expect(parse('takeout-20250131T1015000Z-012.zip')).toMatchObject({
      exportTime: old.exportTime,
      part: 12,
    });
    expect(parse('takeout-20259931T101500Z-001.zip').exportTime).toBeUndefined();
  });

  test('others go together by what stands before the part, in one folder', () => {
    expect(parse('Fotos-3-001.zip')).toEqual({ exportId: '/x/Fotos-3', exportTime: undefined, part: 1 });
    expect(parse('trip-2021.zip')).toEqual({
      exportId: '/x/trip-2021',
      exportTime: undefined,
      part: undefined,
    });
    expect(parseArchiveName('/y/Fotos-3-001.zip').exportId).not.toBe(parse('Fotos-3-001.zip').exportId);
    expect(parse('my photos (2).zip').exportId).toBe('/x/my photos');
  });

  test('endings that may be archives', () => {
    expect(
      ['a.zip', 'A.ZIP', 'a.tgz', 'a.tar.gz', 'a.zip.part', '._a.zip', 'a.gz'].map(isArchiveName),
    ).toEqual([true, true, true, true, false, false, false]);
  });

  test('gaps', () => {
    expect(missingParts([1, 3, 3, 6], true)).toEqual([2, 4, 5]);
    expect(missingParts([2], true)).toEqual([1]);
    expect(missingParts([7], false)).toEqual([]);
    expect(missingParts([7, 9], false)).toEqual([8]);
    expect(numberRuns([2, 4, 5, 6, 9])).toBe('2, 4–6 and 9');
    expect(numberRuns(Array.from({ length: 50 }, (_, at) => 2 * at))).toMatch(/22 and others$/);
  });
});
