/**
 * A catalog as it is kept, in memory until its export is listed and as a memo between syncs, so that an unchanged archive is
 * not read again and a tgz not passed over twice. Each folder of the archive is packed by itself, for an export is
 * listed folder by folder: a photo takes some 100 bytes packed, and 1,000 as objects.
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import type { Memo } from '../source.ts';
import { type Catalog, pathSplitter } from './catalog.ts';
import {
  albumColumns,
  columns,
  fileColumns,
  type JsonOf,
  readAlbums,
  readFiles,
  readPhotoIds,
  readSidecars,
  readUnread,
  sidecarColumns,
  unreadColumns,
} from './catalog-columns.ts';
import type { CatalogFile } from './catalog-entry.ts';
import type { AlbumFacts, Sidecar } from './pairing/sidecar.ts';
import { type PhotosFolders, pathInPhotos } from './photos-folder.ts';
import { numbersOf } from './repeated-ids.ts';
import { count, Damaged, fields, list, maybe, pair, problemOf, text } from './stored-values.ts';

export interface PackedCatalog
  extends Pick<Catalog, 'archive' | 'fingerprint' | 'modified' | 'others' | 'problems'> {
  /** By path in the archive: all that hold a file or a JSON. */
  readonly folders: ReadonlyMap<string, PackedFolder>;
  readonly albums: readonly JsonOf<AlbumFacts>[];
  /** JSONs not read. */
  readonly unread: number;
  /**
   * CRC-32s of files that have none in the archive, by offset, as far as they had to be computed since (`content-crc.ts`);
   * undefined for a file that can't be read.
   */
  readonly computed: Map<number, number | undefined>;
  /** All of it but what was computed: the memo's value. */
  readonly value: Buffer;
  /** Of its photo ids (`repeated-ids.ts`); undefined for a memo's, of which they are found when they are needed. */
  readonly idNumbers: Float64Array | undefined;
}

export interface PackedFolder {
  readonly files: number;
  readonly sidecars: number;
  /** JSONs not read. */
  readonly unread: number;
  /** Where its files and sidecars are in the value. */
  readonly start: number;
  readonly end: number;
}

/** The files and sidecars of a folder. */
interface Unpacked {
  readonly files: CatalogFile[];
  readonly sidecars: JsonOf<Sidecar>[];
}

/** Raised whenever the stored form or the meaning of a JSON changes; others are read anew. */
const version = 3;
/** In front: the length of the table of contents and the CRC-32 of all that follows, little-endian. */
const headBytes = 8;

/** Level 1 gives a sixth of the size at 100 MB/s and more. */
const deflated = (value: unknown): Buffer => deflateSync(JSON.stringify(value), { level: 1 });

export function packCatalog(catalog: Catalog): PackedCatalog {
  const byFolder = groupByFolder(catalog);
  const chunks: Buffer[] = [];
  const folders: (string | number)[][] = [];
  for (const [path, { files, sidecars, unread }] of byFolder) {
    const isEmpty = files.length + sidecars.length === 0;
    const chunk = isEmpty ? Buffer.alloc(0) : deflated([fileColumns(files), sidecarColumns(sidecars)]);
    chunks.push(chunk);
    folders.push([path, files.length, sidecars.length, unread, chunk.length]);
  }
  const { archive, fingerprint, modified, others, problems, unread } = catalog;
  const contents = deflated({
    version,
    archive,
    fingerprint,
    modified: modified === undefined ? null : [modified.time, modified.count],
    others: others ?? null,
    problems,
    folders: [0, 1, 2, 3, 4].map((field) => folders.map((folder) => folder[field])),
    albums: albumColumns(catalog.jsons.filter(isAlbum)),
  });
  const body = Buffer.concat([contents, ...chunks, deflated(unreadColumns(unread))]);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(contents.length, 0);
  head.writeUInt32LE(crc32(body), 4);
  const packed = openPacked(Buffer.concat([head, body]), numbersOf(photoIds(catalog)));
  if (packed === undefined) throw new Damaged(`the catalog of ${archive} can't be read back`);
  return packed;
}

const isAlbum = (json: Catalog['jsons'][number]): json is JsonOf<AlbumFacts> => json.facts.kind === 'album';

function groupByFolder({ files, jsons, unread }: Catalog) {
  const folders = new Map<string, Unpacked & { unread: number }>();
  const folderAt = (path: string) => {
    let known = folders.get(path);
    if (known === undefined) {
      known = { files: [], sidecars: [], unread: 0 };
      folders.set(path, known);
    }
    return known;
  };
  for (const file of files) folderAt(file.folder).files.push(file);
  for (const json of jsons) {
    const folder = folderAt(json.folder);
    if (!isAlbum(json)) folder.sidecars.push(json as JsonOf<Sidecar>);
  }
  const split = pathSplitter();
  for (const { path } of unread) folderAt(split(path).folder).unread++;
  return folders;
}

function* photoIds({ jsons }: Catalog): Generator<string> {
  for (const { facts } of jsons)
    if (facts.kind === 'sidecar' && facts.photoId !== undefined) yield facts.photoId;
}

/**
 * Reads a memo's value. What is damaged or of another version is undefined: the archive is then read again.
 * @param idNumbers where it was packed by this process
 */
export function openPacked(value: Buffer | undefined, idNumbers?: Float64Array): PackedCatalog | undefined {
  if (value === undefined || value.length < headBytes) return undefined;
  const start = headBytes + value.readUInt32LE(0);
  if (start > value.length || crc32(value.subarray(headBytes)) !== value.readUInt32LE(4)) return undefined;
  try {
    const contents = fields(inflated(value.subarray(headBytes, start)));
    if (contents.version !== version) return undefined;
    const [time, times] = maybe(contents.modified, pair) ?? [];
    const folders = readFolders(contents.folders, start);
    return {
      archive: text(contents.archive),
      fingerprint: text(contents.fingerprint),
      modified: time === undefined ? undefined : { time, count: count(times) },
      others: maybe(contents.others, count),
      problems: list(contents.problems).map(problemOf),
      folders,
      albums: readAlbums(contents.albums),
      unread: [...folders.values()].reduce((sum, { unread }) => sum + unread, 0),
      computed: new Map(),
      value,
      idNumbers,
    };
  } catch (error) {
    if (error instanceof Damaged) return undefined;
    throw error;
  }
}

function readFolders(value: unknown, start: number): ReadonlyMap<string, PackedFolder> {
  const [paths, files, sidecars, unread, bytes] = columns(value, 5);
  const folders = new Map<string, PackedFolder>();
  let end = start;
  for (const [at, path] of paths.entries()) {
    const begin = end;
    end += count(bytes[at]);
    folders.set(text(path), {
      files: count(files[at]),
      sidecars: count(sidecars[at]),
      unread: count(unread[at]),
      start: begin,
      end,
    });
  }
  return folders;
}

/** Largest table taken, inflated: a folder of some 5 million files. */
const largestTable = 1024 * 1024 * 1024;

function inflated(bytes: Buffer): unknown {
  try {
    return JSON.parse(inflateSync(bytes, { maxOutputLength: largestTable }).toString());
  } catch {
    throw new Damaged('a stored catalog is damaged');
  }
}

function tablesOf({ folders, value }: PackedCatalog, path: string): readonly unknown[] | undefined {
  const { start = 0, end = 0 } = folders.get(path) ?? {};
  return start === end ? undefined : list(inflated(value.subarray(start, end)));
}

/** The files and sidecars of a folder, made anew each time. */
export function unpackFolder(packed: PackedCatalog, path: string): Unpacked {
  const tables = tablesOf(packed, path);
  if (tables === undefined) return { files: [], sidecars: [] };
  return { files: readFiles(tables[0], path), sidecars: readSidecars(tables[1], path) };
}

/** The photo ids that the sidecars of a folder have. */
export function photoIdsIn(packed: PackedCatalog, path: string): readonly string[] {
  const tables = tablesOf(packed, path);
  return tables === undefined ? [] : readPhotoIds(tables[1]);
}

/** The catalog as it was packed, with what has been computed since; files and sidecars in the order of folders. */
export function unpackCatalog(packed: PackedCatalog): Catalog {
  const { archive, fingerprint, modified, others, problems, folders, albums, computed, value } = packed;
  const all = [...folders.keys()].map((path) => unpackFolder(packed, path));
  // Not by a spread: there may be more folders than a call takes arguments (some 125,000).
  let end = 0;
  for (const folder of folders.values()) end = Math.max(end, folder.end);
  return {
    archive,
    fingerprint,
    modified,
    files: all
      .flatMap(({ files }) => files)
      .map((file) => (file.crc32 === undefined ? { ...file, crc32: computed.get(file.offset) } : file)),
    jsons: [...all.flatMap(({ sidecars }) => sidecars), ...albums],
    unread: folders.size === 0 ? [] : readUnread(inflated(value.subarray(end))),
    others,
    problems,
  };
}

/** How many JSONs of the photos nobody has read. */
export function countUnread({ folders }: PackedCatalog, photos: PhotosFolders): number {
  let count = 0;
  for (const [path, { unread }] of folders)
    if (unread > 0 && pathInPhotos(photos, path) !== undefined) count += unread;
  return count;
}

/** The key of an archive's catalog among the source's memos. */
export const catalogKey = (archive: string): string => `catalog ${archive}`;

/** The catalog as a memo. */
export function catalogMemo(packed: PackedCatalog): Memo {
  const { value } = packed.computed.size === 0 ? packed : packCatalog(unpackCatalog(packed));
  return { key: catalogKey(packed.archive), value };
}
