/**
 * The folders of one export, merged over all its parts: a folder's photos and their sidecars are often in different
 * archives, and the same path may occur in two. Equal bytes under one path are one file with two places, other
 * bytes are two files. What the folders are is known of all; what is in them is read one folder at a time.
 */
import { splitPath } from './catalog.ts';
import type { CatalogFile } from './catalog-entry.ts';
import { classifyFolders, type FolderClass } from './folder-kinds.ts';
import { type PackedCatalog, unpackCatalog, unpackFolder } from './packed-catalog.ts';
import { compareText } from './pairing/file-name.ts';
import { type MediaName, push, type SidecarName } from './pairing/match-desk.ts';
import type { AlbumFacts, Sidecar } from './pairing/sidecar.ts';
import { findPhotosFolders, type PhotosFolders, pathInPhotos } from './photos-folder.ts';

/** Where one file lies. */
export interface Place {
  readonly catalog: PackedCatalog;
  readonly file: CatalogFile;
}

/** A media file of a folder: one content, in one or more archives. */
export interface MediaFile extends MediaName {
  readonly size: number;
  /** All of the same bytes; at least one. */
  readonly places: readonly Place[];
}

export interface SidecarFile extends SidecarName {
  readonly facts: Sidecar;
}

/** What a folder is. */
export interface FolderInfo extends FolderClass {
  /** Inside the Photos folder. */
  readonly path: string;
  /** Usually one; several where untitled albums share a folder. */
  readonly albums: readonly AlbumFacts[];
}

/** One folder of the export, all parts together, as far as the tables of contents tell. */
export interface GatheredFolder {
  readonly info: FolderInfo;
  /** Files in it. */
  readonly files: number;
  /** Where it is in the catalogs, in the order of the archives' names. */
  readonly pieces: readonly Piece[];
}

/** A folder of one archive. */
interface Piece {
  readonly catalog: PackedCatalog;
  readonly path: string;
  /** The archive is not here now: only its sidecars count. */
  readonly isGone: boolean;
}

/** A folder with all that is in it. */
export interface ExportFolder {
  readonly info: FolderInfo;
  readonly media: readonly MediaFile[];
  readonly sidecars: readonly SidecarFile[];
}

/** Tells whether two files of the same size have the same bytes. */
export type SameBytes = (a: MediaFile, b: MediaFile) => Promise<boolean>;

/** Where the photos are in each archive of an export. */
export function photosFoldersOf(
  catalogs: readonly PackedCatalog[],
): ReadonlyMap<PackedCatalog, PhotosFolders> {
  let names: ReadonlyMap<string, readonly string[]> | undefined;
  const namesIn = (folder: string) => {
    names ??= namesByFolder(catalogs);
    return names.get(folder) ?? [];
  };
  const folders = catalogs.map(({ folders }) =>
    [...folders.keys()].map((path) => ({ path, files: () => namesIn(path) })),
  );
  const found = findPhotosFolders(folders);
  return new Map(catalogs.map((catalog, at) => [catalog, found[at] ?? nowhere]));
}

const nowhere: PhotosFolders = { paths: [], sure: false };

/** The names in each folder, over all archives; gone through only when no folder's name tells where the photos are. */
function namesByFolder(catalogs: readonly PackedCatalog[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { files, jsons, unread } of catalogs.map(unpackCatalog)) {
    for (const { folder, name } of files) push(names, folder, name);
    for (const { folder, name } of jsons) push(names, folder, name);
    for (const { path } of unread) push(names, splitPath(path).folder, splitPath(path).name);
  }
  return names;
}

interface Growing {
  readonly path: string;
  readonly albums: AlbumFacts[];
  readonly pieces: Piece[];
  files: number;
}

/**
 * The folders of an export, in the order of paths. Of `gone`, parts that were read once but are not here now, only what
 * sidecars and album JSONs said is used.
 */
export function gatherFolders(
  catalogs: readonly PackedCatalog[],
  gone: readonly PackedCatalog[],
): GatheredFolder[] {
  const photos = photosFoldersOf([...catalogs, ...gone]);
  const folders = new Map<string, Growing>();
  const growingIn = (catalog: PackedCatalog, folder: string): Growing | undefined => {
    const path = pathInPhotos(photos.get(catalog) ?? nowhere, folder);
    if (path === undefined) return undefined;
    const known = folders.get(path) ?? { path, albums: [], pieces: [], files: 0 };
    folders.set(path, known);
    return known;
  };
  for (const catalog of [...catalogs, ...gone].sort((a, b) => compareText(a.archive, b.archive))) {
    const isGone = gone.includes(catalog);
    for (const [path, { files, sidecars }] of catalog.folders) {
      const here = isGone ? 0 : files;
      const folder = here + sidecars === 0 ? undefined : growingIn(catalog, path);
      if (folder === undefined) continue;
      folder.pieces.push({ catalog, path, isGone });
      folder.files += here;
    }
    for (const { folder: path, facts } of catalog.albums) {
      const folder = growingIn(catalog, path);
      // What lies beside the albums is about the library.
      if (folder === undefined || folder.path === '') continue;
      if (!folder.albums.some(({ title, date }) => title === facts.title && date === facts.date))
        folder.albums.push(facts);
    }
  }
  return classified([...folders.values()]);
}

function classified(folders: readonly Growing[]): GatheredFolder[] {
  const classes = classifyFolders(
    folders.map(({ path, albums, files }) => ({ path, hasAlbumJson: albums.length > 0, files })),
  );
  return folders
    .map(({ path, albums, pieces, files }) => ({
      info: { ...(classes.get(path) ?? { kind: 'album' as const, year: undefined }), path, albums },
      files,
      pieces,
    }))
    .sort((a, b) => compareText(a.info.path, b.info.path));
}

// Nearly every name stands for one file: a list for each is 60 bytes more.
type ByName<T> = Map<string, T | T[]>;

/** Reads what is in a folder; made anew each time, and the same. */
export async function readFolder(
  { info, pieces }: GatheredFolder,
  sameBytes: SameBytes,
): Promise<ExportFolder> {
  const media: ByName<MediaFile> = new Map();
  const sidecars: ByName<SidecarFile> = new Map();
  for (const { catalog, path, isGone } of pieces) {
    const unpacked = unpackFolder(catalog, path);
    // Most files are in one archive only: they share the list of it.
    const archives = [catalog.archive];
    if (!isGone)
      for (const file of unpacked.files) {
        const added: MediaFile = { name: file.name, size: file.size, archives, places: [{ catalog, file }] };
        // Without a promise for each of 100,000 names.
        if (media.has(file.name)) await addNamesake(media, added, sameBytes);
        else media.set(file.name, added);
      }
    for (const { name, facts } of unpacked.sidecars) addSidecar(sidecars, name, facts, archives);
  }
  return { info, media: flat(media), sidecars: flat(sidecars) };
}

/** Adds a file under a name that the folder has already: as a further place of the same bytes, or beside it. */
async function addNamesake(media: ByName<MediaFile>, added: MediaFile, sameBytes: SameBytes): Promise<void> {
  const namesakes = asList(media.get(added.name) ?? []);
  media.set(added.name, namesakes);
  for (const [at, known] of namesakes.entries())
    if (known.size === added.size && (await sameBytes(known, added))) {
      namesakes[at] = {
        ...known,
        archives: [...known.archives, ...added.archives],
        places: [...known.places, ...added.places],
      };
      return;
    }
  namesakes.push(added);
}

function addSidecar(
  sidecars: ByName<SidecarFile>,
  name: string,
  facts: Sidecar,
  archives: readonly string[],
): void {
  const added: SidecarFile = { name, title: facts.title, archives, facts };
  const before = sidecars.get(name);
  if (before === undefined) {
    sidecars.set(name, added);
    return;
  }
  const namesakes = asList(before);
  sidecars.set(name, namesakes);
  const at = namesakes.findIndex((known) => saySame(known.facts, facts));
  const known = namesakes[at];
  if (known === undefined) namesakes.push(added);
  else namesakes[at] = { ...known, archives: [...known.archives, ...archives] };
}

const asList = <T extends object>(one: T | T[]): T[] => (Array.isArray(one) ? one : [one]);

/** Whether two sidecars of one name mean one photo; views and upload time differ from file to file. */
function saySame(a: Sidecar, b: Sidecar): boolean {
  return a.title === b.title && a.takenAt === b.takenAt && a.photoId === b.photoId && a.trashed === b.trashed;
}

function flat<T extends object>(byName: ByName<T>): T[] {
  const all: T[] = [];
  for (const found of byName.values())
    if (Array.isArray(found)) all.push(...found);
    else all.push(found);
  return all;
}
