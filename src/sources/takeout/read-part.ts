/**
 * Reading one archive into its catalog: the listing first, and when all parts of the export are listed and it is known
 * where the photos are, the sidecars. What was read before and has not changed is taken from the memo.
 */
import type { Problem, UnixSeconds } from '../../model/words.ts';
import type { Archive, ArchiveEntry, SmallEntry } from './archives/archive.ts';
import { type ProblemList, problemList } from './archives/problem-list.ts';
import { type Catalog, pathSplitter, type SplitPath } from './catalog.ts';
import type { CatalogFile, CatalogJson } from './catalog-entry.ts';
import { type PackedCatalog, unpackCatalog } from './packed-catalog.ts';
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
  const useOf = folderUses();
  const split = pathSplitter();
  const someNamed = entries.some(({ path }) => useOf(split(path).folder).photos);
  const known = before === undefined ? undefined : rememberedFiles(unpackCatalog(before));
  const files: CatalogFile[] = [];
  const jsons: CatalogJson[] = [];
  const unread: ArchiveEntry[] = [];
  let others = problems.length;
  for (const entry of entries) {
    const { folder, name } = split(entry.path);
    const use = useOf(folder);
    if (!use.photos && !use.junk && !isBrowserPage(name)) others++;
    const kind = use.junk ? 'junk' : kindOfName(name);
    if (kind === 'junk') continue;
    if (kind === 'json') {
      const bytes = small?.get(entry.offset);
      const facts = known?.json(entry);
      if (bytes !== undefined) addJson(jsons, entry, { folder, name }, bytes, use.photos ? notes : undefined);
      else if (facts !== undefined) jsons.push({ folder, name, facts, address: entry.address });
      else unread.push(entry);
      // Other products' files of unknown kinds are nobody's photos; of ours a sidecar may speak.
    } else if (kind !== 'unknown' || use.photos || !someNamed) {
      const { size, offset, address, seekable } = entry;
      files.push({
        folder,
        name,
        size,
        crc32: entry.crc32 ?? known?.crc(entry),
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
  readonly junk: boolean;
  /** Its name, or that of one above it, shows that it belongs to Google Photos. */
  readonly photos: boolean;
}

/** Tells of each folder what it is for; looked at once. */
function folderUses(): (folder: string) => FolderUse {
  const uses = new Map<string, FolderUse>();
  return (folder) => {
    const known = uses.get(folder);
    if (known !== undefined) return known;
    const photos = folder.split('/').some((part) => isPhotosName(part) || isKnownYearName(part));
    const use = { junk: isJunkFolder(folder), photos };
    uses.set(folder, use);
    return use;
  };
}

/** What an earlier catalog of an unpacked folder knows of files that are the same by address, which has size and time. */
function rememberedFiles(before: Catalog) {
  const pathOf = ({ folder, name }: { folder: string; name: string }) =>
    folder === '' ? name : `${folder}/${name}`;
  const files = new Map(before.files.map((file) => [pathOf(file), file]));
  const jsons = new Map(before.jsons.map((json) => [pathOf(json), json]));
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
  // Neighbours mostly have the same: counted in runs.
  let time: UnixSeconds | undefined;
  let run = 0;
  const endRun = (): void => {
    if (time !== undefined) counts.set(time, (counts.get(time) ?? 0) + run);
  };
  for (const { modified } of entries) {
    if (modified !== time) {
      endRun();
      time = modified;
      run = 0;
    }
    run++;
  }
  endRun();
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
  catalog.unread = [
    ...ours.slice(wanted.length),
    ...(photos.sure ? [] : catalog.unread.filter((entry) => !isOurs(entry))),
  ];
  return [...problems, ...notes.all()];
}

/** The JSONs of the photos that nobody has read, with `photos` as for `readJsons`. */
export const unreadOf = (catalog: Catalog, photos: PhotosFolders): readonly ArchiveEntry[] =>
  catalog.unread.filter(inPhotos(photos));

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
function addJson(
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
