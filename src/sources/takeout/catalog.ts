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
  const split = pathSplitter();
  let last: string | undefined;
  // Neighbours lie in one folder.
  const add = (folder: string): void => {
    if (folder !== last) paths.add(folder);
    last = folder;
  };
  for (const { folder } of files) add(folder);
  for (const { folder } of jsons) add(folder);
  for (const { path } of unread) add(split(path).folder);
  return [...paths];
}

/** A path in an archive as folder and name. */
export interface SplitPath {
  readonly folder: string;
  readonly name: string;
}

export function splitPath(path: string): SplitPath {
  const slash = path.lastIndexOf('/');
  return slash < 0
    ? { folder: '', name: path }
    : { folder: path.slice(0, slash), name: path.slice(slash + 1) };
}

/**
 * Splits many paths, which come folder by folder: neighbours are given one and the same string of their folder, which is cheap
 * to look up by, and is not searched for from the end of each.
 */
export function pathSplitter(): (path: string) => SplitPath {
  let folder = '';
  let prefix = '';
  return (path) => {
    const isNext = path.startsWith(prefix) && path.indexOf('/', prefix.length) < 0;
    if (isNext) return { folder, name: path.slice(prefix.length) };
    const split = splitPath(path);
    folder = split.folder;
    prefix = folder === '' ? '' : `${folder}/`;
    return split;
  };
}
