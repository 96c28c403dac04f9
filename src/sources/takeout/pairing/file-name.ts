/**
 * How Google Photos builds file names, taken apart: extension, duplicate number, the characters it replaces. All
 * names here are NFC, as archives give them (`archive.ts`).
 */

/** A file name at its last dot: `IMG_1.jpg` is `IMG_1` and `.jpg`; without a dot the extension is empty. */
export interface SplitName {
  readonly stem: string;
  /** With its dot, or empty. */
  readonly extension: string;
}

export function splitName(name: string): SplitName {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? { stem: name, extension: '' } : { stem: name.slice(0, dot), extension: name.slice(dot) };
}

/** A stem and the duplicate number at its end: `IMG_1(2)` is `IMG_1` and `(2)`; without one it is empty. */
export interface NumberedStem {
  readonly core: string;
  /** With its brackets, or empty. */
  readonly number: string;
}

/** Takes the duplicate number off a stem. A stem that is only a bracket keeps it. */
export function splitNumber(stem: string): NumberedStem {
  if (!stem.endsWith(')')) return { core: stem, number: '' };
  const open = stem.lastIndexOf('(');
  const isNumber = open > 0 && /^\d+$/.test(stem.slice(open + 1, -1));
  return isNumber ? { core: stem.slice(0, open), number: stem.slice(open) } : { core: stem, number: '' };
}

/** The name without its duplicate number, which belongs to one folder: `IMG_1(2).jpg` is `IMG_1.jpg`. */
export function withoutNumber(name: string): string {
  const { stem, extension } = splitName(name);
  return splitNumber(stem).core + extension;
}

/** A sidecar's title as Google makes a file name of it: reserved characters and line ends become `_`. */
export function cleanTitle(title: string): string {
  return title.normalize('NFC').replace(/[\\/:*?"<>|&%\r\n]/g, '_');
}

/**
 * Whether a title begins like this stem. A `_` in the stem stands for any character: which characters Google
 * replaces is known from examples only.
 */
export function beginsLike(title: string, stem: string): boolean {
  const text = title.normalize('NFC');
  if (text.length < stem.length) return false;
  for (let at = 0; at < stem.length; at++)
    if (stem.charCodeAt(at) !== text.charCodeAt(at) && stem[at] !== '_') return false;
  return true;
}

/** For comparing names with lists: NFC, the no-break spaces that French exports hold as plain ones, lower case. */
export function foldName(name: string): string {
  return name
    .normalize('NFC')
    .replace(/[\u00a0\u202f\u2007]/g, ' ')
    .trim()
    .toLowerCase();
}

/** Orders strings by UTF-16 units: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
