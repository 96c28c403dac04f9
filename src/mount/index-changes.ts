/** What a mount has to tell the kernel after somebody wrote to the index, or put another one in its place. */
import { type Index, unopenedFileAt } from '../index/open.ts';
import { takeReplacement } from '../index/replacement.ts';
import { type ChangeMark, changeMark, changesSince, type TreeChange } from '../index/tree.ts';

export interface IndexChanges {
  /** What changed since the last call, and whether another file is the index since then. */
  next(): { readonly change: TreeChange; readonly reopened: boolean };
}

/** @param warn told once of an index that the mount can't go over to */
export function createIndexChanges(index: Index, warn: (message: string) => void): IndexChanges {
  let mark = changeMark(index);
  /** A file at the index's path that was looked at and can't be taken. */
  let refused: string | undefined;

  function takeOver(): (TreeChange & { readonly mark: ChangeMark }) | undefined {
    const found = unopenedFileAt(index.path);
    if (found !== undefined && found === refused) return undefined;
    const replacement = takeReplacement(index);
    if (typeof replacement === 'object') return replacement;
    if (replacement === 'renumbered') {
      refused = found;
      warn(
        `${index.path} was replaced by one that has given other inode numbers: unmount and mount again to see it`,
      );
    }
    return undefined;
  }

  return {
    next() {
      const replaced = takeOver();
      const { mark: next, ...change } = replaced ?? changesSince(index, mark);
      mark = next;
      return { change, reopened: replaced !== undefined };
    },
  };
}
