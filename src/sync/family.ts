/**
 * Within a known item: which of its files a scanned file is — the same bytes, or newer ones of it (a revision) — or
 * none of them. Several files of one role each stay a file: `-edited` beside `-collage`, RAW beside JPEG.
 */
import type { FileRow } from '../index/items.ts';
import type { Index } from '../index/open.ts';
import { getRevision, type Revision } from '../index/revisions.ts';
import { sameContent } from '../model/content.ts';
import type { Content } from '../model/words.ts';
import type { ScannedFile } from '../sources/source.ts';

/**
 * The number that Takeout puts behind names that repeat in a folder; what else lies there differs from export to
 * export, so it is no part of a name by which a file is known again.
 */
const withoutNumber = (name: string): string => name.replace(/\(\d+\)(?=(?:\.[^.]*)?$)/, '');

const sameName = (known: FileRow, scanned: ScannedFile): boolean =>
  withoutNumber(known.name) === withoutNumber(scanned.name);

/** How a scanned file is a known one. */
export interface Kinship {
  readonly file: FileRow;
  /** `copy`: the bytes shown. `pending`: those of the revision that is to come. `other`: older or newer bytes. */
  readonly as: 'copy' | 'pending' | 'other';
  readonly revision: Revision | undefined;
}

/** The file of `files` that a scanned one is, or undefined for a file that is new to its item. */
export function findKin(index: Index, files: readonly FileRow[], scanned: ScannedFile): Kinship | undefined {
  const sameRole = files
    .filter((file) => file.role === scanned.role)
    .sort((a, b) => Number(b.name === scanned.name) - Number(a.name === scanned.name))
    .map((file) => ({ file, revision: getRevision(index, file.ino) }));
  const is = (known: Content, file: FileRow): boolean =>
    sameContent(known, scanned.content) &&
    // A size alone proves nothing.
    (sameName(file, scanned) || (known.crc32 !== undefined && scanned.content.crc32 !== undefined));

  const copy = sameRole.find(({ file }) => is(file, file));
  if (copy !== undefined) return { ...copy, as: 'copy' };
  const pending = sameRole.find(({ file, revision }) => revision !== undefined && is(revision, file));
  if (pending !== undefined) return { ...pending, as: 'pending' };
  const named = sameRole.filter(({ file }) => file.name === scanned.name);
  const alike = named.length > 0 ? named : sameRole.filter(({ file }) => sameName(file, scanned));
  const [only] = alike;
  return only !== undefined && alike.length === 1 ? { ...only, as: 'other' } : undefined;
}

/** The one file of `files` in the scanned one's role, whatever its name: of an item that is known by its looks. */
export function findSoleKin(
  index: Index,
  files: readonly FileRow[],
  scanned: ScannedFile,
): Kinship | undefined {
  const [file, ...others] = files.filter(({ role }) => role === scanned.role);
  if (file === undefined || others.length > 0) return undefined;
  return { file, as: 'other', revision: getRevision(index, file.ino) };
}
