/**
 * Albums of a page: an album is known by account, folder name and date; its members only grow. A member's link is
 * named after the item, in the album's own name space.
 */
import {
  type AlbumRow,
  addAlbum,
  addMember,
  albumsByFolder,
  isMember,
  setAlbumDate,
  standingOf,
} from '../index/albums.ts';
import { fileAt } from '../index/locations.ts';
import { albumsIno } from '../index/open.ts';
import type { ScannedAlbum } from '../sources/source.ts';
import { addDirectory, addHardLink, addSymlink, directoryPath, type Growth } from '../tree/entries.ts';
import { linkTarget } from '../tree/layout.ts';
import type { ScanState } from './scan-state.ts';

export function applyAlbum(scan: ScanState, growth: Growth, scanned: ScannedAlbum): void {
  const known = findAlbum(scan, growth, scanned);
  if (known === undefined && isLeftOut(scan, scanned)) return;
  const album = known ?? newAlbum(scan, growth, scanned);
  for (const member of scanned.members) {
    const archive = scan.archiveIds.get(member.archive);
    // A member that is held back (in the trash, by the filter) has no file.
    const ino = archive === undefined ? undefined : fileAt(scan.index, archive, member.offset)?.ino;
    if (ino !== undefined && !isMember(scan.index, ino, album.id)) join(scan, growth, album, ino);
  }
}

/** Under a filter no album is shown that is to be skipped, or of which nothing is listed. */
function isLeftOut(scan: ScanState, { title, folder, members }: ScannedAlbum): boolean {
  if (scan.wants === undefined) return false;
  if (scan.skippedAlbums.has(title) || scan.skippedAlbums.has(folder)) return true;
  return members.every(({ archive, offset }) => {
    const id = scan.archiveIds.get(archive);
    return id === undefined || fileAt(scan.index, id, offset) === undefined;
  });
}

/** The same folder and date; an album whose date one side doesn't know is the only one of its folder, or a new one. */
function findAlbum(scan: ScanState, growth: Growth, scanned: ScannedAlbum): AlbumRow | undefined {
  const candidates = albumsByFolder(scan.index, scan.source.account, scanned.folder);
  const exact = candidates.find((album) => album.date === (scanned.date ?? null));
  if (exact !== undefined) return exact;
  if (scanned.date === undefined) return candidates.length === 1 ? candidates[0] : undefined;
  const dateless = candidates.find((album) => album.date === null);
  if (dateless === undefined) return undefined;
  const { id: _, ...known } = dateless;
  setAlbumDate(scan.index, dateless.id, scanned.date);
  growth.records.push({ type: 'album', ...known, date: scanned.date });
  return dateless;
}

function newAlbum(scan: ScanState, growth: Growth, scanned: ScannedAlbum): AlbumRow {
  scan.counts.newAlbums += 1;
  const { account } = scan.source;
  const { folder, title } = scanned;
  const date = scanned.date ?? null;
  const identity = [account, folder, date ?? ''].join('\n');
  const directory = addDirectory(growth, albumsIno, title.trim() === '' ? folder : title, identity).ino;
  const album = { account, folder, title, date, directory };
  growth.records.push({ type: 'album', ...album });
  return { id: addAlbum(scan.index, album), ...album };
}

function join(scan: ScanState, growth: Growth, album: AlbumRow, ino: number): void {
  const file = standingOf(scan.index, ino);
  if (file === undefined) return;
  const path = [...directoryPath(growth, file.parent), file.entryName];
  const identity = path.join('/');
  const { cookie } =
    scan.layout.albums === 'hardlink'
      ? addHardLink(growth, album.directory, file.name, identity, ino)
      : addSymlink(growth, album.directory, file.name, identity, {
          target: linkTarget(path),
          mtime: file.mtime,
        });
  addMember(scan.index, ino, album.id, cookie);
  scan.retold.add(ino);
  growth.records.push({ type: 'member', ino, directory: album.directory, cookie });
}
