/**
 * A Takeout part as a tgz. It has no directory and no way to start in the middle: listing reads all of it, once,
 * keeping the sidecars that it passes; whoever wants photos asks for many in one pass.
 */
import { crc32 } from 'node:zlib';
import { GphotosfsError } from '../../../model/errors.ts';
import type { Location } from '../../../model/words.ts';
import type { Archive, ArchiveEntry, ArchiveListing, SmallEntry } from './archive.ts';
import { type ArchiveFile, type OpenArchive, sourceChanged } from './archive-file.ts';
import { sliceStream } from './byte-range.ts';
import { entryPath } from './entry-path.ts';
import { badContent } from './inflate.ts';
import { downloadAgain, nameEntry, type ProblemList, problemList, useOriginal } from './problem-list.ts';
import { type TarEntry, tarEntries } from './tar-stream.ts';

/** A sidecar has 1 to 5 kB; a `.json` above this is none. */
const maxSidecar = 1024 * 1024;
/** All sidecars kept by one listing: 100,000 have some 100 MB. An archive made to fill the memory has more. */
const maxKept = 256 * 1024 * 1024;
/** Sidecars handed out at a time by readSmall. */
const batchSize = 64;

/** The tgz that the file is. Nothing is read before the first call. */
export function tgzArchive(file: ArchiveFile): Archive {
  let listed: string | undefined;

  async function* openMany(locations: readonly Location[], signal: AbortSignal | undefined) {
    const wanted = [...locations].sort((a, b) => a.offset - b.offset);
    const open = await file.use(wanted[0]?.fingerprint);
    try {
      if (wanted.some(({ fingerprint }) => fingerprint !== open.fingerprint)) throw sourceChanged(file.path);
      yield* pick(open, wanted, signal);
    } finally {
      await open.release();
    }
  }

  return {
    name: file.name,
    path: file.path,
    sequential: true,
    fingerprint: () => file.fingerprint(),
    async list(signal) {
      const open = await file.use();
      try {
        const listing = await listTar(open, signal);
        // The pass may have taken minutes; what was written meanwhile is not what was listed.
        if ((await file.fingerprint()) !== open.fingerprint) throw sourceChanged(file.path);
        listed = open.fingerprint;
        return listing;
      } finally {
        await open.release();
      }
    },
    async *readSmall(entries, maxBytes, signal) {
      const open = await file.use(listed);
      try {
        yield* readSidecars(open, entries, maxBytes, signal);
      } finally {
        await open.release();
      }
    },
    async *open(location, request) {
      const { start = 0, end = location.size, signal } = request;
      for await (const { bytes } of openMany([location], signal))
        yield* sliceStream(bytes, Math.max(0, start), Math.min(end, location.size), end >= location.size);
    },
    openMany,
    close: () => file.close(),
  };
}

async function listTar(open: OpenArchive, signal: AbortSignal): Promise<ArchiveListing> {
  const problems = problemList(open.path);
  const entries: ArchiveEntry[] = [];
  const small = new Map<number, Buffer>();
  let room = maxKept;
  try {
    for await (const member of tarEntries(open, signal)) {
      const path = usablePath(member, problems);
      if (path === undefined) continue;
      const keep = /\.json$/i.test(path) && member.size <= Math.min(maxSidecar, room);
      const kept: Buffer[] = [];
      let crc = 0;
      for await (const chunk of member.bytes) {
        crc = crc32(chunk, crc);
        if (keep) kept.push(chunk);
      }
      entries.push(toEntry(member, path, crc));
      if (!keep) continue;
      small.set(member.ordinal, Buffer.concat(kept));
      room -= member.size;
    }
  } catch (error) {
    if (!(error instanceof GphotosfsError) || error.kind !== 'bad-source') throw error;
    const what = error.message.replace(`${open.path} `, 'it ');
    problems.archive(`${what}; ${entries.length} files before that are used`, downloadAgain);
  }
  return { entries, problems: problems.all(), small };
}

/** The path of a file that may be used; otherwise undefined, and a problem is noted unless it is a folder. */
function usablePath(member: TarEntry, problems: ProblemList): string | undefined {
  const { name, type, size } = member;
  if (type === 'directory') return undefined;
  const what =
    type === 'symlink' || type === 'link'
      ? 'it is a link'
      : (type !== 'file' && type !== 'contiguous-file') || !Number.isSafeInteger(size)
        ? 'it is not a regular file'
        : undefined;
  const located = entryPath(name);
  if (what === undefined && located.refused === undefined) return located.path;
  problems.entry(name, what ?? located.refused ?? '', useOriginal);
  return undefined;
}

function toEntry(member: TarEntry, path: string, crc: number): ArchiveEntry {
  const modified = member.modified.getTime();
  return {
    path,
    size: member.size,
    crc32: crc,
    offset: member.ordinal,
    address: '',
    seekable: false,
    modified: Number.isNaN(modified) ? undefined : Math.floor(modified / 1000),
  };
}

/** One pass that stops behind the last entry wanted. `wanted` is sorted by offset. */
async function* pick(open: OpenArchive, wanted: readonly Location[], signal: AbortSignal | undefined) {
  let at = 0;
  if (wanted.length === 0) return;
  for await (const member of tarEntries(open, signal)) {
    const location = wanted[at];
    if (location === undefined || member.ordinal < location.offset) continue;
    yield { location, bytes: exactly(member, location, open.path) };
    if (++at === wanted.length) return;
  }
  throw sourceChanged(open.path);
}

/** The member's bytes, if it is as long as the location says: tar itself makes sure of the member's size. */
async function* exactly(
  member: TarEntry,
  location: Location,
  archive: string,
): AsyncGenerator<Buffer, void, undefined> {
  if (member.size !== location.size)
    throw badContent(
      nameEntry(archive, member.name),
      `it has ${member.size} bytes instead of ${location.size}`,
    );
  yield* member.bytes;
}

async function* readSidecars(
  open: OpenArchive,
  entries: readonly ArchiveEntry[],
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<readonly SmallEntry[], void, undefined> {
  const wanted = new Map(entries.map((entry) => [entry.offset, entry]));
  let batch: SmallEntry[] = [];
  for await (const member of wanted.size === 0 ? [] : tarEntries(open, signal)) {
    const entry = wanted.get(member.ordinal);
    if (entry === undefined) continue;
    wanted.delete(member.ordinal);
    batch.push(await readSidecar(member, entry, maxBytes, open.path));
    if (wanted.size === 0) break;
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function readSidecar(
  member: TarEntry,
  entry: ArchiveEntry,
  maxBytes: number,
  archive: string,
): Promise<SmallEntry> {
  const failed = (what: string): SmallEntry => ({
    entry,
    bytes: undefined,
    problem: { where: nameEntry(archive, entry.path), what, remedy: downloadAgain },
  });
  if (member.size > maxBytes) return failed(`it is larger than the ${maxBytes} bytes allowed for it`);
  const chunks: Buffer[] = [];
  for await (const chunk of member.bytes) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (crc32(bytes) !== entry.crc32) return failed('its bytes are not those that were listed (wrong CRC-32)');
  return { entry, bytes, problem: undefined };
}
