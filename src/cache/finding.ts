/** What `verify` tells of something in the cache that is wrong. */
import type { RecordedFile } from '../index/verification.ts';
import type { Inspected } from './inspect.ts';

export type Fault = 'damaged' | 'missing' | 'short' | 'long' | 'replaced' | 'unreadable' | 'extra';

/** Something that is wrong. */
export interface Finding {
  /** In the tree; a directory's ends in `/`. */
  readonly path: string;
  /** The file's inode number; undefined for what is no cached file. */
  readonly ino: number | undefined;
  readonly problem: Fault;
  /** What was found, in words. */
  readonly detail: string;
}

/** A cached file that is not as recorded. */
export function findingOf(file: RecordedFile, found: Inspected): Finding {
  const { ino, directory, name } = file;
  return { path: `${directory}/${name}`, ino, ...describe(file, found) };
}

function describe(file: RecordedFile, found: Inspected): Pick<Finding, 'problem' | 'detail'> {
  switch (found.found) {
    case 'missing':
      return { problem: 'missing', detail: 'it is not in the cache' };
    case 'replaced':
      return { problem: 'replaced', detail: `${found.by} is in its place` };
    case 'unreadable':
      return { problem: 'unreadable', detail: `it can't be read (${found.code})` };
    case 'changing':
      return { problem: 'damaged', detail: 'something writes to it' };
    case 'file': {
      const { size } = found.stat;
      if (found.sha256 !== undefined) return { problem: 'damaged', detail: 'its bytes have changed' };
      const detail = `it has ${size} bytes instead of ${file.size}`;
      return { problem: size < file.size ? 'short' : 'long', detail };
    }
  }
}
