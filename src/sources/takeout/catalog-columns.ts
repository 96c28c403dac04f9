/**
 * A packed catalog's tables: files, sidecars, albums and unread JSONs, each as one list a field. JSON of a few long lists is
 * read in half the time of that of many short ones. What is read back is checked value by value, for it was in a file.
 */
import type { Description } from '../source.ts';
import type { ArchiveEntry } from './archives/archive.ts';
import type { CatalogFile, CatalogJson } from './catalog-entry.ts';
import type { AlbumFacts, Sidecar } from './pairing/sidecar.ts';
import { count, damaged, fields, flag, list, maybe, number, pair, text } from './stored-values.ts';

/** One list a field, all of one length. */
export type Columns = readonly (readonly unknown[])[];

/** A JSON of the catalog whose kind is known. */
export type JsonOf<F> = Omit<CatalogJson, 'facts'> & { readonly facts: F };

export const fileColumns = (files: readonly CatalogFile[]): Columns => [
  files.map(({ name }) => name),
  files.map(({ size }) => size),
  files.map(({ crc32 }) => crc32 ?? null),
  files.map(({ offset }) => offset),
  files.map(({ address }) => address),
  files.map(({ seekable }) => seekable),
];

export const sidecarColumns = (jsons: readonly JsonOf<Sidecar>[]): Columns => [
  jsons.map(({ name }) => name),
  jsons.map(({ address }) => address ?? null),
  jsons.map(({ facts }) => facts.title ?? null),
  jsons.map(({ facts }) => facts.takenAt ?? null),
  jsons.map(({ facts }) => facts.photoId ?? null),
  jsons.map(({ facts }) => facts.trashed),
  jsons.map(({ facts }) => (isEmpty(facts.description) ? null : facts.description)),
];

export const albumColumns = (jsons: readonly JsonOf<AlbumFacts>[]): Columns => [
  jsons.map(({ folder }) => folder),
  jsons.map(({ name }) => name),
  jsons.map(({ address }) => address ?? null),
  jsons.map(({ facts }) => facts.title),
  jsons.map(({ facts }) => facts.date ?? null),
];

export const unreadColumns = (entries: readonly ArchiveEntry[]): Columns => [
  entries.map(({ path }) => path),
  entries.map(({ size }) => size),
  entries.map(({ crc32 }) => crc32 ?? null),
  entries.map(({ offset }) => offset),
  entries.map(({ address }) => address),
  entries.map(({ seekable }) => seekable),
];

/** The files of one folder. @throws Damaged, as all that read tables back */
export function readFiles(value: unknown, folder: string): CatalogFile[] {
  const [names, sizes, sums, offsets, addresses, seekables] = columns(value, 6);
  return names.map((name, at) => ({
    folder,
    name: text(name),
    size: count(sizes[at]),
    crc32: maybe(sums[at], count),
    offset: count(offsets[at]),
    address: text(addresses[at]),
    seekable: flag(seekables[at]),
  }));
}

/** The sidecars of one folder. */
export function readSidecars(value: unknown, folder: string): JsonOf<Sidecar>[] {
  const [names, addresses, titles, times, ids, trashed, descriptions] = columns(value, 7);
  return names.map((name, at) => ({
    folder,
    name: text(name),
    facts: {
      kind: 'sidecar',
      title: maybe(titles[at], text),
      takenAt: maybe(times[at], number),
      photoId: maybe(ids[at], text),
      trashed: flag(trashed[at]),
      description: maybe(descriptions[at], readDescription) ?? nothing,
    },
    address: maybe(addresses[at], text),
  }));
}

/** Only the photo ids in a folder's sidecars. */
export function readPhotoIds(value: unknown): string[] {
  const [, , , , ids] = columns(value, 7);
  return ids.flatMap((id) => maybe(id, text) ?? []);
}

export function readAlbums(value: unknown): JsonOf<AlbumFacts>[] {
  const [folders, names, addresses, titles, dates] = columns(value, 5);
  return names.map((name, at) => ({
    folder: text(folders[at]),
    name: text(name),
    facts: { kind: 'album', title: text(titles[at]), date: maybe(dates[at], number) },
    address: maybe(addresses[at], text),
  }));
}

export function readUnread(value: unknown): ArchiveEntry[] {
  const [paths, sizes, sums, offsets, addresses, seekables] = columns(value, 6);
  return paths.map((path, at) => ({
    path: text(path),
    size: count(sizes[at]),
    crc32: maybe(sums[at], count),
    offset: count(offsets[at]),
    address: text(addresses[at]),
    seekable: flag(seekables[at]),
    modified: undefined,
  }));
}

/** Shared by all that say nothing: most photos of a library. */
const nothing: Description = Object.freeze({});

function isEmpty(description: Description): boolean {
  for (const _ in description) return false;
  return true;
}

function readDescription(value: unknown): Description {
  const { description, people, place, favorited, archived } = fields(value);
  return {
    ...(description === undefined ? undefined : { description: text(description) }),
    ...(people === undefined ? undefined : { people: list(people).map(text) }),
    ...(place === undefined ? undefined : { place: pair(place) }),
    ...(favorited === undefined ? undefined : { favorited: flag(favorited) }),
    ...(archived === undefined ? undefined : { archived: flag(archived) }),
  };
}

/** So many lists of one length. */
export function columns<N extends number>(value: unknown, width: N): Table<N> {
  const found = list(value).map(list);
  const even = found.every(({ length }) => length === found[0]?.length);
  return found.length === width && even ? (found as unknown as Table<N>) : damaged();
}

type Column = readonly unknown[];
type Table<N extends number, T extends Column[] = []> = T['length'] extends N ? T : Table<N, [...T, Column]>;
