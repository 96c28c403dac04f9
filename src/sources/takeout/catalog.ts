/**
 * What one archive holds as far as gphotosfs needs it: photos with their places, sidecars and album JSONs with what
 * they say. A catalog is this while its archive is read; for all that follows it is packed (`packed-catalog.ts`).
 */
import type { Problem, UnixSeconds } from '../../model/words.ts';
import type { ArchiveEntry } from './archives/archive.ts';
import type { CatalogFile, CatalogJson } from './catalog-entry.ts';

export interface Catalog {
  /** The archive's name (absolute path) and the fingerprint it had. */
  readonly archive: string;
  readonly fingerprint: string;
  /** The most common modification time of its entries and how many have it: the time of the export. */
  readonly modified: { readonly time: UnixSeconds; readonly count: number } | undefined;
  readonly files: readonly CatalogFile[];
  readonly jsons: CatalogJson[];
  /** JSONs not read: not yet, or because they lay outside the Photos folder as far as it was known. */
  unread: readonly ArchiveEntry[];
  /** Files in it that are no part of the photos (other products), or can't be read: nobody keeps them. */
  readonly others: number | undefined;
  /** What is wrong with it, where that is to be told again after an early listing. */
  problems: readonly Problem[];
}

/** The folders in which it has something. */
export function foldersIn({ files, jsons, unread }: Catalog): string[] {
  const paths = new Set<string>();
  for (const { folder } of files) paths.add(folder);
  for (const { folder } of jsons) paths.add(folder);
  for (const { path } of unread) paths.add(splitPath(path).folder);
  return [...paths];
}

/** A path in an archive as folder and name. */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const slash = path.lastIndexOf('/');
  return slash < 0
    ? { folder: '', name: path }
    : { folder: path.slice(0, slash), name: path.slice(slash + 1) };
}
