/** Names against an independent account of what is safe and of what file systems take for the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { giveName, maxNameBytes, safeName, uniqueKey } from '../../src/tree/names.ts';
import {
  anyName,
  coarseForm,
  ext4CasefoldHashes,
  fileSystemForms,
  hostileNames,
  twinOf,
} from './hostile-names.ts';

const bytesIn = (name: string): number => new TextEncoder().encode(name).length;

/** Why a name is not safe, by the list in the design; undefined when it is. */
function hazardOf(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'no name';
  if (bytesIn(name) > 240) return 'too long';
  try {
    encodeURIComponent(name);
  } catch {
    return 'not well-formed';
  }
  if (name.normalize('NFC') !== name) return 'not composed';
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 'control character';
    if ('/\\:*?"<>|\u2028\u2029'.includes(character)) return `character ${character}`;
  }
  if (name.endsWith('.') || name.endsWith(' ')) return 'dot or space at the end';
  const [device = ''] = name.toUpperCase().split('.');
  const devices = ['CON', 'PRN', 'AUX', 'NUL', 'CONIN$', 'CONOUT$'];
  for (const digit of '0123456789¹²³') devices.push(`COM${digit}`, `LPT${digit}`);
  if (devices.includes(device.trimEnd())) return 'a device of DOS';
  if (fileSystemForms['HFS+ and ext4 casefold: also without what is invisible']?.(name) === '.gphotosfs')
    return 'the private directory';
  return undefined;
}

describe('safeName', () => {
  it.each(hostileNames.map((name) => [JSON.stringify(name.slice(0, 40)), name]))(
    'makes %s safe',
    (_, name) => {
      expect(hazardOf(safeName(name))).toBeUndefined();
    },
  );

  it('makes any string safe, and leaves safe ones alone', () => {
    fc.assert(
      fc.property(anyName, (wanted) => {
        const name = safeName(wanted);
        expect(hazardOf(name)).toBeUndefined();
        expect(safeName(name)).toBe(name);
        if (hazardOf(wanted) === undefined && /[\p{L}\p{N}]/u.test(coarseForm(wanted)))
          expect(name).toBe(wanted);
      }),
      { numRuns: 5000 },
    );
  });

  it('keeps ordinary names as they are', () => {
    const names = [
      'IMG_0001.jpg',
      '-rf',
      '.hidden',
      'Ærø 2021 (3)-edited.HEIC',
      '😀.jpg',
      '写真.png',
      'Dr. No',
    ];
    for (const name of names) expect(safeName(name)).toBe(name);
    expect(safeName('a/b:c.jpg')).toBe('a_b_c.jpg');
    expect(safeName('con.jpg')).toBe('_con.jpg');
    expect(safeName('..')).toBe('__');
    expect(safeName('')).toBe('_');
  });

  it('keeps the extension of a long name, and whole characters', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 240, maxLength: 400 }),
        fc.constantFrom('.jpg', '.HEIC', '.MP~2', '.jpeg'),
        (stem, extension) => {
          const name = safeName(stem + extension);
          expect(name.endsWith(extension)).toBe(true);
          expect(bytesIn(name)).toBeLessThanOrEqual(maxNameBytes);
        },
      ),
    );
    const family = '👨‍👩‍👧‍👦';
    expect(safeName(`${family.repeat(12)}.jpg`)).toBe(`${family.repeat(9)}.jpg`);
  });
});

describe('uniqueKey', () => {
  it('is one for what differs only in case, composition or invisible characters', () => {
    fc.assert(
      fc.property(anyName, fc.array(twinOf, { minLength: 1, maxLength: 3 }), (wanted, twins) => {
        const name = safeName(wanted);
        // An iota subscript becomes a letter, over which marks move or not: Unicode itself has it both ways.
        fc.pre(!name.normalize('NFD').includes('\u0345'));
        const twin = twins.reduce((text, change) => change(text), name);
        expect(uniqueKey(twin)).toBe(uniqueKey(name));
        expect(uniqueKey(uniqueKey(name))).toBe(uniqueKey(name));
      }),
      { numRuns: 5000 },
    );
  });

  it('is one wherever a file system sees one name, for every character there is', () => {
    const forms = Object.values(fileSystemForms);
    const missed: string[] = [];
    for (let code = 0; code < 0x110000; code++) {
      const character = String.fromCodePoint(code);
      // What has neither case nor composition, as 90 % of all code points.
      if (/[\p{Cs}\p{Co}\p{Cn}\p{Unified_Ideograph}]/u.test(character) && !/\p{DI}/u.test(character))
        continue;
      const name = `x${character}y`;
      const key = uniqueKey(name);
      if (!forms.every((form) => uniqueKey(form(name)) === key)) missed.push(code.toString(16));
    }
    expect(missed).toEqual([]);
  });

  it('agrees with ICU about letter case', () => {
    const { compare } = new Intl.Collator('und', { usage: 'search', sensitivity: 'accent' });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), (text) => {
        const twin = text.toLocaleUpperCase('und').toLocaleLowerCase('und');
        expect(compare(text, twin) === 0 || coarseForm(text) === coarseForm(twin)).toBe(true);
        expect(uniqueKey(text)).toBe(uniqueKey(twin));
      }),
    );
  });

  it('is one wherever ext4 with casefold sees one name', ({ skip }) => {
    const names: string[] = [];
    for (let code = 0x21; code < 0x30000; code++) {
      const character = String.fromCodePoint(code);
      // Not in a script for debugfs; ideographs fold to nothing, and each costs as much as the others.
      if (/[\p{Cs}\p{Co}\p{Cn}\s"'`\\]/u.test(character) || /\p{Unified_Ideograph}/u.test(character))
        continue;
      names.push(`x${character}y`);
    }
    names.push('xssy', 'xSSy', 'xsty', 'xiy', 'xi\u0307y', 'xy', 'xffiy');
    const hashes = ext4CasefoldHashes(names);
    if (hashes === undefined) return skip();
    const keys = new Map<string, string>();
    const missed: string[] = [];
    names.forEach((name, at) => {
      const hash = hashes[at] ?? '';
      const key = keys.get(hash);
      if (key === undefined) keys.set(hash, uniqueKey(name));
      else if (key !== uniqueKey(name)) missed.push(name);
    });
    expect(missed).toEqual([]);
    // The oracle did see twins.
    expect(keys.size).toBeLessThan(names.length - 1000);
  });

  it('is one for an iota subscript in both cases', () => {
    for (const name of ['ᾳ', 'α\u0345', 'ᾼ', 'αι', 'ΑΙ']) expect(uniqueKey(name)).toBe(uniqueKey('αι'));
    expect(uniqueKey('ᾴ')).toBe(uniqueKey('ΆΙ'));
  });

  it('tells apart what everybody tells apart', () => {
    const different = [
      'IMG_1.jpg',
      'IMG_2.jpg',
      'IMG_1.jpeg',
      'ＩＭＧ_1.jpg',
      'é.jpg',
      'e.jpg',
      'а.jpg',
      'a.jpg',
    ];
    expect(new Set(different.map(uniqueKey)).size).toBe(different.length);
  });
});

/** Gives names in one directory as the tree does, and keeps them. */
function directory() {
  const names: string[] = [];
  const keys = new Set<string>();
  return {
    names,
    add(wanted: string, identity: string): string {
      const name = giveName(wanted, identity, (key) => keys.has(key));
      keys.add(uniqueKey(name));
      names.push(name);
      return name;
    },
  };
}

const suffixed = / ~[a-z2-7]{6,52}(?=(?:\.[^\s.]{1,19})?$)/u;

it('takes an iota below for an iota, wherever marks and invisible characters stand', () => {
  expect(uniqueKey('\u0345\u200d\u0301')).toBe(uniqueKey('\u0399\u200d\u0301'));
  expect(uniqueKey('\u0301\u0345')).toBe(uniqueKey('\u0345\u200d\u0301'));
});

describe('giveName', () => {
  const photo = fc.record({ wanted: anyName, identity: fc.string({ maxLength: 8 }) });
  // Some come again as twins of others, some are called like the suffixed name of another.
  const library = fc
    .tuple(
      fc.array(photo, { minLength: 1, maxLength: 25 }),
      fc.array(fc.tuple(fc.nat(), twinOf, fc.string({ maxLength: 4 })), { maxLength: 15 }),
      fc.array(fc.nat(), { maxLength: 5 }),
    )
    .map(([photos, again, stolen]) => {
      const all = [...photos];
      for (const [at, twin, identity] of again) {
        const wanted = all[at % all.length]?.wanted ?? '';
        all.push({ wanted: twin(wanted), identity });
      }
      const given = directory();
      const names = all.map(({ wanted, identity }) => given.add(wanted, identity));
      for (const at of stolen)
        all.splice(at % all.length, 0, { wanted: names[at % names.length] ?? '', identity: 'x' });
      return all;
    });

  it('gives safe names that no file system confuses, in 1,000 libraries', () => {
    let namesakes = 0;
    fc.assert(
      fc.property(library, (photos) => {
        const given = directory();
        const coarse = new Set<string>();
        const wrong: unknown[] = [];
        for (const { wanted, identity } of photos) {
          const older = given.names.join('/');
          const name = given.add(wanted, identity);
          const plain = safeName(wanted);
          const extension = /(?<=.)\.[^\s.]{1,4}$/u.exec(plain)?.[0] ?? '';
          const rules = {
            'a newcomer changes no older name': given.names.slice(0, -1).join('/') === older,
            'the name is safe': hazardOf(name) === undefined && safeName(name) === name,
            'what nobody could confuse is called as it wants to be':
              name === plain || coarse.has(coarseForm(plain)),
            'a namesake gets a suffix': name === plain || suffixed.test(name),
            'and nothing else':
              name === plain || bytesIn(plain) >= 180 || name.replace(suffixed, '') === plain,
            'its extension is kept': name.endsWith(extension),
          };
          for (const [rule, holds] of Object.entries(rules)) if (!holds) wrong.push([rule, plain, name]);
          if (name !== plain) namesakes += 1;
          coarse.add(coarseForm(name));
        }
        for (const [kind, form] of Object.entries(fileSystemForms)) {
          if (new Set(given.names.map(form)).size !== photos.length) wrong.push(kind);
        }
        expect(wrong).toEqual([]);
        const again = directory();
        for (const { wanted, identity } of photos) again.add(wanted, identity);
        expect(again.names).toEqual(given.names);
      }),
      { numRuns: 1000 },
    );
    expect(namesakes).toBeGreaterThan(1000);
  });

  it('gives names that ext4 with casefold takes for different ones', ({ skip }) => {
    const given = directory();
    for (const name of fc.sample(anyName, { numRuns: 3000, seed: 7 })) given.add(name, '');
    const askable = given.names.filter((name) => !/[\s"'`\\#]|^-|\p{Cn}|\p{Co}/u.test(name));
    const hashes = ext4CasefoldHashes(askable);
    if (hashes === undefined) return skip();
    expect(askable.length).toBeGreaterThan(500);
    expect(new Set(hashes).size).toBe(askable.length);
  });

  it('tells 500 equal names apart', () => {
    const given = directory();
    for (let at = 0; at < 500; at++) given.add('IMG_0001.jpg', `photo ${at}`);
    expect(given.names[0]).toBe('IMG_0001.jpg');
    expect(new Set(given.names.map((name) => name.toLowerCase())).size).toBe(500);
    for (const name of given.names.slice(1)) expect(name).toMatch(/^IMG_0001 ~[a-z2-7]{6}\.jpg$/);
  });

  it('tells 500 names of one identity apart', () => {
    const given = directory();
    for (let at = 0; at < 500; at++) given.add('IMG_0001.jpg', 'the same');
    expect(new Set(given.names.map((name) => name.toLowerCase())).size).toBe(500);
    for (const name of given.names) expect(hazardOf(name)).toBeUndefined();
  });

  it('takes a longer suffix where a shorter one is a name already', () => {
    const given = directory();
    given.add('a.jpg', 'first');
    const taken = directory();
    taken.add('a.jpg', 'first');
    const short = taken.add('a.jpg', 'second');
    given.add(short, 'a photo that is called so');
    const longer = given.add('a.jpg', 'second');
    expect(longer).toMatch(/^a ~[a-z2-7]{8}\.jpg$/);
    expect(longer.slice(0, short.length - 4)).toBe(short.slice(0, -4));
  });
});
