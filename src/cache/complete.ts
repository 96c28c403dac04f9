/**
 * What the cache needs besides the files' bytes to show the same tree as the mount: directories, also empty ones,
 * links of albums that a later sync brought, and times that became final after a file was cached.
 */
import { closeSync, fstatSync, futimesSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { type CachedRow, getCached, putCached } from '../index/cached.ts';
import { albumsIno, type Index, rootIno, transaction } from '../index/open.ts';
import { listCachedMembers, listUnsettled } from '../index/plan.ts';
import { directoriesIn, getInode, pathOf } from '../index/tree.ts';
import type { Cache } from './cache.ts';
import { cacheError } from './cache-error.ts';
import { type CachedFiles, createCachedFiles, sameStat, statOf } from './cached-file.ts';
import { closeDirectory, openDirectory, publicMode } from './directories.ts';
import { linkAlbums } from './links.ts';

/** Files looked at in one go: a few milliseconds. */
const filesATurn = 32;

/**
 * Brings directories, links and times of the cache up to date, in turns with others. Safe to repeat; costs little where
 * nothing is new.
 * @returns what could not be done, by path in the tree
 */
export async function completeTree(index: Index, cache: Cache): Promise<ReadonlyMap<string, unknown>> {
  const failures = new Map<string, unknown>();
  await makeDirectories(index, cache, rootIno, failures);
  const files = createCachedFiles(index, cache.root);
  try {
    for (const [at, ino] of listUnsettled(index).entries()) {
      if (at % filesATurn === 0) await turn();
      const path = pathOf(index, ino)?.join('/') ?? String(ino);
      attempt(path, failures, () => settleTime(index, files, ino));
    }
    for (const [at, ino] of listCachedMembers(index).entries()) {
      if (at % filesATurn === 0) await turn();
      relink(index, cache, files, ino, failures);
    }
  } finally {
    files.close();
  }
  return failures;
}

function attempt(path: string, failures: Map<string, unknown>, work: () => void): void {
  try {
    work();
  } catch (error) {
    failures.set(path, cacheError(error, `"${path}" in the cache`));
  }
}

async function makeDirectories(
  index: Index,
  cache: Cache,
  parent: number,
  failures: Map<string, unknown>,
): Promise<void> {
  for (const ino of directoriesIn(index, parent)) {
    await turn();
    const path = pathOf(index, ino) ?? [];
    attempt(path.join('/'), failures, () =>
      closeDirectory(openDirectory(cache.root, path, { create: publicMode })),
    );
    // Albums hold no directories, and months neither: their entries, of all files, need not be looked through.
    if (parent !== albumsIno && path.length < 3) await makeDirectories(index, cache, ino, failures);
  }
}

function settleTime(index: Index, files: CachedFiles, ino: number): void {
  const inode = getInode(index, ino);
  const recorded = getCached(index, ino);
  const fd = files.open(ino);
  if (fd === undefined) return;
  try {
    if (inode === undefined || recorded === undefined) return;
    futimesSync(fd, new Date(), new Date(inode.mtime * 1000));
    recordAgain(index, ino, fd, recorded);
  } finally {
    closeSync(fd);
  }
}

/** A hard link changes the file's ctime: opened before as recorded, it is recorded again after. */
function relink(
  index: Index,
  cache: Cache,
  files: CachedFiles,
  ino: number,
  failures: Map<string, unknown>,
): void {
  const recorded = getCached(index, ino);
  const fd = files.open(ino);
  if (fd === undefined) return;
  try {
    const linked = linkAlbums(index, cache, ino);
    for (const [path, error] of linked.failures) failures.set(path, error);
    if (linked.named && recorded !== undefined) recordAgain(index, ino, fd, recorded);
  } finally {
    closeSync(fd);
  }
}

/** Not over a record that came meanwhile: another process may have published a revision, and its bytes would count as wrong. */
function recordAgain(index: Index, ino: number, fd: number, recorded: CachedRow): void {
  transaction(index, () => {
    const now = getCached(index, ino);
    if (now !== undefined && sameStat(now, recorded) && now.sha256.equals(recorded.sha256))
      putCached(index, ino, { ...statOf(fstatSync(fd)), sha256: recorded.sha256 });
  });
}
