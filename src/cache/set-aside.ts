/**
 * What had a file's name before new bytes get it: a revision's predecessor, a file that was damaged, something that
 * isn't ours. It keeps its bytes under a name in `.gphotosfs/superseded`.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { extname } from 'node:path';
import { addSuperseded, getCached, listSuperseded } from '../index/cached.ts';
import type { Index } from '../index/open.ts';
import { errorCode } from '../model/errors.ts';
import type { Cache } from './cache.ts';
import { sameStat, statOf } from './cached-file.ts';
import type { Directory } from './directories.ts';
import { hashFile } from './hash.ts';

/** Sets aside what has the name in this directory, if anything has, and notes it unless its bytes are kept already. */
export async function setAside(
  index: Index,
  cache: Cache,
  directory: Directory,
  name: string,
  next: { readonly ino: number; readonly sha256: Buffer },
): Promise<void> {
  const kept = `${next.ino}.${randomBytes(6).toString('hex')}${extname(name)}`;
  const path = `${cache.superseded.path}/${kept}`;
  if (!keep(`${directory.path}/${name}`, path)) return;
  const stats = lstatSync(path);
  if (!stats.isFile()) return;
  const recorded = getCached(index, next.ino);
  // Keeping it changed the ctime, so only the rest can tell whether it is what was recorded.
  const known =
    recorded !== undefined && sameStat({ ...recorded, ctimeMs: 0 }, { ...statOf(stats), ctimeMs: 0 });
  const sha256 = known ? recorded.sha256 : await hashOf(path);
  if (sha256 === undefined) return;
  const isKept = listSuperseded(index, next.ino).some((one) => one.sha256.equals(sha256));
  if (sha256.equals(next.sha256) || isKept) return unlinkSync(path);
  // The second name is on disk before the first goes to other bytes.
  fsyncSync(cache.superseded.fd);
  const record = { ino: next.ino, path: kept, size: stats.size, sha256: sha256.toString('hex') };
  cache.journal.append([{ type: 'superseded', ...record }]);
  addSuperseded(index, next.ino, sha256, stats.size, kept);
}

/** Gives it a second name, so that the first is never free; where the file system has no links, it moves. */
function keep(path: string, kept: string): boolean {
  // Mostly there is none, and an exception costs more than asking.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
  try {
    linkSync(path, kept);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return false;
    // EPERM: a directory (rename says so), or a file system without links, such as exFAT.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EMLINK') throw error;
    if (lstatSync(path).isDirectory()) return false;
    renameSync(path, kept);
    return true;
  }
}

async function hashOf(path: string): Promise<Buffer | undefined> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    // Unreadable: it is kept all the same.
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
