/** Metadata sidecars: which photos have one, and what it is made of. */
import type { UnixSeconds } from '../model/words.ts';
import type { Description } from '../sources/source.ts';
import { albumEntriesOf } from './albums.ts';
import { describeFile, roles } from './items.ts';
import { type Index, rawStatement } from './open.ts';

const [original, edited, sidecar] = [
  roles.indexOf('original'),
  roles.indexOf('edited'),
  roles.indexOf('sidecar'),
];

/** A photo or video with its name in the tree. */
export interface Photo {
  readonly ino: number;
  readonly item: number;
  readonly name: string;
  readonly parent: number;
  readonly mtime: UnixSeconds;
}

/** Up to `limit` photos and videos behind inode number `after` of which it is known what there is to say. */
export function listPhotos(index: Index, after: number, limit: number): Photo[] {
  const rows = rawStatement(
    index,
    `SELECT f.ino, f.item, e.name, i.parent, i.mtime FROM file f
     JOIN item t ON t.id = f.item JOIN inode i ON i.ino = f.ino JOIN entry e ON e.parent = i.parent AND e.id = i.entry
     WHERE f.ino > ? AND f.role IN (${original}, ${edited}) AND NOT t.provisional ORDER BY f.ino LIMIT ?`,
  ).all(after, limit) as unknown[][];
  return rows.map((row) => ({
    ino: row[0] as number,
    item: row[1] as number,
    name: row[2] as string,
    parent: row[3] as number,
    mtime: row[4] as number,
  }));
}

/** A photo or video; undefined for another file, or one of which it isn't known yet what there is to say. */
export function getPhoto(index: Index, ino: number): Photo | undefined {
  const [photo] = listPhotos(index, ino - 1, 1);
  return photo?.ino === ino ? photo : undefined;
}

/** The inode number of a photo's sidecar, by its name. */
export function findSidecar(index: Index, { item, parent }: Photo, name: string): number | undefined {
  const row = rawStatement(
    index,
    `SELECT f.ino FROM file f JOIN inode i ON i.ino = f.ino
     WHERE f.item = ? AND f.role = ${sidecar} AND f.name = ? AND i.parent = ?`,
  ).get(item, name, parent) as unknown[] | undefined;
  return row?.[0] as number | undefined;
}

export function hasSidecars(index: Index): boolean {
  return rawStatement(index, `SELECT 1 FROM file WHERE role = ${sidecar} LIMIT 1`).get() !== undefined;
}

/** What is known of a photo, for people. */
export interface Facts extends Description {
  readonly title: string;
  readonly takenAt: UnixSeconds | undefined;
  /** Titles. */
  readonly albums: readonly string[];
}

export function factsOf(index: Index, ino: number): Facts | undefined {
  const known = describeFile(index, ino);
  if (known === undefined) return undefined;
  const { title, takenAt } = known.item;
  return {
    ...known.description,
    title,
    takenAt,
    albums: albumEntriesOf(index, ino).map((album) => album.title),
  };
}
