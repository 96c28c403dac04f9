/**
 * The folders of one export, merged over all its parts: a folder's photos and their sidecars are often in different
 * archives, and the same path may occur in two. Equal bytes under one path are one file with two places, other
 * bytes are two files.
 */
import { type Catalog, splitPath } from './catalog.ts';
import type { CatalogFile } from './catalog-entry.ts';
import { classifyFolders, type FolderClass } from './folder-kinds.ts';
import { compareText } from './pairing/file-name.ts';
import { type MediaName, push, type SidecarName } from './pairing/match-desk.ts';
import type { AlbumFacts, Sidecar } from './pairing/sidecar.ts';
import { findPhotosFolders, type PhotosFolders, pathInPhotos } from './photos-folder.ts';

/** Where one file lies. */
export interface Place {
  readonly catalog: Catalog;
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

/** One folder of the export, all parts together. */
export interface ExportFolder {
  readonly info: FolderInfo;
  readonly media: readonly MediaFile[];
  readonly sidecars: readonly SidecarFile[];
}

/** Tells whether two files of the same size have the same bytes. */
export type SameBytes = (a: MediaFile, b: MediaFile) => Promise<boolean>;

/** Where the photos are in each archive of an export. */
export function photosFoldersOf(catalogs: readonly Catalog[]): ReadonlyMap<Catalog, PhotosFolders> {
  let names: ReadonlyMap<string, readonly string[]> | undefined;
  const namesIn = (folder: string) => {
    names ??= namesByFolder(catalogs);
    return names.get(folder) ?? [];
  };
  const folders = catalogs.map(({ files, jsons, unread }) => {
    const paths = new Set<string>();
    for (const { folder } of files) paths.add(folder);
    for (const { folder } of jsons) paths.add(folder);
    for (const { path } of unread) paths.add(splitPath(path).folder);
    return [...paths].map((path) => ({ path, files: () => namesIn(path) }));
  });
  const found = findPhotosFolders(folders);
  return new Map(catalogs.map((catalog, at) => [catalog, found[at] ?? nowhere]));
}

const nowhere: PhotosFolders = { paths: [], sure: false };

/** The names in each folder, over all archives; gone through only when no folder's name tells where the photos are. */
function namesByFolder(catalogs: readonly Catalog[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { files, jsons, unread } of catalogs) {
    for (const { folder, name } of files) push(names, folder, name);
    for (const { folder, name } of jsons) push(names, folder, name);
    for (const { path } of unread) push(names, splitPath(path).folder, splitPath(path).name);
  }
  return names;
}

interface Growing {
  readonly path: string;
  readonly albums: AlbumFacts[];
  // Nearly every name stands for one file: a list for each of 200,000 is 12 MB.
  readonly media: Map<string, MediaFile | MediaFile[]>;
  readonly sidecars: Map<string, SidecarFile | SidecarFile[]>;
}

/**
 * Merges the catalogs of an export's parts by folder. Of `gone`, parts that were read once but are not here now,
 * only what sidecars and album JSONs said is used. In the order of paths.
 */
export async function gatherFolders(
  catalogs: readonly Catalog[],
  gone: readonly Catalog[],
  sameBytes: SameBytes,
): Promise<ExportFolder[]> {
  const photos = photosFoldersOf([...catalogs, ...gone]);
  const folders = new Map<string, Growing>();
  const growingIn = (catalog: Catalog) =>
    remembered((folder: string): Growing | undefined => {
      const path = pathInPhotos(photos.get(catalog) ?? nowhere, folder);
      if (path === undefined) return undefined;
      const known = folders.get(path) ?? { path, albums: [], media: new Map(), sidecars: new Map() };
      folders.set(path, known);
      return known;
    });
  const byName = (a: Catalog, b: Catalog) => compareText(a.archive, b.archive);
  for (const catalog of [...catalogs].sort(byName)) {
    // Most files are in one archive only: they share the list of it.
    const archives = [catalog.archive];
    const growing = growingIn(catalog);
    for (const file of catalog.files) {
      const folder = growing(file.folder);
      if (folder === undefined) continue;
      const added: MediaFile = { name: file.name, size: file.size, archives, places: [{ catalog, file }] };
      // Without a promise for each of 100,000 names.
      if (folder.media.has(file.name)) await addNamesake(folder, added, sameBytes);
      else folder.media.set(file.name, added);
    }
  }
  for (const catalog of [...catalogs, ...gone].sort(byName)) {
    const archives = [catalog.archive];
    const growing = growingIn(catalog);
    for (const { folder: path, name, facts } of catalog.jsons) {
      const folder = growing(path);
      if (folder === undefined) continue;
      if (facts.kind === 'sidecar') addSidecar(folder, name, facts, archives);
      // What lies beside the albums is about the library.
      else if (
        folder.path !== '' &&
        !folder.albums.some(({ title, date }) => title === facts.title && date === facts.date)
      )
        folder.albums.push(facts);
    }
  }
  return classified([...folders.values()]);
}

/** Adds a file under a name that the folder has already: as a further place of the same bytes, or beside it. */
async function addNamesake(folder: Growing, added: MediaFile, sameBytes: SameBytes): Promise<void> {
  const namesakes = asList(folder.media.get(added.name) ?? []);
  folder.media.set(added.name, namesakes);
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

function addSidecar(folder: Growing, name: string, facts: Sidecar, archives: readonly string[]): void {
  const added: SidecarFile = { name, title: facts.title, archives, facts };
  const before = folder.sidecars.get(name);
  if (before === undefined) {
    folder.sidecars.set(name, added);
    return;
  }
  const namesakes = asList(before);
  folder.sidecars.set(name, namesakes);
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

function classified(folders: readonly Growing[]): ExportFolder[] {
  const classes = classifyFolders(
    folders.map(({ path, albums, media }) => ({ path, hasAlbumJson: albums.length > 0, files: media.size })),
  );
  return folders
    .map(({ path, albums, media, sidecars }) => ({
      info: { ...(classes.get(path) ?? { kind: 'album' as const, year: undefined }), path, albums },
      media: flat(media),
      sidecars: flat(sidecars),
    }))
    .sort((a, b) => compareText(a.info.path, b.info.path));
}

function flat<T extends object>(byName: Map<string, T | T[]>): T[] {
  const all: T[] = [];
  for (const found of byName.values())
    if (Array.isArray(found)) all.push(...found);
    else all.push(found);
  // The map is 6 MB for each 100,000 names, and no longer needed.
  byName.clear();
  return all;
}

/** The function, each answer worked out once. */
function remembered<R>(find: (key: string) => R): (key: string) => R {
  const known = new Map<string, R>();
  return (key) => {
    if (known.has(key)) return known.get(key) as R;
    const found = find(key);
    known.set(key, found);
    return found;
  };
}
