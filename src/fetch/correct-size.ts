/**
 * A file that is longer or shorter than its source had said, though whole: its size is put right, once, for mounts and
 * for the journal. Whoever has it open gets an error, never a short copy; whoever opens it again gets all of it.
 */
import type { Cache } from '../cache/cache.ts';
import { correctFile } from '../index/corrections.ts';
import { getFile } from '../index/items.ts';
import { type Index, transaction } from '../index/open.ts';
import { changeInode, getInode } from '../index/tree.ts';
import { toGphotosfsError } from '../model/errors.ts';
import type { Location } from '../model/words.ts';

/**
 * Looks at a failure of a fetch from `location`.
 * @returns whether it told another size, which is the file's from now on
 */
export function correctSize(
  index: Index,
  cache: Cache,
  ino: number,
  location: Location,
  error: unknown,
): boolean {
  const { actualSize } = toGphotosfsError(error);
  if (actualSize === undefined) return false;
  return transaction(index, () => {
    const place = correctFile(index, ino, location, actualSize);
    const file = getFile(index, ino);
    const inode = getInode(index, ino);
    if (place === undefined || file === undefined || inode === undefined) return false;
    const { kind: _, ...attributes } = { ...inode, size: actualSize, ctime: Math.floor(Date.now() / 1000) };
    changeInode(index, attributes);
    const { item, role, name } = file;
    const { offset, address } = location;
    // Before the commit, so that the index never knows what the journal doesn't.
    cache.journal.append([
      { type: 'attributes', ...attributes },
      { type: 'file', ino, item, role, name, size: actualSize },
      { type: 'place', ino, ...place, offset, address, size: actualSize },
    ]);
    return true;
  });
}
