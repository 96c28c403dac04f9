/** An item that the index doesn't know: it and its files come in, each file with an inode and a name in its year. */
import type { NewFileRecord } from '../cache/new-item-record.ts';
import { addFile, addItem } from '../index/items.ts';
import { yearsIno } from '../index/open.ts';
import type { UnixSeconds } from '../model/words.ts';
import type { ScannedFile, ScannedItem } from '../sources/source.ts';
import { addFileEntry, directoryNamed, type Given, type Growth } from '../tree/entries.ts';
import { fileTime, yearPath } from '../tree/layout.ts';
import { archiveId, putPlace, type ScanState } from './scan-state.ts';

/**
 * Adds the item with these of its files, of which none is known; without any it is not to be listed. Objects are written
 * out: made by spreading another they are slow to make, to read and to turn into JSON (10 % of a first sync).
 */
export function addNewItem(
  scan: ScanState,
  growth: Growth,
  scanned: ScannedItem,
  wanted: readonly ScannedFile[],
  exportTime: UnixSeconds,
): void {
  if (wanted.length === 0) {
    scan.counts.filtered += 1;
    return;
  }
  scan.counts.newItems += 1;
  const id = scan.next.item++;
  const { account } = scan.source;
  const { exportId, photoId, title, takenAt, provisional, description } = scanned;
  addItem(scan.index, id, {
    account,
    photoId,
    title,
    takenAt,
    provisional,
    factsTime: exportTime,
    description,
  });
  const files = wanted.map((file): NewFileRecord => {
    const { ino, cookie, name, parent, mtime } = addNewFile(scan, growth, id, file, scanned, exportTime);
    for (const location of file.locations)
      putPlace(scan, archiveId(scan, location.archive), ino, location, file.content);
    const { size, crc32 } = file.content;
    const sourceName = file.name === name ? undefined : file.name;
    const places = file.locations.map(({ offset, address }) => [offset, address] as const);
    return { ino, parent, cookie, name, role: file.role, sourceName, size, crc32, mtime, places };
  });
  growth.records.push({
    type: 'new',
    item: id,
    account,
    photoId,
    title,
    takenAt,
    provisional,
    description,
    exportId,
    exportTime,
    files,
  });
}

/** Adds a file of an item with its inode and its name; what tells the journal of it is the caller's. */
export function addNewFile(
  scan: ScanState,
  growth: Growth,
  item: number,
  file: ScannedFile,
  { photoId, title, takenAt, yearFolder }: ScannedItem,
  exportTime: UnixSeconds,
): Given & { readonly parent: number; readonly mtime: UnixSeconds } {
  scan.counts.newFiles += 1;
  const dating = { takenAt, yearFolder, exportTime };
  let parent = yearsIno;
  for (const name of yearPath(dating, scan.layout)) parent = directoryNamed(growth, parent, name);
  const { role, name } = file;
  const { size, crc32 } = file.content;
  const identity = `${scan.source.account}\n${role}\n${photoId ?? title}\n${size}\n${crc32 ?? ''}`;
  const mtime = fileTime(dating);
  const { ino, cookie, name: shown } = addFileEntry(growth, parent, name, identity, { size, mtime });
  addFile(scan.index, { ino, item, role, name, size, crc32 }, exportTime);
  return { ino, cookie, name: shown, parent, mtime };
}
