/**
 * The unique keys in directories that were made just now: with all of them at hand, whether a name is taken need not be
 * asked of the index for each of 100,000 photos.
 */

/** By inode number of the directory. */
export type FreshKeys = Map<number, Set<string>>;

/** Directories kept in mind. Photos come folder by folder, so few are in use at a time; of others the index tells. */
const mostDirectories = 32;

export const noKeys = (): FreshKeys => new Map();

/** Begins with a directory that was made and is empty. */
export function beginKeys(keys: FreshKeys, directory: number): void {
  keys.set(directory, new Set());
  const [oldest] = keys.keys();
  if (keys.size > mostDirectories && oldest !== undefined) keys.delete(oldest);
}

export function addKey(keys: FreshKeys, directory: number, key: string): void {
  keys.get(directory)?.add(key);
}

/** Whether a key is in use in the directory; undefined where the index has to be asked. */
export function hasFreshKey(keys: FreshKeys, directory: number, key: string): boolean | undefined {
  return keys.get(directory)?.has(key);
}
