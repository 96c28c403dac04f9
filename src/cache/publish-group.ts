/**
 * Takes a group of settled files into the cache. The order makes a crash at any point harmless: a file's bytes are on
 * disk (`settleFile`) before it has its name (rename), the name before anyone is told (fsync of the directory, then the
 * journal), and the index is told last. What a crash leaves is a partial file, which is swept, or a file without a
 * row, which `recheck.ts` finds again.
 */
import { fstatSync, renameSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { putCached } from '../index/cached.ts';
import { getFile, setFileContent } from '../index/items.ts';
import { type Index, transaction } from '../index/open.ts';
import { dropRevision, getRevision, isWanted } from '../index/revisions.ts';
import { type Attributes, changeInode, getInode, pathOf } from '../index/tree.ts';
import { sameContent } from '../model/content.ts';
import { GphotosfsError } from '../model/errors.ts';
import type { Content, UnixSeconds } from '../model/words.ts';
import type { Cache } from './cache.ts';
import { cacheError } from './cache-error.ts';
import { statOf } from './cached-file.ts';
import { closeDirectory, type Directory, openDirectory, publicMode } from './directories.ts';
import type { JournalRecord } from './journal-record.ts';
import { linkAlbums } from './links.ts';
import type { Partial } from './partial.ts';
import { setAside } from './set-aside.ts';
import { fsyncFile, settle } from './settle.ts';

/** A file whose bytes are complete and verified. */
export interface Verified {
  readonly ino: number;
  readonly partial: Partial & { readonly name: string };
  readonly content: Content;
  readonly sha256: Buffer;
  /** It has its time and is on the disk already. */
  readonly onDisk?: boolean;
}

/**
 * Puts a file's time and then everything of it onto the disk.
 * @throws as `cacheError` tells
 */
export async function settleFile(index: Index, { ino, partial, content, onDisk }: Verified): Promise<void> {
  if (onDisk) return;
  try {
    await settle(partial.fd, timeOf(index, ino, content));
  } catch (error) {
    throw notCached(index, ino, error);
  }
}

const notCached = (index: Index, ino: number, error: unknown): unknown =>
  cacheError(error, `"${pathOf(index, ino)?.join('/')}" cannot be cached`);

/** Files that are given their names before others have a turn: a millisecond. */
const filesATurn = 8;

/**
 * Publishes a group of files that are settled. One file's trouble (a directory in its place, say) is not the others'.
 * @returns the files that are not in the cache now, with the reason
 */
export async function publishGroup(
  index: Index,
  cache: Cache,
  files: readonly Verified[],
): Promise<ReadonlyMap<Verified, unknown>> {
  const failures = new Map<Verified, unknown>();
  const directories = openedDirectories(cache);
  const fail = (file: Verified, error: unknown) => failures.set(file, notCached(index, file.ino, error));
  const going = () => files.filter((file) => !failures.has(file));
  try {
    const named: Named[] = [];
    for (const [at, file] of files.entries()) {
      // A dozen calls of the file system each; whoever waits for the main thread shall not wait for all of them.
      if (at % filesATurn === filesATurn - 1) await turn();
      try {
        named.push(await giveName(index, cache, directories, file));
      } catch (error) {
        fail(file, error);
      }
    }
    await directories.sync();
    for (const { file } of named) linkAlbums(index, cache, file.ino);
    const outdated = await publishTogether(index, cache, named);
    for (const { file } of outdated) fail(file, changed(index, file.ino));
  } catch (error) {
    for (const file of going()) fail(file, error);
  } finally {
    directories.close();
  }
  return failures;
}

/** A file under its name in the tree. */
interface Named {
  readonly file: Verified;
  readonly path: string;
}

async function giveName(
  index: Index,
  cache: Cache,
  directories: OpenedDirectories,
  file: Verified,
): Promise<Named> {
  const path = pathOf(index, file.ino);
  const name = path?.at(-1);
  if (path === undefined || name === undefined) {
    throw new GphotosfsError('internal', `inode ${file.ino} has no name in the tree`);
  }
  if (!isWanted(index, file.ino, file.content)) throw changed(index, file.ino);
  const directory = directories.open(path.slice(0, -1));
  await setAside(index, cache, directory, name, file);
  renameSync(`${cache.partial.path}/${file.partial.name}`, `${directory.path}/${name}`);
  return { file, path: path.join('/') };
}

/** Other bytes than these are wanted by now. Where they have their name already, the next ones set them aside. */
const changed = (index: Index, ino: number): GphotosfsError =>
  new GphotosfsError('source-changed', `"${getFile(index, ino)?.name}" changed while it was fetched`, {
    hint: 'A sync has listed other bytes of it meanwhile: the next read or prefetch fetches those.',
  });

/**
 * Journal, then index: from here on the files are cached.
 * @returns those that are not, for a sync has changed what is wanted of them
 */
async function publishTogether(index: Index, cache: Cache, named: readonly Named[]): Promise<Named[]> {
  const now = Math.floor(Date.now() / 1000);
  const early = new Set(named.filter(({ file }) => isSettled(index, file)));
  const outdated: Named[] = [];
  // The index never knows what the journal doesn't.
  await cache.journal.settle([...early].map(cachedRecord));
  transaction(index, () => {
    const records = named.flatMap((one) => {
      const { ino, partial, content, sha256 } = one.file;
      if (!isWanted(index, ino, content)) {
        outdated.push(one);
        return [];
      }
      // After rename and links, for they changed the ctime.
      putCached(index, ino, { ...statOf(fstatSync(partial.fd)), sha256 });
      const shown = showContent(index, ino, content, now);
      return early.has(one) ? shown : [cachedRecord(one), ...shown];
    });
    // Before the commit; of Takeout's photos there is none but of revisions. Theirs are together: a journal that had the
    // new bytes as cached, and the length of the old ones, would have readers get the new ones cut off.
    cache.journal.append(records);
  });
  return outdated;
}

/** Whether its bytes are those that the file shows already, as far as that is known. A sidecar that isn't cached may change. */
function isSettled(index: Index, { ino, content }: Verified): boolean {
  const shown = getFile(index, ino);
  return shown === undefined || (shown.role !== 'sidecar' && sameContent(shown, content));
}

const cachedRecord = ({ file: { ino, content, sha256 }, path }: Named): JournalRecord => ({
  type: 'cached',
  ino,
  path,
  size: content.size,
  sha256: sha256.toString('hex'),
});

/** What the file shows from now on: its CRC-32 where only fetching told it, and of a revision all that is new. */
export function showContent(index: Index, ino: number, content: Content, now: number): JournalRecord[] {
  const before = getFile(index, ino);
  if (before === undefined || (before.size === content.size && before.crc32 === content.crc32)) return [];
  setFileContent(index, ino, content);
  const { item, role, name } = before;
  const { size, crc32 } = content;
  const records: JournalRecord[] = [
    { type: 'file', ino, item, role, name, size, ...(crc32 === undefined ? {} : { crc32 }) },
  ];
  const revision = getRevision(index, ino);
  if (revision === undefined || !sameContent(revision, content)) return records;
  const inode = getInode(index, ino);
  const mtime = inode === undefined ? 0 : timeWith(index, inode, content);
  dropRevision(index, ino);
  if (inode === undefined) return records;
  const { kind: _, ...attributes } = { ...inode, size, mtime, ctime: now };
  changeInode(index, attributes);
  return [...records, { type: 'attributes', ...attributes }];
}

/** The time that a file has in the cache once it shows this content. */
export function timeOf(index: Index, ino: number, content: Content): UnixSeconds | undefined {
  const inode = getInode(index, ino);
  return inode === undefined ? undefined : timeWith(index, inode, content);
}

/** A photo keeps its time; a changed sidecar has its revision's, for rsync takes equal size and time for equal bytes. */
function timeWith(index: Index, { ino, mtime }: Attributes, content: Content): UnixSeconds {
  const revision = getRevision(index, ino);
  if (revision === undefined || !sameContent(revision, content)) return mtime;
  return getFile(index, ino)?.role === 'sidecar' ? revision.exportTime : mtime;
}

interface OpenedDirectories {
  open(names: readonly string[]): Directory;
  /** What was renamed into them is on disk. */
  sync(): Promise<void>;
  close(): void;
}

/** The directories of a group, opened once each. */
function openedDirectories(cache: Cache): OpenedDirectories {
  const opened = new Map<string, Directory>();
  return {
    open(names) {
      const key = names.join('/');
      let directory = opened.get(key);
      if (directory === undefined) {
        directory = openDirectory(cache.root, names, { create: publicMode });
        opened.set(key, directory);
      }
      return directory;
    },
    async sync() {
      await Promise.all([...opened.values()].map(({ fd }) => fsyncFile(fd)));
    },
    close() {
      for (const directory of opened.values()) closeDirectory(directory);
    },
  };
}
