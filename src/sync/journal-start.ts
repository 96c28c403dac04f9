/** What the journal has to know before the first name: the layout that names follow, what is listed, and the topmost directories. */
import type { JournalRecord } from '../cache/journal-record.ts';
import { albumsIno, type Index, rootIno, yearsIno } from '../index/open.ts';
import { filterOf, getSetting, layoutOf, putSetting } from '../index/settings.ts';
import { getInode } from '../index/tree.ts';
import { everything } from '../model/filter.ts';

const key = 'journalLayout';

/**
 * Gives what isn't in the journal yet, and notes that it is: call it in the transaction that appends it. The layout
 * may change as long as nothing is listed, the filter at every sync.
 */
export function startJournal(index: Index): readonly JournalRecord[] {
  const layout = layoutOf(index);
  const filter = filterOf(index);
  const isFiltered = JSON.stringify(filter) !== JSON.stringify(everything);
  const text = `${layout.years} ${layout.albums}${isFiltered ? ` ${JSON.stringify(filter)}` : ''}`;
  if (getSetting(index, key) === text) return [];
  putSetting(index, key, text);
  const tops = [rootIno, yearsIno, albumsIno].flatMap((ino) => {
    const inode = getInode(index, ino);
    if (inode === undefined) return [];
    const { kind: _, ...attributes } = inode;
    return [{ type: 'attributes', ...attributes } as const];
  });
  return [{ type: 'layout', ...layout, ...(isFiltered ? { filter } : {}) }, ...tops];
}
