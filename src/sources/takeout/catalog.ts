/**
 * What one archive holds as far as gphotosfs needs it: photos with their places, sidecars and album JSONs with what
 * they say. A catalog is remembered between syncs, so that an unchanged archive is not read again and a tgz
 * not passed over twice.
 */
import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import type { UnixSeconds } from '../../model/words.ts';
import type { ArchiveEntry } from './archives/archive.ts';
import type { CatalogFile, CatalogJson } from './catalog-entry.ts';
import { albumRow, DamagedRow, fileRow, type Row, rowReader, sidecarRow, unreadRow } from './catalog-rows.ts';

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

// The rows are checked by hand (`catalog-rows.ts`): zod takes a second for those of 100,000 photos.
const rows = z.custom<readonly unknown[]>(Array.isArray);
const stored = z.object({
  version: z.literal(version),
  archive: z.string(),
  fingerprint: z.string(),
  modified: z.tuple([z.number(), z.number().int().nonnegative()]).nullable(),
  folders: z.array(z.string()),
  files: rows,
  sidecars: rows,
  albums: rows,
  unread: rows,
});

/** The catalog as a memo's value: JSON in rows, deflated. Level 1 gives a sixth of the size at 100 MB/s and more. */
export function encodeCatalog(catalog: Catalog): Buffer {
  const folders = new Map<string, number>();
  const number = (path: string): number => {
    const known = folders.get(path) ?? folders.size;
    folders.set(path, known);
    return known;
  };
  const files = catalog.files.map((file) => fileRow(file, number(file.folder)));
  const sidecars: Row[] = [];
  const albums: Row[] = [];
  for (const { folder, name, facts, address } of catalog.jsons)
    if (facts.kind === 'album') albums.push(albumRow(number(folder), name, address, facts));
    else sidecars.push(sidecarRow(number(folder), name, address, facts));
  const { archive, fingerprint, modified, unread } = catalog;
  const value: z.infer<typeof stored> = {
    version,
    archive,
    fingerprint,
    modified: modified === undefined ? null : [modified.time, modified.count],
    folders: [...folders.keys()],
    files,
    sidecars,
    albums,
    unread: unread.map(unreadRow),
  };
  return deflateSync(JSON.stringify(value), { level: 1 });
}

/** Largest catalog taken from a memo, inflated: some 5 million entries. */
const largestMemo = 1024 * 1024 * 1024;

/** Reads a memo's value. What is damaged or of another version is undefined: the archive is then read again. */
export function decodeCatalog(value: Buffer | undefined): Catalog | undefined {
  const parsed = stored.safeParse(value === undefined ? undefined : unpack(value));
  if (!parsed.success) return undefined;
  const { archive, fingerprint, modified, folders, files, sidecars, albums, unread } = parsed.data;
  try {
    const read = rowReader(folders);
    return {
      archive,
      fingerprint,
      modified: modified === null ? undefined : { time: modified[0], count: modified[1] },
      files: files.map(read.file),
      jsons: [...sidecars.map(read.sidecar), ...albums.map(read.album)],
      unread: unread.map(read.unread),
    };
  } catch (error) {
    if (error instanceof DamagedRow) return undefined;
    throw error;
  }
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
