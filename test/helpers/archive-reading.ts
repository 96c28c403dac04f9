/** What every archive test does: list, open an entry, take all its bytes, or the error it ends in. */
import { readdirSync, readlinkSync } from 'node:fs';
import { GphotosfsError } from '../../src/model/errors.ts';
import type { Location } from '../../src/model/words.ts';
import type { OpenRequest } from '../../src/sources/source.ts';
import type { Archive, ArchiveEntry, SmallEntry } from '../../src/sources/takeout/archives/archive.ts';

export const never = new AbortController().signal;

/** The entry as the index would hand it back. */
export async function locate(archive: Archive, entry: ArchiveEntry): Promise<Location> {
  return { ...entry, source: 'takeout', archive: archive.name, fingerprint: await archive.fingerprint() };
}

export async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Lists the archive and reads the entry at `path` (its end is enough). */
export async function readPath(archive: Archive, path: string, request: OpenRequest = {}): Promise<Buffer> {
  const entry = await entryAt(archive, path);
  return collect(archive.open(await locate(archive, entry), request));
}

export async function entryAt(archive: Archive, path: string): Promise<ArchiveEntry> {
  const { entries, problems } = await archive.list(never);
  const entry = entries.find((one) => one.path.endsWith(path));
  if (entry === undefined) throw new Error(`no ${path} among ${entries.length}; ${JSON.stringify(problems)}`);
  return entry;
}

export async function readAllSmall(
  archive: Archive,
  entries: readonly ArchiveEntry[],
  maxBytes = 1 << 20,
): Promise<SmallEntry[]> {
  const all: SmallEntry[] = [];
  for await (const batch of archive.readSmall(entries, maxBytes, never)) all.push(...batch);
  return all;
}

/** The GphotosfsError that the promise must end in. */
export async function failureOf(promise: Promise<unknown>): Promise<GphotosfsError> {
  const outcome = await promise.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  );
  if (outcome instanceof GphotosfsError) return outcome;
  throw outcome;
}

/** How many descriptors of this process lead to the file; only where /proc tells. */
export function descriptorsOf(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path);
    } catch {
      return false;
    }
  }).length;
}
