/** The library as a test wants to see it: each file with its item, what it shows and where its bytes lie. */
import { filesOfItem } from '../../src/index/items.ts';
import { locationsOf } from '../../src/index/locations.ts';
import { type Index, statement } from '../../src/index/open.ts';
import { getRevision } from '../../src/index/revisions.ts';
import { getInode, pathOf } from '../../src/index/tree.ts';
import { contentOf, type MemoryBytes, type MemoryItem } from './memory-source.ts';

export interface ViewedFile {
  readonly path: string;
  readonly ino: number;
  readonly role: string;
  readonly size: number;
  readonly crc32: number | undefined;
  readonly mtime: number;
  readonly ctime: number;
  /** Archives in which it lies, each with the size there. */
  readonly at: readonly string[];
  readonly pending: number | undefined;
}

export interface ViewedItem {
  readonly id: number;
  readonly title: string;
  readonly photoId: string | null;
  readonly takenAt: number | null;
  readonly provisional: boolean;
  readonly files: readonly ViewedFile[];
}

export function viewItems(index: Index): ViewedItem[] {
  const items = statement(
    index,
    'SELECT id, title, photo_id AS photoId, taken_at AS takenAt, provisional FROM item ORDER BY id',
  ).all() as (Omit<ViewedItem, 'files' | 'provisional'> & { provisional: number })[];
  return items.map((item) => ({
    ...item,
    provisional: item.provisional === 1,
    files: filesOfItem(index, item.id).map(({ ino, role, size, crc32 }) => ({
      path: pathOf(index, ino)?.join('/') ?? '',
      ino,
      role,
      size,
      crc32,
      mtime: getInode(index, ino)?.mtime ?? Number.NaN,
      ctime: getInode(index, ino)?.ctime ?? Number.NaN,
      at: locationsOf(index, ino)
        .map((location) => `${location.archive} ${location.size}`)
        .sort(),
      pending: getRevision(index, ino)?.crc32,
    })),
  }));
}

export function viewFiles(index: Index): ViewedFile[] {
  return viewItems(index).flatMap((item) => item.files);
}

/** A photo of 2021 in one line. `bytes` default to its name. */
export function photo(name: string, facts: Partial<MemoryItem> & { bytes?: MemoryBytes } = {}): MemoryItem {
  const { bytes = name, ...rest } = facts;
  return { yearFolder: 2021, files: [{ name, bytes }], ...rest };
}

export const crcOf = (bytes: MemoryBytes): number => contentOf(bytes).crc32 ?? -1;

/** All orders of a few things. */
export function orders<T>(things: readonly T[]): T[][] {
  if (things.length < 2) return [[...things]];
  return things.flatMap((first, at) =>
    orders([...things.slice(0, at), ...things.slice(at + 1)]).map((rest) => [first, ...rest]),
  );
}
