/**
 * A file that is longer or shorter than its source had said, though whole: its size is put right, for mounts and for the
 * journal. Whoever has it open gets an error, never a short copy; whoever opens it again gets all of it. So that no size
 * wavers under its readers a process does that once a file; a photo that was edited twice is left to the next prefetch.
 */
import type { Cache } from '../cache/cache.ts';
import { correctedFrom, correctFile } from '../index/corrections.ts';
import { getFile } from '../index/items.ts';
import { type Index, transaction } from '../index/open.ts';
import { changeInode, getInode } from '../index/tree.ts';
import { toGphotosfsError } from '../model/errors.ts';
import type { Location } from '../model/words.ts';

/** Looks at a failure of a fetch from `location`: whether it told another size, which is the file's from now on. */
export type CorrectSize = (ino: number, location: Location, error: unknown) => boolean;

export function createSizeCorrection(index: Index, cache: Cache): CorrectSize {
  const corrected = new Set<number>();
  return (ino, location, error) => {
    const { actualSize } = toGphotosfsError(error);
    if (actualSize === undefined || corrected.has(ino)) return false;
    const isDone = correct(index, cache, ino, location, actualSize);
    if (isDone) corrected.add(ino);
    return isDone;
  };
}

function correct(index: Index, cache: Cache, ino: number, location: Location, actualSize: number): boolean {
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
      { type: 'correction', ino, was: correctedFrom(index, ino) ?? location.size },
    ]);
    return true;
  });
}
