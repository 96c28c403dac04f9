/**
 * The items of an export: what its folders show of one photo, joined. A photo of an album lies in the album's folder
 * and in its year's. The two are one file when names and bytes agree; when only bytes differ, both are files of one item
 * if the photo id says so, else two items. In doubt both are kept: what is merged wrongly is lost to its owner.
 */
import type { Role } from '../../model/words.ts';
import type { ContentCrc } from './content-crc.ts';
import { type Draft, type FolderDrafts, firstName } from './drafts.ts';
import type { FolderInfo, MediaFile } from './gather.ts';
import { withoutNumber } from './pairing/file-name.ts';
import { push } from './pairing/match-desk.ts';
import type { Sidecar } from './pairing/sidecar.ts';

export interface ItemFile {
  readonly item: Item;
  readonly role: Role;
  readonly name: string;
  /** The copies in the folders, all of the same bytes. */
  readonly copies: MediaFile[];
}

export interface Item {
  /** As the folders show it; the first gives name and place. */
  readonly drafts: Draft[];
  readonly files: ItemFile[];
}

/** What is known of a photo's identity. */
type Facts = Pick<Sidecar, 'title' | 'takenAt' | 'photoId'>;

/** What an item's sidecars say, the first draft's first; without uncertain ones. */
export function factsOf(item: Item): Sidecar | undefined {
  return item.drafts.find((draft) => draft.sidecar !== undefined && !draft.uncertain)?.sidecar;
}

/**
 * Joins the drafts of folders that are no years', given in the order of their paths, with items of years: adds to these what
 * is the same photo.
 * @param untrusted ids that prove nothing: several items of one folder, or of the years, bear them
 * @returns the items that are in no year
 */
export async function joinFolders(
  ofYears: readonly Item[],
  others: readonly FolderDrafts[],
  untrusted: ReadonlySet<string>,
  crc: ContentCrc,
): Promise<Item[]> {
  const items: Item[] = [];
  const contents = contentIndex(crc, [
    ...ofYears.flatMap(({ drafts }) => drafts),
    ...others.flatMap(({ drafts }) => drafts),
  ]);
  const byId = new Map<string, Item[]>();
  const enter = (item: Item): void => {
    for (const file of item.files) contents.add(file);
    const id = trustedId(factsOf(item), untrusted);
    if (id !== undefined) push(byId, id, item);
  };
  for (const item of ofYears) enter(item);
  // What is only in the trash is looked at last: a copy elsewhere shows that it is still wanted.
  const inOrder = [...others].sort(
    (a, b) => Number(a.folder.kind === 'trash') - Number(b.folder.kind === 'trash'),
  );
  for (const { drafts } of inOrder)
    for (const draft of drafts) {
      const target = (await itemWithBytes(draft, contents, untrusted)) ?? itemWithId(draft, byId, untrusted);
      if (target === 'unclear' || target === undefined) {
        const item = newItem(draft);
        items.push(item);
        enter(item);
      } else for (const file of await attach(draft, target, crc)) contents.add(file);
    }
  return items;
}

/** An item as one folder shows it. */
export function newItem(draft: Draft): Item {
  // A list that grows by push has room for 17 at once: made whole, 100,000 of them are 15 MB less.
  const item: { drafts: Draft[]; files: ItemFile[] } = { drafts: [draft], files: [] };
  item.files = draft.files.map(({ role, media }) => ({ item, role, name: media.name, copies: [media] }));
  return item;
}

function trustedId(facts: Facts | undefined, untrusted: ReadonlySet<string>): string | undefined {
  const id = facts?.photoId;
  return id === undefined || untrusted.has(id) ? undefined : id;
}

const isIn = (item: Item, folder: FolderInfo): boolean =>
  item.drafts.some((draft) => draft.folder === folder);

/** How much speaks for two sidecars meaning one photo; undefined when they contradict each other. */
function agreement(
  a: Facts | undefined,
  b: Facts | undefined,
  untrusted: ReadonlySet<string>,
): number | undefined {
  if (a === undefined || b === undefined) return 0;
  const idA = trustedId(a, untrusted);
  const idB = trustedId(b, untrusted);
  if (idA !== undefined && idB !== undefined) return idA === idB ? 100 : undefined;
  if (a.takenAt === undefined || b.takenAt === undefined) return 0;
  return a.takenAt === b.takenAt ? 10 : undefined;
}

const titleOrTimeAgree = (a: Facts | undefined, b: Facts | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  ((a.title !== undefined && a.title === b.title) || (a.takenAt !== undefined && a.takenAt === b.takenAt));

/**
 * The item of another folder that has a file of the draft: same role, same bytes, and the same name, in which the
 * duplicate number doesn't count because each folder gives its own. Of several the one for which most speaks.
 */
async function itemWithBytes(
  draft: Draft,
  contents: ContentIndex,
  untrusted: ReadonlySet<string>,
): Promise<Item | 'unclear' | undefined> {
  const facts = draft.uncertain ? undefined : draft.sidecar;
  const scores = new Map<Item, number>();
  for (const { role, media } of draft.files)
    for (const { item, role: itsRole, name } of await contents.find(media)) {
      if (role !== itsRole || isIn(item, draft.folder)) continue;
      const agreed = agreement(facts, factsOf(item), untrusted);
      if (agreed === undefined) continue;
      const named = name === media.name ? 2 : withoutNumber(name) === withoutNumber(media.name) ? 1 : 0;
      // Under another name, only the id together with the title or the time makes it the same.
      if (named === 0 && !(agreed === 100 && titleOrTimeAgree(facts, factsOf(item)))) continue;
      scores.set(item, Math.max(scores.get(item) ?? 0, agreed + named));
    }
  const best = Math.max(...scores.values());
  const items = [...scores].filter(([, score]) => score === best);
  return items.length > 1 ? 'unclear' : items[0]?.[0];
}

/** The item of another folder with the same id and name, and title or time: the same photo in other bytes. */
function itemWithId(
  draft: Draft,
  byId: ReadonlyMap<string, readonly Item[]>,
  untrusted: ReadonlySet<string>,
): Item | undefined {
  const facts = draft.uncertain ? undefined : draft.sidecar;
  const id = trustedId(facts, untrusted);
  const found = (id === undefined ? undefined : byId.get(id))?.filter(
    (item) =>
      !isIn(item, draft.folder) &&
      withoutNumber(item.files[0]?.name ?? '') === withoutNumber(firstName(draft)) &&
      titleOrTimeAgree(facts, factsOf(item)),
  );
  return found?.length === 1 ? found[0] : undefined;
}

/** Adds the draft's files to an item: as copies where it has them, else as further files. Gives those. */
async function attach(draft: Draft, item: Item, crc: ContentCrc): Promise<ItemFile[]> {
  const own = [...item.files];
  const further: ItemFile[] = [];
  for (const { role, media } of draft.files) {
    let copyOf: ItemFile | undefined;
    for (const file of own) {
      const [copy] = file.copies;
      if (file.role !== role || copy === undefined || !(await crc.sameBytes(copy, media))) continue;
      if (copyOf === undefined || file.name === media.name) copyOf = file;
    }
    if (copyOf !== undefined) {
      copyOf.copies.push(media);
      own.splice(own.indexOf(copyOf), 1);
    } else further.push({ item, role, name: media.name, copies: [media] });
  }
  item.files.push(...further);
  item.drafts.push(draft);
  return further;
}

interface ContentIndex {
  add(file: ItemFile): void;
  /** The files with the same bytes; where bytes have to be read, only those of the same name. */
  find(media: MediaFile): Promise<readonly ItemFile[]>;
}

/** Above this many equal files (empty ones, say) none can be told from the other anyway. */
const tooMany = 200;

function contentIndex(crc: ContentCrc, drafts: readonly Draft[]): ContentIndex {
  // Numbers as keys: a string for each of 100,000 files is 10 MB more.
  const byContent = new Map<number, ItemFile[]>();
  const keyOf = (size: number, sum: number): number => sum * 2 ** 21 + (size % 2 ** 21);
  const someUnknown = drafts.some(({ files }) => files.some(({ media }) => crc.known(media) === undefined));
  /** By name and size: files whose CRC is not known yet; an empty list where only files with a CRC are. */
  const waiting = new Map<string, ItemFile[]>();
  const nameKey = ({ name, size }: MediaFile): string => `${withoutNumber(name)}\0${size}`;

  const enter = (file: ItemFile, media: MediaFile, sum: number): void =>
    push(byContent, keyOf(media.size, sum), file);
  return {
    add(file) {
      const [media] = file.copies;
      if (media === undefined) return;
      const sum = crc.known(media);
      if (sum !== undefined) enter(file, media, sum);
      if (!someUnknown) return;
      const list = waiting.get(nameKey(media)) ?? [];
      if (sum === undefined) list.push(file);
      waiting.set(nameKey(media), list);
    },
    async find(media) {
      const rivals = someUnknown ? waiting.get(nameKey(media)) : undefined;
      const known = crc.known(media);
      // Nothing of this name and size: no reason to read it.
      if (known === undefined && rivals === undefined) return [];
      for (const file of rivals?.splice(0) ?? []) {
        const [copy] = file.copies;
        const sum = copy === undefined ? undefined : await crc.compute(copy);
        if (copy !== undefined && sum !== undefined) enter(file, copy, sum);
      }
      const sum = known ?? (await crc.compute(media));
      const found = sum === undefined ? undefined : byContent.get(keyOf(media.size, sum));
      if (found === undefined || found.length > tooMany) return [];
      return found.filter(({ copies: [copy] }) => copy?.size === media.size && crc.known(copy) === sum);
    },
  };
}
