/**
 * Joining the folders of an export without having them all in memory: folders of albums and Google's own are read and kept,
 * and of the years' photos only those that one of these folders may show too. Every other photo of a year is an item by itself
 * and is read when its folder is listed, so memory goes with what is in albums and with the largest folder.
 */
import type { ContentCrc } from './content-crc.ts';
import { type Draft, draftFolder, type FolderDrafts } from './drafts.ts';
import { type FolderInfo, type GatheredFolder, type MediaFile, readFolder } from './gather.ts';
import { factsOf, type Item, joinFolders, newItem } from './items.ts';
import { sortItems } from './listing.ts';
import { photoIdsIn } from './packed-catalog.ts';
import { push } from './pairing/match-desk.ts';
import { countIds, type IdCounts, type MayRepeat, numbersOf, repeatedIds } from './repeated-ids.ts';

export interface JoinedExport {
  /** Ids that more than one item of the export bears: they identify none. */
  readonly sharedIds: ReadonlySet<string>;
  /** Folders that are no years'. */
  readonly others: readonly FolderDrafts[];
  /** All items that have something in one of those. */
  readonly items: readonly Item[];
  /** The items that have their name and place from a folder, in the order in which names are given. */
  list(folder: GatheredFolder): Promise<ListedFolder>;
}

export interface ListedFolder {
  readonly items: readonly Item[];
  /** Files that are not listed. */
  readonly unknown: readonly MediaFile[];
}

/** @param folders in the order of their paths */
export async function joinExport(folders: readonly GatheredFolder[], crc: ContentCrc): Promise<JoinedExport> {
  const read = async (folder: GatheredFolder) => draftFolder(await readFolder(folder, crc.sameBytes));
  const years = folders.filter(({ info }) => info.kind === 'year');
  const others: FolderDrafts[] = [];
  for (const folder of folders) if (folder.info.kind !== 'year') others.push(await read(folder));
  const mayRepeat = repeatedIds([...idNumbersIn(folders)]);
  const inYears = countIds(mayRepeat);
  const ofItems = countIds(mayRepeat);
  const kept = new Map<FolderInfo, ReadonlyMap<number, Item>>();
  const isShown = shownBy(others);
  for (const year of isShown === undefined && mayRepeat === undefined ? [] : years) {
    const { folder, drafts } = await read(year);
    const items = new Map<number, Item>();
    for (const [at, draft] of drafts.entries()) {
      inYears.add(draft.sidecar?.photoId);
      if (isShown?.(draft)) items.set(at, newItem(draft));
      else if (!draft.uncertain) ofItems.add(draft.sidecar?.photoId);
    }
    kept.set(folder, items);
  }

  const ofYears = [...kept.values()].flatMap((items) => [...items.values()]);
  const untrusted = new Set([inYears, ...others.map(idsOf(mayRepeat))].flatMap((ids) => [...ids.repeated()]));
  const further = await joinFolders(ofYears, others, untrusted, crc);
  const items = sortItems([...ofYears, ...further], crc);
  for (const item of items) ofItems.add(factsOf(item)?.photoId);
  const unknown = new Map(others.map((other) => [other.folder, other.unknown]));
  const byFolder = new Map<FolderInfo, Item[]>();
  for (const item of sortItems(further, crc))
    if (item.drafts[0] !== undefined) push(byFolder, item.drafts[0].folder, item);

  return {
    sharedIds: ofItems.repeated(),
    others,
    items,
    async list(gathered) {
      const { info } = gathered;
      if (info.kind !== 'year') return { items: byFolder.get(info) ?? [], unknown: unknown.get(info) ?? [] };
      const { drafts, unknown: ofYear } = await read(gathered);
      const joined = kept.get(info);
      const items = drafts.map((draft, at) => joined?.get(at) ?? newItem(draft));
      return { items: sortItems(items, crc), unknown: ofYear };
    },
  };
}

/** The numbers of the photo ids of all sidecars. */
function* idNumbersIn(folders: readonly GatheredFolder[]): Generator<Float64Array> {
  const known = new Set<Float64Array>();
  for (const { pieces } of folders)
    for (const { catalog, path } of pieces)
      if (catalog.idNumbers === undefined) yield numbersOf(photoIdsIn(catalog, path));
      else known.add(catalog.idNumbers);
  yield* known;
}

const idsOf =
  (mayRepeat: MayRepeat | undefined) =>
  ({ drafts }: FolderDrafts): IdCounts => {
    const ids = countIds(mayRepeat);
    for (const { sidecar } of drafts) ids.add(sidecar?.photoId);
    return ids;
  };

/**
 * Whether other folders may show a year's photo too: one of their files has its size, one of their sidecars its id; or a
 * sidecar without a photo, which makes it an album's member, its title. undefined where they show nothing.
 */
function shownBy(others: readonly FolderDrafts[]): ((draft: Draft) => boolean) | undefined {
  const sizes = new Set<number>();
  const ids = new Set<string>();
  const titles = new Set<string>();
  for (const { drafts, unclaimed } of others) {
    for (const { files, sidecar } of drafts) {
      for (const { media } of files) sizes.add(media.size);
      if (sidecar?.photoId !== undefined) ids.add(sidecar.photoId);
    }
    for (const { facts } of unclaimed) if (facts.title !== undefined) titles.add(facts.title);
  }
  if (sizes.size + titles.size === 0) return undefined;
  return ({ files, sidecar }) =>
    files.some(({ media }) => sizes.has(media.size)) ||
    (sidecar?.photoId !== undefined && ids.has(sidecar.photoId)) ||
    (sidecar?.title !== undefined && titles.has(sidecar.title));
}
