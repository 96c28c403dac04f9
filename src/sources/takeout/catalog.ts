/**
 * What one archive holds as far as gphotosfs needs it: photos with their places, sidecars and album JSONs with what
 * they say. A catalog is remembered between syncs, so that an unchanged archive is not read again and a tgz
 * not passed over twice.
 */
import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import type { UnixSeconds } from '../../model/words.ts';
import type { ArchiveEntry } from './archive.ts';
import type { AlbumFacts, Sidecar } from './sidecar.ts';

/** A file of the archive that is or may be media. */
export interface CatalogFile {
  /** Path of its folder in the archive; empty for the root. */
  readonly folder: string;
  readonly name: string;
  readonly size: number;
  /** Filled in where it had to be computed, for files of unpacked folders (`content-crc.ts`). */
  crc32: number | undefined;
  readonly offset: number;
  readonly address: string;
  readonly seekable: boolean;
}

/** A `.json` with what it says; those that say nothing are left out once they have been read. */
export interface CatalogJson {
  readonly folder: string;
  readonly name: string;
  readonly facts: Sidecar | AlbumFacts;
  /** In an unpacked folder, its address: the same file need not be read again when others have changed. */
  readonly address: string | undefined;
}

export interface Catalog {
  /** The archive's name (absolute path) and the fingerprint it had. */
  readonly archive: string;
  readonly fingerprint: string;
  /** The most common modification time of its entries and how many have it: the time of the export. */
  readonly modified: { readonly time: UnixSeconds; readonly count: number } | undefined;
  readonly files: readonly CatalogFile[];
  readonly jsons: CatalogJson[];
  /** JSONs not read, because they lay outside the Photos folder as far as it was known. */
  unread: readonly ArchiveEntry[];
}

/** Raised whenever the stored form or the meaning of a JSON changes; others are read anew. */
const version = 1;

/** The key of an archive's catalog among the source's memos. */
export const catalogKey = (archive: string): string => `catalog ${archive}`;

const text = z.string();
const count = z.number().int().nonnegative();
const folder = count;
const maybe = <T extends z.ZodType>(type: T) => type.nullable();
const fileRow = z.tuple([folder, text, count, maybe(count), count, text, z.boolean()]);
const description = z.object({
  description: z.string().optional(),
  people: z.array(z.string()).optional(),
  place: z.tuple([z.number(), z.number()]).optional(),
  favorited: z.boolean().optional(),
  archived: z.boolean().optional(),
});
const sidecarRow = z.tuple([
  folder,
  text,
  maybe(text),
  maybe(text),
  maybe(z.number()),
  maybe(text),
  z.boolean(),
  maybe(description),
]);
const albumRow = z.tuple([folder, text, maybe(text), text, maybe(z.number())]);
const unreadRow = z.tuple([text, count, maybe(count), count, text, z.boolean()]);
const stored = z.object({
  version: z.literal(version),
  archive: text,
  fingerprint: text,
  modified: maybe(z.tuple([z.number(), count])),
  folders: z.array(text),
  files: z.array(fileRow),
  sidecars: z.array(sidecarRow),
  albums: z.array(albumRow),
  unread: z.array(unreadRow),
});
type Stored = z.infer<typeof stored>;

/** The catalog as a memo's value: JSON in rows, deflated. Level 1 gives a sixth of the size at 100 MB/s and more. */
export function encodeCatalog(catalog: Catalog): Buffer {
  const folders = new Map<string, number>();
  const number = (path: string): number => {
    const known = folders.get(path) ?? folders.size;
    folders.set(path, known);
    return known;
  };
  const value: Stored = {
    version,
    archive: catalog.archive,
    fingerprint: catalog.fingerprint,
    modified: catalog.modified === undefined ? null : [catalog.modified.time, catalog.modified.count],
    folders: [],
    files: catalog.files.map((file) => [
      number(file.folder),
      file.name,
      file.size,
      file.crc32 ?? null,
      file.offset,
      file.address,
      file.seekable,
    ]),
    sidecars: [],
    albums: [],
    unread: catalog.unread.map((entry) => [
      entry.path,
      entry.size,
      entry.crc32 ?? null,
      entry.offset,
      entry.address,
      entry.seekable,
    ]),
  };
  for (const { folder, name, facts, address } of catalog.jsons)
    if (facts.kind === 'album')
      value.albums.push([number(folder), name, address ?? null, facts.title, facts.date ?? null]);
    else
      value.sidecars.push([
        number(folder),
        name,
        address ?? null,
        facts.title ?? null,
        facts.takenAt ?? null,
        facts.photoId ?? null,
        facts.trashed,
        Object.keys(facts.description).length === 0
          ? null
          : (facts.description as Stored['sidecars'][number][7]),
      ]);
  value.folders.push(...folders.keys());
  return deflateSync(JSON.stringify(value), { level: 1 });
}

/** Largest catalog taken from a memo, inflated: some 5 million entries. */
const largestMemo = 1024 * 1024 * 1024;

/** Reads a memo's value. What is damaged or of another version is undefined: the archive is then read again. */
export function decodeCatalog(value: Buffer | undefined): Catalog | undefined {
  const parsed = stored.safeParse(value === undefined ? undefined : unpack(value));
  if (!parsed.success) return undefined;
  const { archive, fingerprint, modified, folders, files, sidecars, albums, unread } = parsed.data;
  const numbered = [...files, ...sidecars, ...albums];
  if (numbered.some(([folder]) => folder >= folders.length)) return undefined;
  const at = (folder: number): string => folders[folder] ?? '';
  return {
    archive,
    fingerprint,
    modified: modified === null ? undefined : { time: modified[0], count: modified[1] },
    files: files.map(([folder, name, size, crc32, offset, address, seekable]) => ({
      folder: at(folder),
      name,
      size,
      crc32: crc32 ?? undefined,
      offset,
      address,
      seekable,
    })),
    jsons: [
      ...sidecars.map(
        ([folder, name, address, title, takenAt, photoId, trashed, description]): CatalogJson => ({
          folder: at(folder),
          name,
          facts: {
            kind: 'sidecar',
            title: title ?? undefined,
            takenAt: takenAt ?? undefined,
            photoId: photoId ?? undefined,
            trashed,
            description: (description ?? nothing) as Sidecar['description'],
          },
          address: address ?? undefined,
        }),
      ),
      ...albums.map(
        ([folder, name, address, title, date]): CatalogJson => ({
          folder: at(folder),
          name,
          facts: { kind: 'album', title, date: date ?? undefined },
          address: address ?? undefined,
        }),
      ),
    ],
    unread: unread.map(([path, size, crc32, offset, address, seekable]) => ({
      path,
      size,
      crc32: crc32 ?? undefined,
      offset,
      address,
      seekable,
      modified: undefined,
    })),
  };
}

const nothing = Object.freeze({});

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
