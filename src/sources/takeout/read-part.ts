/**
 * Reading one archive into its catalog: the listing first, and when all parts of the export are listed and it is known
 * where the photos are, the sidecars. What was read before and has not changed is taken from the memo.
 */
import type { Problem, UnixSeconds } from '../../model/words.ts';
import type { Archive, ArchiveEntry, SmallEntry } from './archives/archive.ts';
import { problemList } from './archives/problem-list.ts';
import { type Catalog, splitPath } from './catalog.ts';
import type { CatalogFile, CatalogJson } from './catalog-entry.ts';
import { type PackedCatalog, unpackCatalog } from './packed-catalog.ts';
import { detach } from './pairing/file-name.ts';
import { isJunkFolder, kindOfName } from './pairing/media.ts';
import { readJson } from './pairing/sidecar.ts';
import { isKnownYearName, isPhotosName, type PhotosFolders, pathInPhotos } from './photos-folder.ts';

/** A sidecar has 1 to 5 kB, an album's JSON with many comments perhaps a hundred; nothing larger is read. */
export const largestJson = 4 * 1024 * 1024;

export interface ListedPart {
  readonly catalog: Catalog;
  readonly problems: readonly Problem[];
}

/**
 * Lists an archive. `before` is its catalog from an earlier scan, of another fingerprint: of an unpacked folder
 * whatever files have not changed is taken over.
 */
export async function listPart(
  archive: Archive,
  fingerprint: string,
  before: PackedCatalog | undefined,
  signal: AbortSignal,
): Promise<ListedPart> {
  const { entries, problems, small } = await archive.list(signal);
  const notes = problemList(archive.path);
  const folders = new Map<string, FolderUse>();
  for (const { path } of entries) {
    const { folder } = splitPath(path);
    if (!folders.has(folder)) folders.set(folder, useOf(folder));
  }
  const someNamed = [...folders.values()].some(({ photos }) => photos);
  const known = rememberedFiles(before === undefined ? undefined : unpackCatalog(before));
  const files: CatalogFile[] = [];
  const jsons: CatalogJson[] = [];
  const unread: ArchiveEntry[] = [];
  let others = problems.length;
  for (const entry of entries) {
    const { folder: path, name: view } = splitPath(entry.path);
    const folder = folders.get(path) ?? useOf(path);
    const name = detach(view);
    if (!folder.photos && !folder.junk && !isBrowserPage(name)) others++;
    const kind = folder.junk ? 'junk' : kindOfName(name);
    if (kind === 'junk') continue;
    if (kind === 'json') {
      const bytes = small?.get(entry.offset);
      const facts = known.json(entry);
      if (bytes !== undefined)
        addJson(jsons, entry, folder.path, name, bytes, folder.photos ? notes : undefined);
      else if (facts !== undefined) jsons.push({ folder: folder.path, name, facts, address: entry.address });
      else unread.push(entry);
      // Other products' files of unknown kinds are nobody's photos; of ours a sidecar may speak.
    } else if (kind !== 'unknown' || folder.photos || !someNamed) {
      const { size, offset, address, seekable } = entry;
      files.push({
        folder: folder.path,
        name,
        size,
        crc32: entry.crc32 ?? known.crc(entry),
        offset,
        address,
        seekable,
      });
    }
  }
  const modified = mostCommon(entries);
  const catalog = {
    archive: archive.name,
    fingerprint,
    modified,
    files,
    jsons,
    unread,
    others,
    problems: [],
  };
  return { catalog, problems: [...problems, ...notes.all()] };
}

/** The page that Takeout puts into each export, to find one's way in it. */
const isBrowserPage = (name: string): boolean => /^archive_browser\.html$/i.test(name);

interface FolderUse {
  /** The one string that all files of the folder share. */
  readonly path: string;
  readonly junk: boolean;
  /** Its name, or that of one above it, shows that it belongs to Google Photos. */
  readonly photos: boolean;
}

function useOf(path: string): FolderUse {
  const photos = path.split('/').some((part) => isPhotosName(part) || isKnownYearName(part));
  return { path, junk: isJunkFolder(path), photos };
}

/** What an earlier catalog of an unpacked folder knows of files that are the same by address, which has size and time. */
function rememberedFiles(before: Catalog | undefined) {
  const pathOf = ({ folder, name }: { folder: string; name: string }) =>
    folder === '' ? name : `${folder}/${name}`;
  const files = new Map((before?.files ?? []).map((file) => [pathOf(file), file]));
  const jsons = new Map((before?.jsons ?? []).map((json) => [pathOf(json), json]));
  return {
    crc(entry: ArchiveEntry): number | undefined {
      const file = files.get(entry.path);
      return file?.address === entry.address && file.size === entry.size ? file.crc32 : undefined;
    },
    json(entry: ArchiveEntry): CatalogJson['facts'] | undefined {
      const json = jsons.get(entry.path);
      // Only a folder's address names the state of the file.
      return entry.crc32 === undefined && json?.address === entry.address ? json.facts : undefined;
    },
  };
}

/** The most common modification time: that of the export, whatever a few entries have. */
function mostCommon(entries: readonly ArchiveEntry[]): Catalog['modified'] {
  const counts = new Map<UnixSeconds, number>();
  for (const { modified } of entries)
    if (modified !== undefined) counts.set(modified, (counts.get(modified) ?? 0) + 1);
  let best: Catalog['modified'];
  for (const [time, count] of counts)
    if (best === undefined || count > best.count || (count === best.count && time > best.time))
      best = { time, count };
  return best;
}

/**
 * Reads the JSONs of the Photos folders into the catalog. The others are kept in mind as long as another part may yet
 * show that the photos lie elsewhere. Reads at most `limit` of them. Gives what could not be used.
 */
export async function readJsons(
  archive: Archive,
  catalog: Catalog,
  photos: PhotosFolders,
  signal: AbortSignal,
  progress: (read: number) => void,
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly Problem[]> {
  const notes = problemList(archive.path);
  const problems: Problem[] = [];
  const isOurs = (entry: ArchiveEntry) => pathInPhotos(photos, splitPath(entry.path).folder) !== undefined;
  // Stable: `unread` stays in the order of the directory, so what is read next lies behind what was.
  const wanted = catalog.unread.filter(isOurs).slice(0, limit);
  const read = new Set(wanted);
  const add = jsonAdder(catalog, notes);
  for await (const batch of archive.readSmall(wanted, largestJson, signal)) {
    for (const { entry, bytes, problem } of batch) {
      if (problem !== undefined) problems.push(problem);
      if (bytes !== undefined) add(entry, bytes);
    }
    progress(batch.length);
  }
  const rest = catalog.unread.filter((entry) => !read.has(entry));
  catalog.unread = photos.sure ? rest.filter(isOurs) : rest;
  return [...problems, ...notes.all()];
}

/** The JSONs of the photos that nobody has read, with `photos` as for `readJsons`. */
export const unreadOf = (catalog: Catalog, photos: PhotosFolders): readonly ArchiveEntry[] =>
  catalog.unread.filter(({ path }) => pathInPhotos(photos, splitPath(path).folder) !== undefined);

/**
 * Adds JSONs that were read elsewhere, and what could not be used to the catalog's problems, for the scan to tell. One that
 * could not be read stays unread: reading it again tells why.
 */
export function addRead(path: string, catalog: Catalog, read: readonly SmallEntry[]): void {
  const bytes = new Map(read.map((small) => [small.entry.offset, small.bytes]));
  const notes = problemList(path);
  const add = jsonAdder(catalog, notes);
  const had = catalog.unread.filter((entry) => bytes.get(entry.offset) !== undefined);
  for (const entry of had) add(entry, bytes.get(entry.offset) ?? Buffer.alloc(0));
  const done = new Set(had);
  catalog.unread = catalog.unread.filter((entry) => !done.has(entry));
  catalog.problems = [...catalog.problems, ...notes.all()];
}

/** Adds a JSON to the catalog. */
function jsonAdder(
  catalog: Catalog,
  notes: ReturnType<typeof problemList>,
): (entry: ArchiveEntry, bytes: Buffer) => void {
  // Folders are the same strings in all files of one.
  const folders = new Map(catalog.files.map(({ folder }) => [folder, folder]));
  return (entry, bytes) => {
    const { folder, name } = splitPath(entry.path);
    const shared = folders.get(folder) ?? folder;
    folders.set(folder, shared);
    addJson(catalog.jsons, entry, shared, detach(name), bytes, notes);
  };
}

/** Adds what a JSON says, if it says anything of a photo or an album. */
function addJson(
  jsons: CatalogJson[],
  entry: ArchiveEntry,
  folder: string,
  name: string,
  bytes: Buffer,
  notes: ReturnType<typeof problemList> | undefined,
): void {
  const { facts, flaw } = readJson(name, bytes);
  const address = entry.crc32 === undefined ? entry.address : undefined;
  if (facts.kind !== 'other') jsons.push({ folder, name, facts, address });
  if (flaw !== undefined)
    notes?.entry(
      entry.path,
      flaw,
      'Nothing to do: the photo itself is listed, without what this file would have told.',
    );
}
