/**
 * Tells by content what an owner's path is: a zip, a tgz or a folder. Names prove nothing: browsers add ` (1)`, Drive
 * renames, and a saved error page is called `.zip` as well.
 */
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GphotosfsError } from '../../../model/errors.ts';
import type { Archive } from './archive.ts';
import { folderArchive } from './folder.ts';
import { localFile } from './local-file.ts';
import { downloadAgain } from './problem-list.ts';
import { readFailure } from './read-failure.ts';
import { tgzArchive } from './tgz.ts';
import { zipArchive } from './zip.ts';
import { findDirectory } from './zip-end-record.ts';

/**
 * The archive at `path`. Only its first and last bytes are read; whether it is whole shows when it is listed.
 * @throws GphotosfsError `source-gone`, `no-permission`, `bad-source` when it is none of the three.
 */
export async function openArchive(path: string): Promise<Archive> {
  const name = resolve(path);
  try {
    const stats = await stat(name);
    if (stats.isDirectory()) return folderArchive(name);
    if (!stats.isFile()) throw unusable(name, 'is neither a file nor a folder');
    if (stats.size === 0) throw unusable(name, 'is empty');
    const head = await firstBytes(name);
    if (head.readUInt16BE(0) === 0x1f8b) return tgzArchive(localFile(name)); // RFC 1952 section 2.3.1
    // `PK`, then 3 4: an entry; 5 6: the end record of an empty zip; 7 8: a marker some splitters leave in front.
    if ([0x504b0304, 0x504b0506, 0x504b0708].includes(head.readUInt32BE(0)))
      return zipArchive(localFile(name));
    // A self-extracting zip begins with a program; its end record tells.
    if (await hasEndRecord(name)) return zipArchive(localFile(name));
  } catch (error) {
    throw readFailure(error, name);
  }
  throw unusable(name, 'is neither a zip nor a tgz');
}

/** Four bytes, zeros where the file is shorter. */
async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(4);
    await file.read(bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    await file.close();
  }
}

async function hasEndRecord(path: string): Promise<boolean> {
  const file = localFile(path);
  try {
    const open = await file.use();
    await findDirectory(open).finally(open.release);
    return true;
  } catch (error) {
    if (error instanceof GphotosfsError && error.kind === 'bad-source') return false;
    throw error;
  } finally {
    await file.close();
  }
}

const unusable = (path: string, what: string) =>
  new GphotosfsError('bad-source', `${path} ${what}`, { hint: downloadAgain });
