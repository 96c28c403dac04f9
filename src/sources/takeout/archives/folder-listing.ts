/**
 * Walks an unpacked Takeout: every regular file with size and modification time, in an order that doesn't depend on
 * the file system. What is not a regular file, can't be read or can't be named is a problem; the rest goes on.
 */
import { lstat, readdir } from 'node:fs';
import { promisify } from 'node:util';
import { errorCode } from '../../../model/errors.ts';
import type { ArchiveEntry, ArchiveListing } from './archive.ts';
import { throwIfAborted } from './byte-range.ts';
import { entryPath, readsAsUtf8 } from './entry-path.ts';
import { folderAddress } from './folder-address.ts';
import { type ProblemList, problemList } from './problem-list.ts';
import { readFailure } from './read-failure.ts';

const statLink = promisify(lstat);
const readFolder = promisify(readdir);

/** Files looked at together; Node works on four of them at once by default. */
const together = 64;

/**
 * Lists the folder. An entry's offset is its rank in the byte order of the paths.
 * @throws GphotosfsError `source-gone`, `no-permission` for the folder itself, `interrupted`.
 */
export async function listFolder(root: string, signal: AbortSignal): Promise<ArchiveListing> {
  const problems = problemList(root);
  const found: Found[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    throwIfAborted(signal, root);
    const names = await namesIn(root, folder, problems);
    for (let at = 0; at < names.length; at += together) {
      const some = await Promise.all(
        names.slice(at, at + together).map((name) => look(root, name, problems)),
      );
      for (const one of some) {
        if (one === undefined) continue;
        if ('folder' in one) folders.push(one.folder);
        else found.push(one);
      }
    }
  }
  found.sort((a, b) => Buffer.compare(a.key, b.key) || (a.raw < b.raw ? -1 : 1));
  return { entries: found.map(toEntry), problems: problems.all(), small: undefined };
}

interface Found {
  /** Its NFC path, and the same as bytes for sorting. */
  readonly path: string;
  readonly key: Buffer;
  /** As the file system has it. */
  readonly raw: string;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** The raw paths of what lies in a folder. */
async function namesIn(root: string, folder: string, problems: ProblemList): Promise<string[]> {
  let names: Buffer[];
  try {
    names = await readFolder(`${root}/${folder}`, 'buffer');
  } catch (error) {
    if (folder === '') throw readFailure(error, root);
    problems.entry(folder, `this folder can't be read (${errorCode(error) ?? 'unknown error'})`, letRead);
    return [];
  }
  const prefix = folder === '' ? '' : `${folder}/`;
  return names.flatMap((name) => {
    if (readsAsUtf8(name)) return [`${prefix}${name.toString('utf8')}`];
    const visible = `${prefix}${name.toString('latin1')}`;
    problems.entry(
      visible,
      'its name is not valid UTF-8',
      'Rename it (convmv can do that), then run "gphotosfs sync".',
    );
    return [];
  });
}

/** One name as a file or as a folder to walk; undefined when it is neither, and then a problem is noted. */
async function look(
  root: string,
  raw: string,
  problems: ProblemList,
): Promise<Found | { readonly folder: string } | undefined> {
  const located = entryPath(raw);
  if (located.refused !== undefined) {
    problems.entry(raw, located.refused, 'Rename or move it, then run "gphotosfs sync".');
    return undefined;
  }
  try {
    const stats = await statLink(`${root}/${raw}`, { bigint: true });
    if (stats.isDirectory()) return { folder: raw };
    if (stats.isFile())
      return {
        path: located.path,
        key: Buffer.from(located.path),
        raw,
        size: stats.size,
        mtimeNs: stats.mtimeNs,
      };
    problems.entry(
      raw,
      stats.isSymbolicLink() ? 'it is a symbolic link' : 'it is not a regular file',
      'Put the file itself there, then run "gphotosfs sync". Links are never followed.',
    );
  } catch (error) {
    // Gone between the two looks: as good as never there.
    if (errorCode(error) !== 'ENOENT')
      problems.entry(raw, `it can't be looked at (${errorCode(error) ?? 'unknown error'})`, letRead);
  }
  return undefined;
}

const letRead = 'Give the user that runs gphotosfs the right to read it, then run "gphotosfs sync".';

const toEntry = ({ path, raw, size, mtimeNs }: Found, rank: number): ArchiveEntry => ({
  path,
  size: Number(size),
  crc32: undefined,
  offset: rank,
  address: folderAddress(size, mtimeNs, raw),
  seekable: true,
  modified: Number(mtimeNs / 1_000_000_000n),
});
