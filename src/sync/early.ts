/**
 * What is listed before its sidecar is read may be something that is known: the same photo of an earlier export, or an
 * edit of it. Only the sidecar tells, and what has become an item of its own stays one. So whatever looks like a known
 * file, by its bytes or by its name in its year, waits for the sidecar; all else is new and listed at once. An API's
 * photo stands in its UTC year, Takeout's in the year of where it was taken, so beside one the years around count as well.
 */
import { hasContent } from '../index/items.ts';
import { hasLikeness } from '../index/likeness.ts';
import { yearsIno } from '../index/open.ts';
import { directoriesIn, findEntry } from '../index/tree.ts';
import type { ScannedItem } from '../sources/source.ts';
import { yearPath } from '../tree/layout.ts';
import { safeName, uniqueKey } from '../tree/names.ts';
import type { ScanState } from './scan-state.ts';

/** Whether an item without a sidecar may be one that the index knows. */
export function mayBeKnown({ index, source, layout }: ScanState, scanned: ScannedItem): boolean {
  if (scanned.files.some(({ content }) => hasContent(index, source.account, content))) return true;
  const [name = ''] = yearPath({ ...scanned, exportTime: 0 }, layout);
  const isByApi = hasLikeness(index) && /^\d+$/.test(name);
  const names = isByApi ? [-1, 0, 1].map((off) => String(Number(name) + off)) : [name];
  const years = names.flatMap((year) => findEntry(index, yearsIno, uniqueKey(year))?.attributes.ino ?? []);
  // With months: what is known stands in one of them.
  const directories = years.flatMap((year) => [year, ...directoriesIn(index, year)]);
  return scanned.files.some(({ name }) => {
    const key = uniqueKey(safeName(name));
    return directories.some((directory) => findEntry(index, directory, key) !== undefined);
  });
}
