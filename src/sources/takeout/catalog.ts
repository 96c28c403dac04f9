/**
 * What one archive holds as far as gphotosfs needs it: photos with their places, sidecars and album JSONs with what
 * they say. A catalog is remembered between syncs, so that an unchanged archive is not read again and a tgz
 * not passed over twice.
 */
import { deflateSync, inflateSync } from 'node:zlib';
import type { Problem, UnixSeconds } from '../../model/words.ts';
import type { ArchiveEntry } from './archives/archive.ts';
import {
  albumColumns,
  columnReader,
  count,
  Damaged,
  fields,
  fileColumns,
  type JsonOf,
  list,
  maybe,
  pair,
  sidecarColumns,
  text,
  unreadColumns,
} from './catalog-columns.ts';
import type { CatalogFile, CatalogJson } from './catalog-entry.ts';
import type { AlbumFacts, Sidecar } from './pairing/sidecar.ts';

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
  readonly problems: readonly Problem[];
}

/** Raised whenever the stored form or the meaning of a JSON changes; others are read anew. */
const version = 2;

/** The key of an archive's catalog among the source's memos. */
export const catalogKey = (archive: string): string => `catalog ${archive}`;

/** The catalog as a memo's value: JSON, deflated. Level 1 gives a sixth of the size at 100 MB/s and more. */
export function encodeCatalog(catalog: Catalog): Buffer {
  const folders = new Map<string, number>();
  const numberOf = (path: string): number => {
    const known = folders.get(path) ?? folders.size;
    folders.set(path, known);
    return known;
  };
  const sidecars: JsonOf<Sidecar>[] = [];
  const albums: JsonOf<AlbumFacts>[] = [];
  for (const json of catalog.jsons)
    if (json.facts.kind === 'album') albums.push(json as JsonOf<AlbumFacts>);
    else sidecars.push(json as JsonOf<Sidecar>);
  const { archive, fingerprint, modified, files, unread } = catalog;
  const value = {
    version,
    archive,
    fingerprint,
    modified: modified === undefined ? null : [modified.time, modified.count],
    files: fileColumns(files, numberOf),
    sidecars: sidecarColumns(sidecars, numberOf),
    albums: albumColumns(albums, numberOf),
    unread: unreadColumns(unread),
    folders: [...folders.keys()],
    ...(catalog.others === undefined ? {} : { others: catalog.others }),
    ...(catalog.problems.length === 0 ? {} : { problems: catalog.problems }),
  };
  return deflateSync(JSON.stringify(value), { level: 1 });
}

/** Largest catalog taken from a memo, inflated: some 5 million entries. */
const largestMemo = 1024 * 1024 * 1024;

/** Reads a memo's value. What is damaged or of another version is undefined: the archive is then read again. */
export function decodeCatalog(value: Buffer | undefined): Catalog | undefined {
  try {
    const stored = fields(value === undefined ? undefined : unpack(value));
    if (stored.version !== version) return undefined;
    const read = columnReader(list(stored.folders).map(text));
    const [time, times] = maybe(stored.modified, pair) ?? [];
    return {
      archive: text(stored.archive),
      fingerprint: text(stored.fingerprint),
      modified: time === undefined ? undefined : { time, count: count(times) },
      files: read.files(stored.files),
      jsons: [...read.sidecars(stored.sidecars), ...read.albums(stored.albums)],
      unread: read.unread(stored.unread),
      others: maybe(stored.others ?? null, count),
      problems: list(stored.problems ?? []).map(problemOf),
    };
  } catch (error) {
    if (error instanceof Damaged) return undefined;
    throw error;
  }
}

function problemOf(value: unknown): Problem {
  const { where, what, remedy, severity } = fields(value);
  const problem = { where: text(where), what: text(what), remedy: text(remedy) };
  return severity === 'notice' ? { ...problem, severity } : problem;
}

function unpack(value: Buffer): unknown {
  try {
    return JSON.parse(inflateSync(value, { maxOutputLength: largestMemo }).toString());
  } catch {
    return undefined;
  }
}

/** A path in an archive as folder and name. */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const slash = path.lastIndexOf('/');
  return slash < 0
    ? { folder: '', name: path }
    : { folder: path.slice(0, slash), name: path.slice(slash + 1) };
}
