/** What of a library wants thumbnails, each file with the addresses it has in a mount. */
import { join } from 'node:path';
import { albumEntriesOf } from '../index/albums.ts';
import { isCached } from '../index/cached.ts';
import { getFile } from '../index/items.ts';
import type { Index } from '../index/open.ts';
import { listMissing, type MissingFile } from '../index/plan.ts';
import { getInode, pathOf } from '../index/tree.ts';
import { everything } from '../model/filter.ts';
import { type MediaKind, mediaKindOf } from '../model/media-kind.ts';
import { fileUri, type Subject } from './store.ts';

export interface Wanted {
  readonly place: MissingFile;
  readonly name: string;
  readonly kind: MediaKind;
  /** In the tree. */
  readonly path: string;
  readonly subjects: readonly Subject[];
}

/** Files that aren't cached but can be had from one of these sources, in the order of their places. */
export function listWanted(index: Index, sources: { has(id: string): boolean }): readonly MissingFile[] {
  return listMissing(index, everything).filter(
    ({ ino, source }) => source !== undefined && sources.has(source) && !isCached(index, ino),
  );
}

export function wantedOf(index: Index, mountPoint: string, place: MissingFile): Wanted | undefined {
  const file = getFile(index, place.ino);
  if (file === undefined) return undefined;
  const kind = mediaKindOf(file.role, file.name);
  const path = pathOf(index, place.ino)?.join('/') ?? '';
  return { place, name: file.name, kind, path, subjects: subjectsOf(index, mountPoint, place.ino) };
}

/** A file as a file manager may meet it: in its year, and in each album (a link has the time of what it leads to). */
export function subjectsOf(index: Index, mountPoint: string, ino: number): Subject[] {
  const mtime = getInode(index, ino)?.mtime ?? 0;
  const { size = 0, crc32 } = getFile(index, ino) ?? {};
  const inYear = pathOf(index, ino);
  const inAlbums = albumEntriesOf(index, ino).map((entry) => ['albums', entry.directoryName, entry.name]);
  return [...(inYear === undefined ? [] : [inYear]), ...inAlbums].map((names) => ({
    uri: fileUri(join(mountPoint, ...names)),
    mtime,
    content: { size, crc32 },
  }));
}
