/**
 * Listing one archive into its catalog, without its sidecars, for which it has to be known of all parts where the photos are.
 * What was read before and has not changed is taken from the memo.
 */
import type { Problem, UnixSeconds } from '../../model/words.ts';
import type { Archive, ArchiveEntry, ArchiveListing } from './archives/archive.ts';
import { type ProblemList, problemList } from './archives/problem-list.ts';
import { type Catalog, pathSplitter, type SplitPath } from './catalog.ts';
import type { CatalogFile, CatalogJson } from './catalog-entry.ts';
import { type PackedCatalog, unpackCatalog } from './packed-catalog.ts';
import { isJunkFolder, kindOfName } from './pairing/media.ts';
import { isKnownYearName, isPhotosName } from './photos-folder.ts';
import { addJson } from './read-jsons.ts';

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
  const known = before === undefined ? undefined : rememberedFiles(unpackCatalog(before));
  const { files, jsons, unread, others } = sortEntries(entries, { small, known, notes });
  const catalog: Catalog = {
    archive: archive.name,
    fingerprint,
    modified: mostCommon(entries),
    files,
    jsons,
    unread,
    others: others + problems.length,
    problems: [],
  };
  return { catalog, problems: [...problems, ...notes.all()] };
}

/** The entries by what they are. */
interface Sorted {
  readonly files: CatalogFile[];
  readonly jsons: CatalogJson[];
  readonly unread: ArchiveEntry[];
  others: number;
}

/** What is there beside the entries. */
interface Known {
  readonly small: ArchiveListing['small'];
  readonly known: ReturnType<typeof rememberedFiles> | undefined;
  readonly notes: ProblemList;
}

function sortEntries(entries: readonly ArchiveEntry[], known: Known): Sorted {
  const sorted: Sorted = { files: [], jsons: [], unread: [], others: 0 };
  const split = pathSplitter();
  const useOf = folderUses();
  const someNamed = entries.some(({ path }) => useOf(split(path).folder).photos);
  for (const entry of entries) {
    const place = split(entry.path);
    const use = useOf(place.folder);
    if (!use.photos && !use.junk && !isBrowserPage(place.name)) sorted.others++;
    const kind = use.junk ? 'junk' : kindOfName(place.name);
    if (kind === 'json') sortJson(sorted, entry, place, use, known);
    // Other products' files of unknown kinds are nobody's photos; of ours a sidecar may speak.
    else if (kind !== 'junk' && (kind !== 'unknown' || use.photos || !someNamed))
      sorted.files.push(fileOf(entry, place, known));
  }
  return sorted;
}

function sortJson(
  { jsons, unread }: Sorted,
  entry: ArchiveEntry,
  place: SplitPath,
  { photos }: FolderUse,
  { small, known, notes }: Known,
): void {
  const bytes = small?.get(entry.offset);
  const facts = known?.json(entry);
  if (bytes !== undefined) addJson(jsons, entry, place, bytes, photos ? notes : undefined);
  else if (facts !== undefined) jsons.push({ ...place, facts, address: entry.address });
  else unread.push(entry);
}

function fileOf(entry: ArchiveEntry, { folder, name }: SplitPath, { known }: Known): CatalogFile {
  const { size, offset, address, seekable } = entry;
  return { folder, name, size, crc32: entry.crc32 ?? known?.crc(entry), offset, address, seekable };
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
