/**
 * Revisions: other bytes of a file that is known. Newer ones are noted as what the file shall show once they are in the
 * cache; older ones change nothing; whatever the order in which exports are read, the newest wins.
 */
import { locationsOf } from '../index/locations.ts';
import type { Index } from '../index/open.ts';
import { contentTimeOf, dropRevision, putRevision, raiseContentTime } from '../index/revisions.ts';
import { sameContent } from '../model/content.ts';
import type { Content, UnixSeconds } from '../model/words.ts';
import type { Kinship } from './family.ts';

/** Notes that an export has this content for a known file. */
export function noteKin(
  index: Index,
  { file, as, revision }: Kinship,
  content: Content,
  exportTime: UnixSeconds,
): void {
  if (as === 'copy') {
    raiseContentTime(index, file.ino, exportTime);
    // What is shown came back after the revision: an edit that its owner took back.
    if (revision !== undefined && revision.exportTime < exportTime) dropRevision(index, file.ino);
  } else if (as === 'pending') {
    if (revision !== undefined && revision.exportTime < exportTime)
      putRevision(index, file.ino, { ...revision, exportTime });
  } else if (revision !== undefined) {
    if (revision.exportTime < exportTime) putRevision(index, file.ino, { ...content, exportTime });
  } else {
    const shownSince = contentTimeOf(index, file.ino);
    const isNewer =
      exportTime > shownSince ||
      // Equally old, as in an unpacked folder that was worked on: only if what is shown can't be had any more.
      (exportTime === shownSince && !locationsOf(index, file.ino).some((place) => sameContent(place, file)));
    if (isNewer) putRevision(index, file.ino, { ...content, exportTime });
  }
}
