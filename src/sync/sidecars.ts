/**
 * Sidecars: `IMG_1.jpg.xmp` beside each photo, with what is known of it for people. They are listed at the end of a sync that was
 * told to, and at each one after: new ones for new photos; other bytes as soon as something else is known. One that is cached
 * keeps its bytes until newer ones are (a revision); one that isn't changes at once. Told not to, a sync lists no new ones; those that
 * are listed it refreshes all the same, for their bytes are made when they are asked for, of what is known then.
 */
import { setImmediate as otherWork } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { Cache } from '../cache/cache.ts';
import { isCached } from '../index/cached.ts';
import { addFile, getFile, setFileContent } from '../index/items.ts';
import { fileAt, findArchive, putArchive, putLocation } from '../index/locations.ts';
import { type Index, transaction } from '../index/open.ts';
import { dropRevision, putRevision } from '../index/revisions.ts';
import { getSetting, putSetting } from '../index/settings.ts';
import { findSidecar, getPhoto, hasSidecars, listPhotos, type Photo } from '../index/sidecars.ts';
import { getInode, hasKey } from '../index/tree.ts';
import { sameContent } from '../model/content.ts';
import { GphotosfsError } from '../model/errors.ts';
import type { Content } from '../model/words.ts';
import { addFileEntry, beginGrowth, changeAttributes, finishGrowth, type Growth } from '../tree/entries.ts';
import { safeName, uniqueKey } from '../tree/names.ts';
import { recordedFile, recordedPlace } from './facts.ts';
import { metadataArchive, sidecarBytes } from './metadata-source.ts';

const key = 'sidecars';

/** Whether sidecars are listed: as was said last, or as a library that was made again has them. */
export function sidecarsWanted(index: Index, said: boolean | undefined): boolean {
  if (said !== undefined) putSetting(index, key, said ? '1' : '0');
  const stored = getSetting(index, key);
  return stored === undefined ? hasSidecars(index) : stored === '1';
}

/** Photos a transaction: others want to write, too. */
const groupLength = 500;

/**
 * Refreshes the sidecars that say something else now.
 * @param adds whether those that are missing are listed
 */
export async function refreshSidecars(
  index: Index,
  cache: Cache,
  adds: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (!adds && !hasSidecars(index)) return;
  for (let after = 0; ; ) {
    const photos = listPhotos(index, after, groupLength);
    const last = photos.at(-1);
    if (last === undefined) return;
    after = last.ino;
    transaction(index, () => {
      const now = Math.floor(Date.now() / 1000);
      const growth = beginGrowth(index, now);
      const archive = putArchive(index, metadataArchive.name, metadataArchive);
      for (const photo of photos) refresh(growth, archive, photo, adds);
      cache.journal.write(finishGrowth(growth));
    });
    await otherWork();
    if (signal.aborted) throw new GphotosfsError('interrupted', 'the sync was interrupted');
  }
}

/**
 * Refreshes the listed sidecars of photos of which something else is known now. In the same transaction: their bytes are made
 * of what is known, so a sync that ends before its last step would leave some that are not what is listed.
 */
export function followPhotos(growth: Growth, inos: ReadonlySet<number>): void {
  const { index } = growth;
  const { name } = metadataArchive;
  const archive = inos.size === 0 ? undefined : findArchive(index, name, name)?.id;
  if (archive === undefined) return;
  for (const ino of inos) {
    const photo = getPhoto(index, ino);
    if (photo !== undefined) refresh(growth, archive, photo, false);
  }
}

function refresh(growth: Growth, archive: number, photo: Photo, adds: boolean): void {
  const { index } = growth;
  const name = `${photo.name}.xmp`;
  const there = fileAt(index, archive, photo.ino);
  const known = there?.ino ?? findSidecar(index, photo, name);
  if (known === undefined && !(adds && canHave(index, photo.parent, name))) return;
  const bytes = sidecarBytes(index, photo.ino);
  if (bytes === undefined) return;
  const content: Content = { size: bytes.length, crc32: crc32(bytes) };
  if (there !== undefined && sameContent(there, content)) return;
  const ino = known ?? add(growth, photo, name, content);
  if (known !== undefined) change(growth, known, content);
  const place = { archive: metadataArchive.name, offset: photo.ino, address: '', seekable: true };
  putLocation(index, archive, ino, place, content);
  growth.records.push(recordedPlace(ino, metadataArchive, place, content));
}

/** Under another name than its photo's no program would find it, so a name that is too long or taken gets none. */
const canHave = (index: Index, parent: number, name: string): boolean =>
  safeName(name) === name && !hasKey(index, parent, uniqueKey(name));

function add(
  growth: Growth,
  { item, parent, mtime, ino: photo }: Photo,
  wanted: string,
  content: Content,
): number {
  const { size, crc32 } = content;
  const { ino, cookie, name } = addFileEntry(growth, parent, wanted, `sidecar\n${photo}`, { size, mtime });
  const file = { ino, item, role: 'sidecar', name: wanted, size, crc32 } as const;
  addFile(growth.index, file, growth.now);
  growth.records.push(
    { type: 'inode', ino, kind: 'file', parent, cookie, name, size, mtime, ctime: mtime },
    recordedFile(file),
  );
  return ino;
}

function change(growth: Growth, ino: number, content: Content): void {
  const { index, now } = growth;
  const file = getFile(index, ino);
  const inode = getInode(index, ino);
  if (file === undefined || inode === undefined) return;
  if (sameContent(file, content)) {
    dropRevision(index, ino);
    return;
  }
  if (isCached(index, ino)) {
    putRevision(index, ino, { ...content, exportTime: now });
    return;
  }
  setFileContent(index, ino, content);
  dropRevision(index, ino);
  growth.records.push(recordedFile({ ...file, ...content }));
  // A new time, for rsync takes equal size and time for equal bytes.
  changeAttributes(growth, { ...inode, size: content.size, mtime: now, ctime: now });
}
