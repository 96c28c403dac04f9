import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { entryPath, printable, readsAsUtf8 } from '../../../../src/sources/takeout/archives/entry-path.ts';

describe('entryPath', () => {
  test.each([
    ['Takeout/Google Photos/Photos from 2021/a.jpg', 'Takeout/Google Photos/Photos from 2021/a.jpg'],
    ['./Takeout/a.jpg', 'Takeout/a.jpg'],
    ['Takeout//a.jpg', 'Takeout/a.jpg'],
    ['Takeout/./a.jpg', 'Takeout/a.jpg'],
    ['Takeout/a..b/...jpg', 'Takeout/a..b/...jpg'],
    ['Takeout/.hidden', 'Takeout/.hidden'],
    ['Takeout/new\nline', 'Takeout/new\nline'],
    ['Takeout/e\u0301te\u0301.jpg', 'Takeout/\u00e9t\u00e9.jpg'],
    [`Takeout/${'x'.repeat(4088)}`, `Takeout/${'x'.repeat(4088)}`],
  ])('takes %j', (name, path) => {
    expect(entryPath(name)).toEqual({ path });
  });

  test.each([
    ['/etc/passwd', /absolute/],
    ['../x.jpg', /climbs out/],
    ['Takeout/../../x.jpg', /climbs out/],
    ['Takeout/..', /climbs out/],
    ['C:/x.jpg', /drive letter/],
    ['c:x.jpg', /drive letter/],
    ['./C:/x.jpg', /drive letter/],
    ['\u212a:x.jpg', /drive letter/],
    ['Takeout/a\\b.jpg', /backslash/],
    ['Takeout/a\0.jpg', /NUL/],
    ['', /empty/],
    ['./.', /empty/],
    [`Takeout/${'x'.repeat(4089)}`, /longer than 4096 bytes/],
    [`Takeout/${'é'.repeat(2045)}`, /longer than 4096 bytes/],
    [`${'a/'.repeat(64)}x.jpg`, /more than 64 folders/],
  ])('refuses %j', (name, why) => {
    expect(entryPath(name).refused).toMatch(why);
  });

  test('whatever passes is relative, NFC, and without odd parts', () => {
    const part = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', 'C:', '\\', '\0', 'e\u0301'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const taken = entryPath(parts.join('/'));
        if (taken.refused !== undefined) return;
        expect(taken.path).toBe(taken.path.normalize('NFC'));
        expect(taken.path).not.toMatch(/[\\\0]|^[a-zA-Z]:/);
        for (const one of taken.path.split('/')) expect(['', '.', '..']).not.toContain(one);
        // What has passed once passes as it is.
        expect(entryPath(taken.path)).toEqual(taken);
      }),
      { numRuns: 2000 },
    );
  });
});

test('printable shows control characters and shortens', () => {
  expect(printable('IMG 1.jpg')).toBe('IMG 1.jpg');
  expect(printable('Ferien am Ätna 🌋')).toBe('Ferien am Ätna 🌋');
  expect(printable('a\u001b[31m\n\u202egpj')).toBe('a\\u{001b}[31m\\u{000a}\\u{202e}gpj');
  expect([...printable('🌋'.repeat(500))]).toHaveLength(200);
});

test('readsAsUtf8 tells UTF-8 from CP437', () => {
  expect(readsAsUtf8(Buffer.from('Zürich'))).toBe(true);
  expect(readsAsUtf8(Buffer.from([0x5a, 0x81, 0x72, 0x69, 0x63, 0x68]))).toBe(false);
});
