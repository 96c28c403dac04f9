/** What the index takes for cached but the cache has lost: files that someone deleted, replaced or wrote to. */
import type { Cache } from '../cache/cache.ts';
import { isAsRecorded } from '../cache/cached-file.ts';
import { closeDirectory, type Directory, openDirectory } from '../cache/directories.ts';
import type { Index } from '../index/open.ts';
import { listPlaces, listRecorded, type MissingFile, type Selection } from '../index/plan.ts';
import { pathOf } from '../index/tree.ts';

/** Looks at each selected file that the index takes for cached: one stat a file. */
export function findLost(index: Index, cache: Cache, selection: Selection): MissingFile[] {
  const lost: number[] = [];
  let parent: number | undefined;
  let directory: Directory | undefined;
  for (const file of listRecorded(index, selection)) {
    if (file.parent !== parent) {
      if (directory !== undefined) closeDirectory(directory);
      directory = tryOpen(cache, pathOf(index, file.parent) ?? []);
      parent = file.parent;
    }
    if (directory === undefined || !isAsRecorded(directory, file.name, file.recorded)) lost.push(file.ino);
  }
  if (directory !== undefined) closeDirectory(directory);
  return listPlaces(index, lost);
}

function tryOpen(cache: Cache, names: readonly string[]): Directory | undefined {
  try {
    return openDirectory(cache.root, names);
  } catch {
    // Missing, a link, a file: what should be in it is lost.
    return undefined;
  }
}
