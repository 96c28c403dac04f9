/**
 * The rows of a stored catalog: a file, a sidecar, an album or an unread JSON each as a list of plain values, folders by
 * their number. What is read back is checked value by value, for a memo is a file that anything may have damaged.
 */
import type { Description } from '../source.ts';
import type { ArchiveEntry } from './archives/archive.ts';
import type { CatalogFile, CatalogJson } from './catalog-entry.ts';
import type { AlbumFacts, Sidecar } from './pairing/sidecar.ts';

export type Row = readonly unknown[];

/** A row is not what was written. */
export class DamagedRow extends Error {}

export const fileRow = (file: CatalogFile, folder: number): Row => [
  folder,
  file.name,
  file.size,
  file.crc32 ?? null,
  file.offset,
  file.address,
  file.seekable,
];

export const sidecarRow = (
  folder: number,
  name: string,
  address: string | undefined,
  facts: Sidecar,
): Row => [
  folder,
  name,
  address ?? null,
  facts.title ?? null,
  facts.takenAt ?? null,
  facts.photoId ?? null,
  facts.trashed,
  isEmpty(facts.description) ? null : facts.description,
];

export const albumRow = (
  folder: number,
  name: string,
  address: string | undefined,
  { title, date }: AlbumFacts,
): Row => [folder, name, address ?? null, title, date ?? null];

export const unreadRow = (entry: ArchiveEntry): Row => [
  entry.path,
  entry.size,
  entry.crc32 ?? null,
  entry.offset,
  entry.address,
  entry.seekable,
];

/** Functions that read rows of one catalog back. They throw `DamagedRow`. */
export function rowReader(folders: readonly string[]) {
  const folderAt = (value: unknown): string => folders[count(value)] ?? damaged();
  return {
    file(row: unknown): CatalogFile {
      const [folder, name, size, crc32, offset, address, seekable] = values(row, 7);
      return {
        folder: folderAt(folder),
        name: text(name),
        size: count(size),
        crc32: maybe(crc32, count),
        offset: count(offset),
        address: text(address),
        seekable: flag(seekable),
      };
    },
    sidecar(row: unknown): CatalogJson {
      const [folder, name, address, title, takenAt, photoId, trashed, description] = values(row, 8);
      const facts: Sidecar = {
        kind: 'sidecar',
        title: maybe(title, text),
        takenAt: maybe(takenAt, number),
        photoId: maybe(photoId, text),
        trashed: flag(trashed),
        description: maybe(description, readDescription) ?? nothing,
      };
      return { folder: folderAt(folder), name: text(name), facts, address: maybe(address, text) };
    },
    album(row: unknown): CatalogJson {
      const [folder, name, address, title, date] = values(row, 5);
      const facts: AlbumFacts = { kind: 'album', title: text(title), date: maybe(date, number) };
      return { folder: folderAt(folder), name: text(name), facts, address: maybe(address, text) };
    },
    unread(row: unknown): ArchiveEntry {
      const [path, size, crc32, offset, address, seekable] = values(row, 6);
      return {
        path: text(path),
        size: count(size),
        crc32: maybe(crc32, count),
        offset: count(offset),
        address: text(address),
        seekable: flag(seekable),
        modified: undefined,
      };
    },
  };
}

/** Shared by all that say nothing: most photos of a library. */
const nothing: Description = Object.freeze({});

function isEmpty(description: Description): boolean {
  for (const _ in description) return false;
  return true;
}

function readDescription(value: unknown): Description {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return damaged();
  const { description, people, place, favorited, archived } = value as Record<string, unknown>;
  return {
    ...(description === undefined ? undefined : { description: text(description) }),
    ...(people === undefined ? undefined : { people: list(people).map(text) }),
    ...(place === undefined ? undefined : { place: readPlace(place) }),
    ...(favorited === undefined ? undefined : { favorited: flag(favorited) }),
    ...(archived === undefined ? undefined : { archived: flag(archived) }),
  };
}

function readPlace(value: unknown): readonly [number, number] {
  const [latitude, longitude] = values(value, 2);
  return [number(latitude), number(longitude)];
}

const damaged = (): never => {
  throw new DamagedRow('a stored catalog is damaged');
};
const list = (value: unknown): Row => (Array.isArray(value) ? value : damaged());
const text = (value: unknown): string => (typeof value === 'string' ? value : damaged());
const flag = (value: unknown): boolean => (typeof value === 'boolean' ? value : damaged());
const number = (value: unknown): number => (Number.isFinite(value) ? (value as number) : damaged());
const count = (value: unknown): number =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : damaged();
const maybe = <T>(value: unknown, read: (value: unknown) => T): T | undefined =>
  value === null ? undefined : read(value);

function values(row: unknown, length: number): Row {
  const found = list(row);
  return found.length === length ? found : damaged();
}
