/**
 * The unique keys in directories that were made just now: with all of them at hand, whether a name is taken need not be
 * asked of the index for each of 100,000 photos.
 */

export interface FreshKeys {
  /** By inode number of the directory, in the order in which they were made. */
  readonly byDirectory: Map<number, Set<string>>;
  /** In all of them. */
  count: number;
}

/**
 * Keys kept in mind, some 3 MB. Photos come folder by folder, so the directories made last are those in use; of others
 * the index tells.
 */
const mostKeys = 30_000;
const mostDirectories = 32;

export const noKeys = (): FreshKeys => ({ byDirectory: new Map(), count: 0 });

/** Begins with a directory that was made and is empty. */
export function beginKeys(keys: FreshKeys, directory: number): void {
  keys.byDirectory.set(directory, new Set());
  if (keys.byDirectory.size > mostDirectories) forgetOldest(keys, directory);
}

export function addKey(keys: FreshKeys, directory: number, key: string): void {
  const known = keys.byDirectory.get(directory);
  if (known === undefined || known.has(key)) return;
  known.add(key);
  if (++keys.count > mostKeys) forgetOldest(keys, directory);
}

/** Whether a key is in use in the directory; undefined where the index has to be asked. */
export function hasFreshKey({ byDirectory }: FreshKeys, directory: number, key: string): boolean | undefined {
  return byDirectory.get(directory)?.has(key);
}

export function forgetKeys(keys: FreshKeys): void {
  keys.byDirectory.clear();
  keys.count = 0;
}

/** The directory in use stays, however large it is. */
function forgetOldest(keys: FreshKeys, used: number): void {
  const [oldest] = keys.byDirectory;
  if (oldest === undefined || oldest[0] === used) return;
  const [directory, known] = oldest;
  keys.byDirectory.delete(directory);
  keys.count -= known.size;
}
