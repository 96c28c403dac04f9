/** What the library asks of the disk that its cache is on. */
import { intact } from './cached.ts';
import { type Index, rawStatement } from './open.ts';

export interface Needs {
  /** Of the longest name in the tree, bytes. */
  readonly longestName: number;
  /** Bytes of the largest file. */
  readonly largestFile: number;
  /** Not in the cache yet, though some source has it. */
  readonly missingFiles: number;
  readonly missingBytes: number;
}

export function readNeeds(index: Index): Needs {
  const numbers = (sql: string) => rawStatement(index, sql).get() as (number | null)[];
  const [longestName] = numbers('SELECT max(length(CAST(name AS BLOB))) FROM entry');
  const [largestFile] = numbers('SELECT max(size) FROM file');
  const [missingFiles, missingBytes] = numbers(
    `SELECT count(*), sum(size) FROM file f
     WHERE NOT EXISTS (SELECT 1 FROM cached c WHERE c.ino = f.ino AND ${intact})
       AND EXISTS (SELECT 1 FROM location l WHERE l.ino = f.ino)`,
  );
  return {
    longestName: longestName ?? 0,
    largestFile: largestFile ?? 0,
    missingFiles: missingFiles ?? 0,
    missingBytes: missingBytes ?? 0,
  };
}
