/**
 * The one gate for names that come out of an archive: what passes is a relative path below the archive's root, in
 * NFC, parts joined by `/`. What would climb out, or means something else on some system, is refused, never repaired:
 * a repaired name might fall on another entry's.
 */
import { isUtf8 } from 'node:buffer';

/** Longest path taken, bytes of UTF-8: PATH_MAX of Linux. Google's own names stay under 300. */
const maxPathBytes = 4096;
/** Most folders deep a path may lie; a Takeout has 4 levels. Keeps recursion and directory walks bounded. */
const maxDepth = 64;

/** What nearly every name is like: few parts of plain characters, none of which begins with a dot. It may be used as it is. */
const plainPath = /^\w[\w .()~+,'&@=-]*(?:\/\w[\w .()~+,'&@=-]*){0,15}$/;

/** A path that may be used, or why the name may not. */
export type EntryPath = { readonly path: string; readonly refused?: never } | { readonly refused: string };

/**
 * Checks a name from an archive. Empty and `.` parts are dropped (`./Takeout//x` as tar writes it is `Takeout/x`).
 * A backslash is refused here; zip reading has turned it into `/` before, as Windows programs mean it.
 */
export function entryPath(name: string): EntryPath {
  if (name.length < 256 && plainPath.test(name)) return { path: name };
  if (name.includes('\0')) return { refused: 'its name contains a NUL character' };
  if (name.includes('\\')) return { refused: 'its name contains a backslash' };
  if (name.startsWith('/')) return { refused: 'its name is an absolute path' };
  // Only a name that may hold odd parts is taken apart.
  let path = name;
  if (/(?:^|\/)\.{0,2}(?:\/|$)/.test(name)) {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) return { refused: 'its name climbs out of the archive with ".."' };
    if (parts.length === 0) return { refused: 'its name is empty' };
    path = parts.join('/');
  }
  path = path.normalize('NFC');
  // Only now: `./C:` has become `C:`, and a Kelvin sign K.
  if (/^[a-zA-Z]:/.test(path)) return { refused: 'its name begins with a drive letter' };
  if (path.length > maxPathBytes || Buffer.byteLength(path) > maxPathBytes)
    return { refused: `its name is longer than ${maxPathBytes} bytes` };
  if (depth(path) > maxDepth) return { refused: `it lies more than ${maxDepth} folders deep` };
  return { path };
}

/**
 * Whether raw name bytes are to be read as UTF-8. Asked instead of trusting zip's UTF-8 flag (APPNOTE 4.4.4, bit 11):
 * macOS writes UTF-8 without the flag, while bytes of an old code page are hardly ever valid UTF-8 by chance.
 */
export const readsAsUtf8 = (raw: Uint8Array): boolean => isUtf8(raw);

/** A name for a message: control characters made visible (they could steer a terminal), shortened. */
export function printable(name: string): string {
  if (name.length <= 200 && /^[\x20-\x7e]*$/.test(name)) return name;
  const visible = name.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, visibly);
  const characters = [...visible];
  return characters.length <= 200 ? visible : `${characters.slice(0, 199).join('')}…`;
}

const visibly = (character: string): string =>
  `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`;

function depth(path: string): number {
  let count = 1;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) count++;
  return count;
}
