/**
 * Names in the tree: what a photo or an album is called in its directory.
 *
 * The cache may sit on exFAT, NTFS or an SMB share and be copied to anything, so a name is safe on all of them, and
 * two names of a directory differ even for a file system that ignores case, composition or invisible characters.
 * A name once given is never changed: a later namesake gets a suffix made from its own identity.
 */
import { createHash } from 'node:crypto';

/** Longest name given, bytes of UTF-8. File systems take 255; the rest is room for a tool's own suffix. */
export const maxNameBytes = 240;

/** What Windows, exFAT and SMB refuse, NUL, C0 and C1 controls, and the two Unicode line separators. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const unsafe = /[/\\:*?"<>|\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const lonelySurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** Device names of DOS, with or without an extension (Microsoft, "Naming Files, Paths, and Namespaces"). */
const reserved =
  /^(con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?= *(\.|$))/i;
/** Characters that are drawn as nothing: two names that differ only there would look the same. */
const invisible = /\p{Default_Ignorable_Code_Point}/gu;
const plain = /^[\u0020-\u007e]*$/;

/** What cameras and telephones call their photos: nearly all names, and at once known to be safe. */
const ordinary = /^[A-Za-z0-9_][A-Za-z0-9_.()~-]{0,99}(?<!\.)$/;

/** Names that hold private things in the cache's root; no entry may look like one. */
const privateName = '.gphotosfs';

/**
 * The safe form of any string: well-formed, NFC, without characters that some file system refuses, not empty, not
 * `.` or `..`, at most `maxNameBytes` long with its extension kept. Safe names come back unchanged.
 */
export function safeName(wanted: string): string {
  if (ordinary.test(wanted) && !reserved.test(wanted)) return wanted;
  let name = wanted.replace(lonelySurrogate, '_').normalize('NFC').replace(unsafe, '_');
  // Cutting can uncover what must be mended (a reserved word, a dot at the end), and mending can make it too long.
  for (;;) {
    const mended = fitBytes(mend(name), '');
    if (mended === name) return name;
    name = mended;
  }
}

/** Alters names that mean something to a file system as a whole. */
function mend(name: string): string {
  const ended = name.replace(/[. ]+$/, (tail) => '_'.repeat(tail.length));
  const isBlank = ended.replace(invisible, '').trim() === '';
  return isBlank || reserved.test(ended) || uniqueKey(ended) === privateName ? `_${ended}` : ended;
}

/**
 * The key under which two names of one directory are the same: case-folded NFD without default-ignorables.
 * Lower-casing the upper case folds also what has no simple lower case of its own (ß and SS, ſ and s, final ς).
 */
export function uniqueKey(name: string): string {
  if (plain.test(name)) return name.toLowerCase();
  // What is invisible can stand between marks and keep them from their order, so it goes before the second NFD.
  const bare = (text: string) => text.normalize('NFD').replace(invisible, '').normalize('NFD');
  const folded = (text: string) => bare(text).toUpperCase().toLowerCase();
  // Folding can decompose further, and decomposing can bring what folds: twice is a fixed point.
  const key = folded(folded(name)).normalize('NFD');
  // Lower case of a dotted capital I is a plain i for some (Unicode's simple mapping), i with its dot for others.
  const dotless = key.replace(/i\u0307+/g, 'i');
  // The iota below a letter (U+0345) is a mark that folds to a letter: whether marks beside it are put in their order
  // before or after differs, so their order doesn't count here.
  return dotless.replace(/\p{M}*\u03b9[\u03b9\p{M}]+|\p{M}+\u03b9/gu, (run) => [...run].sort().join(''));
}

/**
 * The name that `wanted` gets in a directory: its safe form, or, where that is taken, the safe form with ` ~` and
 * six or more base-32 characters of the SHA-256 of `identity` before the extension.
 * @param taken whether a unique key is in use in the directory
 */
export function giveName(wanted: string, identity: string, taken: (key: string) => boolean): string {
  const name = safeName(wanted);
  if (!taken(uniqueKey(name))) return name;
  const digest = base32(createHash('sha256').update(identity).digest());
  for (let length = 6; length <= digest.length; length += 2) {
    const candidate = fitBytes(name, ` ~${digest.slice(0, length)}`);
    if (!taken(uniqueKey(candidate))) return candidate;
  }
  return giveName(wanted, `${identity} again`, taken);
}

/** What follows the last dot, if that can be an extension; "Dr. No" has none. */
const extensionOf = /(?<=.)\.[^\s.]{1,19}$/u;

/** `name` with `suffix` before its extension, the stem cut so that all of it fits into `maxNameBytes`. */
function fitBytes(name: string, suffix: string): string {
  const found = extensionOf.exec(name)?.[0] ?? '';
  // More than 20 bytes after the last dot are no extension but a part of the name.
  const extension = Buffer.byteLength(found) <= 20 ? found : '';
  const stem = name.slice(0, name.length - extension.length);
  const room = maxNameBytes - Buffer.byteLength(extension) - Buffer.byteLength(suffix);
  return cutBytes(stem, room) + suffix + extension;
}

/** The longest prefix of `text` with at most `bytes` bytes of UTF-8 that doesn't split a character or its marks. */
function cutBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += Buffer.byteLength(segment);
    if (used > bytes) break;
    kept += segment;
  }
  // One grapheme can be longer than a whole name (a base with hundreds of marks): then by code point.
  if (kept !== '') return kept;
  used = 0;
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    kept += character;
  }
  return kept;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** RFC 4648 base 32 in lower case, without padding: safe where case is ignored. */
function base32(bytes: Buffer): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(value >> bits) & 31];
    }
  }
  return text;
}
