/**
 * An export in the words of `source.ts`: its items, in the order in which names shall be given, and its albums.
 */
import type { Description, ScannedAlbum, ScannedFile, ScannedItem, ScannedLocation } from '../source.ts';
import type { ContentCrc } from './content-crc.ts';
import type { Draft, FolderDrafts } from './drafts.ts';
import type { FolderInfo, MediaFile, Place, SidecarFile } from './gather.ts';
import { factsOf, type Item, type ItemFile } from './items.ts';
import { cleanTitle, compareText } from './pairing/file-name.ts';
import { push } from './pairing/match-desk.ts';
import type { AlbumFacts } from './pairing/sidecar.ts';

/** Orders items by folder path, file name and content: the same for every distribution over parts. */
export function sortItems(items: Item[], crc: ContentCrc): Item[] {
  return items.sort((a, b) => {
    const [fileA, fileB] = [a.files[0], b.files[0]];
    const [copyA, copyB] = [fileA?.copies[0], fileB?.copies[0]];
    if (fileA === undefined || fileB === undefined || copyA === undefined || copyB === undefined) return 0;
    return (
      compareText(a.drafts[0]?.folder.path ?? '', b.drafts[0]?.folder.path ?? '') ||
      compareText(fileA.name, fileB.name) ||
      copyA.size - copyB.size ||
      (crc.known(copyA) ?? -1) - (crc.known(copyB) ?? -1) ||
      compareText(placeKey(copyA.places[0]), placeKey(copyB.places[0]))
    );
  });
}

/** Decides between two files without a CRC, of one name and size in two archives. */
const placeKey = (place: Place | undefined): string => place?.catalog.archive ?? '';

export function scannedItem(
  item: Item,
  exportId: string,
  shared: ReadonlySet<string>,
  crc: ContentCrc,
): ScannedItem {
  const facts = factsOf(item);
  const id = facts?.photoId;
  return {
    exportId,
    photoId: id === undefined || shared.has(id) ? undefined : id,
    title: facts?.title ?? item.files[0]?.name ?? '',
    // A loosely matched sidecar is good for a date, which stays provisional.
    takenAt: (facts ?? item.drafts.find(({ uncertain }) => uncertain)?.sidecar)?.takenAt,
    yearFolder: yearOf(item),
    provisional: facts === undefined,
    trashed: isTrashed(item),
    description: describe(item),
    files: item.files.map((file) => scannedFile(file, crc)),
  };
}

function scannedFile({ role, name, copies }: ItemFile, crc: ContentCrc): ScannedFile {
  const [first] = copies;
  // Nearly every file lies in one place.
  const places = copies.length === 1 ? (first?.places ?? []) : copies.flatMap((copy) => copy.places);
  return {
    role,
    name,
    content: { size: first?.size ?? 0, crc32: first === undefined ? undefined : crc.known(first) },
    locations: places
      .map(locationOf)
      .sort((a, b) => compareText(a.archive, b.archive) || a.offset - b.offset),
  };
}

const locationOf = ({ catalog, file }: Place): ScannedLocation => ({
  archive: catalog.archive,
  offset: file.offset,
  address: file.address,
  seekable: file.seekable,
});

/** The year of a year folder before that of an album called like one. */
function yearOf({ drafts }: Item): number | undefined {
  const inYear =
    drafts.find(({ folder }) => folder.kind === 'year') ?? drafts.find(({ folder }) => folder.year);
  return inYear?.folder.year;
}

/** Held back only if everything says so: a photo that is in the trash and elsewhere is shown. */
export function isTrashed({ drafts }: Item): boolean {
  let outside = 0;
  let saying = 0;
  for (const { folder, sidecar, uncertain } of drafts) {
    if (folder.kind === 'trash') continue;
    outside++;
    if (sidecar === undefined || uncertain) continue;
    if (!sidecar.trashed) return false;
    saying++;
  }
  return outside === 0 || saying > 0;
}

/** What any of its sidecars says, the first draft's before the others'. */
function describe({ drafts }: Item): Description {
  const [first] = drafts;
  const archived = drafts.some(({ folder }) => folder.kind === 'archive');
  if (first !== undefined && drafts.length === 1 && !first.uncertain && !archived)
    return first.sidecar?.description ?? {};
  const certain = drafts.filter(({ uncertain }) => !uncertain).map(({ sidecar }) => sidecar?.description);
  return Object.assign({}, ...certain.reverse(), archived ? { archived } : undefined);
}

/** Albums with their members; `items` are all that may be in one. */
export function scannedAlbums(folders: readonly FolderDrafts[], items: readonly Item[]): ScannedAlbum[] {
  const membersOf = new Map<FolderInfo, MediaFile[]>();
  const shown = items.filter((item) => !isTrashed(item));
  for (const item of shown)
    for (const draft of item.drafts) if (draft.folder.kind === 'album') members(membersOf, draft);
  const bySidecar = sidecarMembers(shown);
  return folders.flatMap(({ folder, unclaimed }) => {
    if (folder.kind !== 'album') return [];
    const own = (membersOf.get(folder) ?? []).sort((a, b) => compareText(a.name, b.name));
    const others = unclaimed.flatMap((sidecar) => bySidecar(folder, sidecar));
    if (own.length + others.length === 0 && folder.albums.length === 0) return [];
    const facts = albumOf(folder);
    const name = folder.path.split('/').at(-1) ?? folder.path;
    return {
      folder: folder.path,
      title: facts?.title.trim() ? facts.title : name,
      date: facts?.date,
      members: [...own, ...others].flatMap(({ places: [place] }) =>
        place === undefined ? [] : { archive: place.catalog.archive, offset: place.file.offset },
      ),
    };
  });
}

function members(membersOf: Map<FolderInfo, MediaFile[]>, draft: Draft): void {
  for (const { media } of draft.files) push(membersOf, draft.folder, media);
}

/** The album's JSON; where untitled albums share a folder, the one that is called like it, in a fixed order. */
function albumOf({ path, albums }: FolderInfo): AlbumFacts | undefined {
  if (albums.length <= 1) return albums[0];
  const named = albums.filter(({ title }) => cleanTitle(title) === path);
  const inOrder = [...(named.length > 0 ? named : albums)].sort(
    (a, b) => (a.date ?? Infinity) - (b.date ?? Infinity) || compareText(a.title, b.title),
  );
  const [first] = inOrder;
  // Titles that contradict each other name none of them.
  return named.length > 0 || first === undefined ? first : { ...first, title: '' };
}

/**
 * Members by a sidecar without a photo, which some albums have: the item elsewhere with the same title, and the
 * same id or time taken; only if it can be no other.
 */
function sidecarMembers(items: readonly Item[]): (folder: FolderInfo, sidecar: SidecarFile) => MediaFile[] {
  let byTitle: Map<string, Item[]> | undefined;
  return (folder, { facts }) => {
    if (facts.title === undefined) return [];
    byTitle ??= groupByTitle(items);
    const titled = (byTitle.get(facts.title) ?? []).filter(({ drafts }) =>
      drafts.every((draft) => draft.folder !== folder),
    );
    const sameId = titled.filter(
      (item) => facts.photoId !== undefined && factsOf(item)?.photoId === facts.photoId,
    );
    const found =
      sameId.length > 0
        ? sameId
        : titled.filter((item) => {
            const known = factsOf(item);
            const idsDiffer = known?.photoId !== undefined && facts.photoId !== undefined;
            return !idsDiffer && facts.takenAt !== undefined && known?.takenAt === facts.takenAt;
          });
    return found.length === 1 ? (found[0]?.files ?? []).flatMap(({ copies: [copy] }) => copy ?? []) : [];
  };
}

function groupByTitle(items: readonly Item[]): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const title = factsOf(item)?.title;
    if (title !== undefined) push(groups, title, item);
  }
  return groups;
}
