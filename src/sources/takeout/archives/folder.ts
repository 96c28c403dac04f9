/**
 * A Takeout that its owner unpacked: a folder of files. It has no checksums, so each file is held to the size and
 * modification time it had when it was listed, before and after it is read. Links are never followed.
 */
import { createHash } from 'node:crypto';
import { close, fstat } from 'node:fs';
import { promisify } from 'node:util';
import { GphotosfsError } from '../../../model/errors.ts';
import type { Location } from '../../../model/words.ts';
import type { OpenRequest } from '../../source.ts';
import type { Archive, ArchiveEntry, ArchiveListing, SmallEntry } from './archive.ts';
import { sourceChanged } from './archive-file.ts';
import { bytesOf, throwIfAborted } from './byte-range.ts';
import { parseFolderAddress } from './folder-address.ts';
import { listFolder } from './folder-listing.ts';
import { openInside } from './open-inside.ts';
import { nameEntry } from './problem-list.ts';

const closeFd = promisify(close);
const statFd = promisify(fstat);

/** Sidecars read at a time; Node works on four of them at once by default. */
const batchSize = 64;

/** The folder at `root` (absolute). Nothing is read before the first call. */
export function folderArchive(root: string): Archive {
  // A scan asks for the fingerprint and, if that is new, for the listing: one walk serves both.
  let walked: ArchiveListing | undefined;
  const never = new AbortController().signal;
  return {
    name: root,
    path: root,
    sequential: false,
    async fingerprint() {
      walked = await listFolder(root, never);
      return fingerprintOf(walked);
    },
    async list(signal) {
      throwIfAborted(signal, root);
      const listing = walked ?? (await listFolder(root, signal));
      walked = undefined;
      return listing;
    },
    readSmall: (entries, maxBytes, signal) => readSmallFiles(root, entries, maxBytes, signal),
    open: (location, request) => openFile(root, location, request),
    close: async () => undefined,
  };
}

/** Changes when a file appears, vanishes, or has another size or time. */
function fingerprintOf(listing: ArchiveListing): string {
  const hash = createHash('sha256');
  for (const { path, address } of listing.entries) hash.update(`${path}\0${address}\0`);
  return hash.digest('base64url');
}

/** An open descriptor that is known to be the file of this address, now. */
async function openListed(root: string, address: string) {
  const { fingerprint, raw } = parseFolderAddress(address);
  const path = `${root}/${raw}`;
  const fd = await openInside(root, raw);
  const check = async () => {
    const stats = await statFd(fd, { bigint: true });
    if (!stats.isFile() || `${stats.size}:${stats.mtimeNs}` !== fingerprint) throw sourceChanged(path);
  };
  try {
    await check();
  } catch (error) {
    await closeFd(fd);
    throw error;
  }
  return { ...bytesOf(fd, path), check, close: () => closeFd(fd) };
}

async function* openFile(
  root: string,
  location: Location,
  request: OpenRequest,
): AsyncGenerator<Buffer, void> {
  const { start = 0, end = location.size, signal } = request;
  const from = Math.max(0, start);
  const to = Math.min(end, location.size);
  throwIfAborted(signal, root);
  const file = await openListed(root, location.address);
  try {
    for await (const chunk of file.stream(from, to, signal)) {
      // The last bytes are only given when the file is still the one that was listed: no checksum would tell.
      // Before each chunk, as the chunk that turns out to be the last is not known to the range.
      await file.check();
      yield chunk;
    }
  } finally {
    await file.close();
  }
}

async function* readSmallFiles(
  root: string,
  entries: readonly ArchiveEntry[],
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<readonly SmallEntry[], void, undefined> {
  const sorted = [...entries].sort((a, b) => a.offset - b.offset);
  for (let at = 0; at < sorted.length; at += batchSize) {
    throwIfAborted(signal, root);
    yield await Promise.all(
      sorted.slice(at, at + batchSize).map((entry) => readSmallFile(root, entry, maxBytes)),
    );
  }
}

async function readSmallFile(root: string, entry: ArchiveEntry, maxBytes: number): Promise<SmallEntry> {
  const failed = (what: string, remedy: string): SmallEntry => ({
    entry,
    bytes: undefined,
    problem: { where: nameEntry(root, entry.path), what, remedy },
  });
  if (entry.size > maxBytes)
    return failed(`it is larger than the ${maxBytes} bytes allowed for it`, 'Nothing to do.');
  try {
    const file = await openListed(root, entry.address);
    try {
      const bytes = await file.read(0, entry.size);
      await file.check();
      return { entry, bytes, problem: undefined };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof GphotosfsError)) throw error;
    return failed(error.message, error.hint ?? 'Look at the file, then run "gphotosfs sync".');
  }
}
