/**
 * A folder for each run of a bench that makes thousands of files. ext4 gives the number of a deleted file to no other for
 * minutes, and looks at all such numbers anew for each file that is made (`find_inode_bit`, `recently_deleted`): behind an `rm -rf`
 * of 5,000 files that was a fifth of all processor time, of ours and of the peers, and another share of each. So nothing
 * is deleted before the last run is over: what a run has made is emptied, which frees the disk and the memory.
 */
import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

export interface FreshFolders {
  /** A path at which nothing is. */
  next(): string;
  /** Empties the files of the folder that was given last. */
  empty(): void;
  /** Removes all of them. */
  remove(): void;
}

/** Folders below `parent`, which is this bench's alone. */
export function freshFolders(parent: string): FreshFolders {
  rmSync(parent, { recursive: true, force: true });
  let count = 0;
  const last = () => join(parent, String(count));
  return {
    next() {
      count += 1;
      return last();
    },
    empty() {
      for (const entry of readdirSync(last(), { recursive: true, withFileTypes: true }))
        if (entry.isFile()) truncateSync(join(entry.parentPath, entry.name));
    },
    remove: () => rmSync(parent, { recursive: true, force: true }),
  };
}
