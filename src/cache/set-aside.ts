/**
 * What had a file's name before new bytes get it: a revision's predecessor, a file that was damaged, something that
 * isn't ours. It keeps its bytes under a name in `.gphotosfs/superseded`.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  futimesSync,
  linkSync,
  lstatSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { addSuperseded, getCached, listSuperseded } from '../index/cached.ts';
import type { Index } from '../index/open.ts';
import { errorCode } from '../model/errors.ts';
import type { Cache } from './cache.ts';
import { sameStat, statOf } from './cached-file.ts';
import { type Directory, descriptorPath, type OpenedRegular, openRegular } from './directories.ts';
import { hashFile } from './hash.ts';
import { removePartial } from './partial.ts';
import type { Claim } from './room.ts';

/** Sets aside what has the name in this directory, if anything has, and notes it unless its bytes are kept already. */
export async function setAside(
  index: Index,
  cache: Cache,
  directory: Directory,
  name: string,
  next: { readonly ino: number; readonly sha256: Buffer },
): Promise<void> {
  // Mostly there is nothing, and an exception, or random bytes for a name, cost more than asking.
  if (lstatSync(`${directory.path}/${name}`, { throwIfNoEntry: false }) === undefined) return;
  const kept = `${next.ino}.${randomBytes(6).toString('hex')}${extname(name)}`;
  if (!(await keep(cache, directory, name, kept))) return;
  const path = `${cache.superseded.path}/${kept}`;
  const stats = lstatSync(path);
  if (!stats.isFile()) return;
  const recorded = getCached(index, next.ino);
  // Keeping it changed the ctime, so only the rest can tell whether it is what was recorded.
  const known =
    recorded !== undefined && sameStat({ ...recorded, ctimeMs: 0 }, { ...statOf(stats), ctimeMs: 0 });
  const sha256 = known ? recorded.sha256 : await hashOf(cache.superseded, kept);
  if (sha256 === undefined) return;
  if (sha256.equals(next.sha256) || (await isKept(index, cache, next.ino, sha256))) return unlinkSync(path);
  // The second name is on disk before the first goes to other bytes.
  fsyncSync(cache.superseded.fd);
  const record = { ino: next.ino, path: kept, size: stats.size, sha256: sha256.toString('hex') };
  cache.journal.append([{ type: 'superseded', ...record }]);
  addSuperseded(index, next.ino, sha256, stats.size, kept);
}

/** Whether these bytes of the file are among what was superseded. The owner may have emptied that folder, so a row is not enough. */
async function isKept(index: Index, cache: Cache, ino: number, sha256: Buffer): Promise<boolean> {
  const row = listSuperseded(index, ino).find((one) => one.sha256.equals(sha256));
  return row !== undefined && (await hashOf(cache.superseded, row.path))?.equals(sha256) === true;
}

/** Codes of `link` where the file system has no links (exFAT, some shares), or no more of this file. */
const noLinks: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK']);

/** Gives it a second name, so that the first is never free, whenever the program is killed; false where there is nothing to keep. */
async function keep(cache: Cache, directory: Directory, name: string, kept: string): Promise<boolean> {
  const path = `${directory.path}/${name}`;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  // A directory cannot be linked, and rename says that it is there.
  if (stats === undefined || stats.isDirectory()) return false;
  try {
    linkSync(path, `${cache.superseded.path}/${kept}`);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return false;
    if (!noLinks.has(code)) throw error;
  }
  if (!(await keepCopy(cache, directory, name, kept))) renameSync(path, `${cache.superseded.path}/${kept}`);
  return true;
}

/** Without links, the second name is of a copy. False for what can't be copied, which is no photo that anyone could read. */
async function keepCopy(cache: Cache, directory: Directory, name: string, kept: string): Promise<boolean> {
  let opened: OpenedRegular;
  try {
    opened = openRegular(directory, name);
  } catch {
    return false;
  }
  const { fd, stats } = opened;
  let claim: Claim | undefined;
  try {
    claim = cache.room.claim(stats.size);
    // What a kill leaves among the partial files is swept.
    const path = `${cache.partial.path}/${kept}`;
    await copyFile(descriptorPath(fd), path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    const copy = openRegular(cache.partial, kept);
    try {
      futimesSync(copy.fd, new Date(), stats.mtime);
      fsyncSync(copy.fd);
    } finally {
      closeSync(copy.fd);
    }
    renameSync(path, `${cache.superseded.path}/${kept}`);
    return true;
  } catch (error) {
    removePartial(cache.partial, kept);
    throw error;
  } finally {
    claim?.end();
    closeSync(fd);
  }
}

async function hashOf(directory: Directory, name: string): Promise<Buffer | undefined> {
  let fd: number;
  try {
    fd = openRegular(directory, name).fd;
  } catch {
    // Not there, or unreadable: then it is kept all the same.
    return undefined;
  }
  try {
    return (await hashFile(fd)).sha256;
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}
