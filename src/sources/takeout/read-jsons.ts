/**
 * Reading the JSONs of one archive into its catalog, when it is known where the photos are: sidecars, and what albums say of
 * themselves.
 */
import type { Problem } from '../../model/words.ts';
import type { Archive, ArchiveEntry, SmallEntry } from './archives/archive.ts';
import { type ProblemList, problemList } from './archives/problem-list.ts';
import { type Catalog, pathSplitter, type SplitPath } from './catalog.ts';
import type { CatalogJson } from './catalog-entry.ts';
import { readJson } from './pairing/sidecar.ts';
import { type PhotosFolders, pathInPhotos } from './photos-folder.ts';

/** A sidecar has 1 to 5 kB, an album's JSON with many comments perhaps a hundred; nothing larger is read. */
export const largestJson = 4 * 1024 * 1024;

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
  const isOurs = inPhotos(photos);
  const ours = catalog.unread.filter(isOurs);
  const wanted = ours.length > limit ? ours.slice(0, limit) : ours;
  const split = pathSplitter();
  for await (const batch of archive.readSmall(wanted, largestJson, signal)) {
    for (const { entry, bytes, problem } of batch) {
      if (problem !== undefined) problems.push(problem);
      if (bytes !== undefined) addJson(catalog.jsons, entry, split(entry.path), bytes, notes);
    }
    progress(batch.length);
  }
  // In the order of the directory, so what is read next lies behind what was.
  const others = photos.sure ? [] : catalog.unread.filter((entry) => !isOurs(entry));
  catalog.unread = [...ours.slice(wanted.length), ...others];
  return [...problems, ...notes.all()];
}

/** The JSONs of the photos that nobody has read, with `photos` as for `readJsons`. */
export const unreadOf = ({ unread }: Catalog, photos: PhotosFolders): readonly ArchiveEntry[] =>
  unread.filter(inPhotos(photos));

export const hasUnread = ({ unread }: Catalog, photos: PhotosFolders): boolean =>
  unread.some(inPhotos(photos));

/** Tells whether an entry lies in a Photos folder; each folder is looked at once where entries come folder by folder. */
function inPhotos(photos: PhotosFolders): (entry: ArchiveEntry) => boolean {
  const split = pathSplitter();
  let last: string | undefined;
  let isIn = false;
  return ({ path }) => {
    const { folder } = split(path);
    if (folder !== last) isIn = pathInPhotos(photos, folder) !== undefined;
    last = folder;
    return isIn;
  };
}

/**
 * Adds JSONs that were read elsewhere, and what could not be used to the catalog's problems, for the scan to tell. One that
 * could not be read stays unread: reading it again tells why.
 */
export function addRead(path: string, catalog: Catalog, read: readonly SmallEntry[]): void {
  const bytes = new Map(read.map((small) => [small.entry.offset, small.bytes]));
  const notes = problemList(path);
  const split = pathSplitter();
  const rest: ArchiveEntry[] = [];
  for (const entry of catalog.unread) {
    const found = bytes.get(entry.offset);
    if (found === undefined) rest.push(entry);
    else addJson(catalog.jsons, entry, split(entry.path), found, notes);
  }
  catalog.unread = rest;
  catalog.problems = [...catalog.problems, ...notes.all()];
}

/** Adds what a JSON says, if it says anything of a photo or an album. */
export function addJson(
  jsons: CatalogJson[],
  entry: ArchiveEntry,
  { folder, name }: SplitPath,
  bytes: Buffer,
  notes: ProblemList | undefined,
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
