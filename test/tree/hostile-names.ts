/**
 * Names made to break something, and an independent account of what a file system takes for the same name. Nothing in
 * here uses the code that is tested.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';

/** Each has broken some program that stores photos. */
export const hostileNames: readonly string[] = [
  '',
  ' ',
  '.',
  '..',
  '...',
  '. .',
  '/',
  '../../etc/passwd',
  '/etc/passwd',
  'a/b.jpg',
  'a\\b.jpg',
  'C:\\Windows\\win.ini',
  'nul\0inside.jpg',
  'line\nbreak.jpg',
  'tab\there.jpg',
  'bell\u0007.jpg',
  'c1\u0085.jpg',
  'two\u2028lines.jpg',
  '-rf',
  '--help.jpg',
  '-',
  '~',
  '$(reboot).jpg',
  '*.jpg',
  'what?.jpg',
  '"quoted".jpg',
  '<tag>.jpg',
  'pipe|d.jpg',
  'stream.jpg:Zone.Identifier',
  'CON',
  'con.jpg',
  'Con.tar.gz',
  'con .jpg',
  'con.',
  'NUL',
  'aux.jpeg',
  'PRN.txt',
  'COM1.jpg',
  'com¹.jpg',
  'LPT9',
  'CONIN$',
  'conout$.jpg',
  'console.jpg',
  'COM10.jpg',
  'ends in dot.',
  'ends in space ',
  'ends in both. . .',
  'photo.jpg.',
  'photo.jpg ',
  ' starts with space.jpg',
  '.hidden',
  '.gphotosfs',
  '.GPhotosFS',
  '.gphoto\u200dsfs',
  '.gphotosfs.',
  '😀.jpg',
  '👨‍👩‍👧‍👦 family.jpg',
  '❤️.jpg',
  '❤.jpg',
  '🇩🇪.jpg',
  'café.jpg',
  'cafe\u0301.jpg',
  'CAFÉ.JPG',
  'Straße.jpg',
  'STRASSE.jpg',
  'STRAẞE.jpg',
  'strasse.jpg',
  'İstanbul.jpg',
  'istanbul.jpg',
  'Istanbul.jpg',
  'ıstanbul.jpg',
  'i\u0307stanbul.jpg',
  '\u212aelvin.jpg',
  'Kelvin.jpg',
  '\u212bngstrom.jpg',
  'Ångstrom.jpg',
  'ﬁnd.jpg',
  'find.jpg',
  'ὈΔΟΣ.jpg',
  'ὀδος.jpg',
  'ὀδοσ.jpg',
  'ᾳ.jpg',
  'αι.jpg',
  'ſt.jpg',
  'ﬆ.jpg',
  'ﬅ.jpg',
  'ＩＭＧ＿１.jpg',
  'IMG_1.jpg',
  'img_1.JPG',
  'IMG\u200b_1.jpg',
  'IMG\u00ad_1.jpg',
  '\u200b',
  '\u3164',
  '\ufe0f\ufe0f',
  '\u3000',
  '\u00a0',
  '\u202egpj.exe',
  'תמונה.jpg',
  'صورة ١.jpg',
  '\u2067rtl\u2069.jpg',
  '\ud800',
  '\udc00.jpg',
  'a\ud83d.jpg',
  '\ufffe.jpg',
  'a'.repeat(300),
  `${'a'.repeat(300)}.jpg`,
  `${'ä'.repeat(150)}.jpeg`,
  `${'😀'.repeat(75)}.heic`,
  `${'👨‍👩‍👧‍👦'.repeat(12)}.jpg`,
  `x${'\u0301'.repeat(200)}.jpg`,
  `conx${'\u0301'.repeat(200)}`,
  `conx${'\u0301'.repeat(200)}.jpg`,
  `.gphotosfsx${'\u0301'.repeat(200)}`,
  `.x${'\u0301'.repeat(200)}`,
  `${'a'.repeat(239)}. b`,
  `${'a'.repeat(238)} .b`,
  `name.${'e'.repeat(300)}`,
  `name.${'é'.repeat(15)}`,
  'Dr. No',
  'Vol. 2',
  '2021',
  'undated',
  'years',
  'albums',
  'PXL_20210101.MP~2',
  'IMG_1.jpg ~abcdef',
  'IMG_1 ~abcdef.jpg',
  'a\u034f\u0323\u0301.jpg',
  '각.jpg',
  '\u1100\u1161\u11a8.jpg',
];

/** What turns a name into one that some file system takes for the same. */
const twins: readonly ((name: string) => string)[] = [
  (name) => name.normalize('NFC'),
  (name) => name.normalize('NFD'),
  // Case is mapped on the decomposed form, as Unicode's canonical caseless matching has it (D145).
  (name) => name.normalize('NFD').toUpperCase(),
  (name) => name.normalize('NFD').toLowerCase(),
  (name) => name.normalize('NFD').toLocaleUpperCase('und').toLocaleLowerCase('und'),
  (name) => `\u200b${name}`,
  (name) => [...name].join('\u200d'),
  (name) => [...name].join('\u034f'),
  (name) => name.replace(/./u, '$&\ufe0f'),
];

export const twinOf = fc.constantFrom(...twins);

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'grapheme', minLength: 60, maxLength: 300 }),
  // UTF-16 units, lone surrogates among them.
  fc.array(fc.nat({ max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
  // Characters that case and composition are difficult for.
  fc.string({
    unit: fc.constantFrom(...'iIİıßẞſsSKK\u0307\u0301\u0345ΣσςᾳΑ\u200d\u00adﬀﬁ ._~-()1a'),
    maxLength: 12,
  }),
);

const extension = fc.constantFrom('', '.jpg', '.JPG', '.heic', '.MP~2', '.', ' ', '.tar.gz');

/** A name as a hostile or merely unlucky archive could have it. */
export const anyName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...hostileNames),
  fc.tuple(anyText, extension).map(([stem, ending]) => stem + ending),
  fc.tuple(fc.constantFrom(...hostileNames), twinOf).map(([name, twin]) => twin(name)),
);

/** Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt, as ranges. */
const ignorable: readonly (readonly [number, number])[] = [
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfff8],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];

const ignorableCharacters = new Set(
  ignorable.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, at) => String.fromCodePoint(from + at)),
  ),
);

const withoutIgnorable = (name: string): string =>
  [...name].filter((character) => !ignorableCharacters.has(character)).join('');

const perUnit = (name: string, map: (unit: string) => string): string =>
  Array.from({ length: name.length }, (_, at) => {
    const unit = name.charAt(at);
    const mapped = map(unit);
    // File systems that go unit by unit have no room for a second one.
    return mapped.length === 1 ? mapped : unit;
  }).join('');

/** A name as kinds of file systems compare it: names with one form are one file there. */
export const fileSystemForms: Readonly<Record<string, (name: string) => string>> = {
  'byte for byte': (name) => name,
  'NTFS and exFAT: upper case, unit by unit': (name) => perUnit(name, (unit) => unit.toUpperCase()),
  'Samba: lower case, unit by unit': (name) => perUnit(name, (unit) => unit.toLowerCase()),
  'APFS: decomposed, case-folded': (name) =>
    name.normalize('NFD').toLocaleUpperCase('und').toLocaleLowerCase('und').normalize('NFD'),
  'HFS+ and ext4 casefold: also without what is invisible': (name) =>
    withoutIgnorable(name.normalize('NFD'))
      .toLocaleUpperCase('und')
      .normalize('NFD')
      .toLocaleLowerCase('und'),
};

/** A form so coarse that names which differ in it are different for everybody. */
export const coarseForm = (name: string): string =>
  [...name.normalize('NFKD').toUpperCase().toLowerCase().normalize('NFKD').toUpperCase().toLowerCase()]
    .join('')
    .normalize('NFKD')
    .replace(/[\p{M}\p{Default_Ignorable_Code_Point}]/gu, '')
    .replaceAll('ı', 'i')
    .replaceAll('ς', 'σ');

/**
 * The hash under which a case-insensitive ext4 directory stores each name, computed by e2fsprogs itself (the folding
 * of the kernel's utf8 module); undefined where debugfs isn't installed. Names must not need quoting.
 */
export function ext4CasefoldHashes(names: readonly string[]): string[] | undefined {
  const script = names.map((name) => `dx_hash -h half_md4 -c -e utf8 ${name}\n`).join('');
  const directory = mkdtempSync(join(tmpdir(), 'gphotosfs-names-'));
  writeFileSync(join(directory, 'script'), script);
  const run = spawnSync('debugfs', ['-f', join(directory, 'script')], { maxBuffer: 1 << 28 });
  rmSync(directory, { recursive: true });
  if (run.status !== 0) return undefined;
  const hashes = [...run.stdout.toString().matchAll(/ is (0x[0-9a-f]+ \(minor 0x[0-9a-f]+\))$/gm)];
  return hashes.length === names.length ? hashes.map(([, hash]) => hash ?? '') : undefined;
}
