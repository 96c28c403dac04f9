/** What the journal has to know before the first name: the layout that names follow, and the topmost directories. */
import type { JournalRecord } from '../cache/journal.ts';
import { albumsIno, type Index, rootIno, yearsIno } from '../index/open.ts';
import { getSetting, layoutOf, putSetting } from '../index/settings.ts';
import { getInode } from '../index/tree.ts';

const key = 'journalLayout';

/**
 * Gives what isn't in the journal yet, and notes that it is: call it in the transaction that appends it. The layout
 * may change as long as nothing is listed.
 */
export function startJournal(index: Index): readonly JournalRecord[] {
  const layout = layoutOf(index);
  const text = `${layout.years} ${layout.albums}`;
  if (getSetting(index, key) === text) return [];
  putSetting(index, key, text);
  const tops = [rootIno, yearsIno, albumsIno].flatMap((ino) => {
    const inode = getInode(index, ino);
    if (inode === undefined) return [];
    const { kind: _, ...attributes } = inode;
    return [{ type: 'attributes', ...attributes } as const];
  });
  return [{ type: 'layout', ...layout }, ...tops];
}
