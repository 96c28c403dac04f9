/**
 * Turns the records of a zip's central directory into entries, and decides which of them are handed out. Neither a
 * local header nor a photo is read here: what the directory claims is checked against itself and the file's length.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { ArchiveEntry, ArchiveListing } from './archive.ts';
import type { OpenArchive } from './archive-file.ts';
import { throwIfAborted } from './byte-range.ts';
import { entryPath } from './entry-path.ts';
import { downloadAgain, type ProblemList, problemList, useOriginal } from './problem-list.ts';
import { maxDeflateRatio, zipAddress, zipMethods } from './zip-address.ts';
import type { DirectoryPlace } from './zip-end-record.ts';
import type { DirectoryRecord } from './zip-record.ts';
import { eachRecord, encrypted, withoutPassword } from './zip-records.ts';

/** The entries that can be handed out. */
interface Found {
  readonly entries: ArchiveEntry[];
  /** The first byte behind each: its local header is at least as long as the directory tells. */
  readonly ends: number[];
}

/**
 * Lists the archive's entries, in the directory's order.
 * @throws GphotosfsError `bad-source` when the file ends within the directory, `interrupted`.
 */
export async function readDirectory(
  file: OpenArchive,
  place: DirectoryPlace,
  signal: AbortSignal,
): Promise<ArchiveListing> {
  const directory = await file.read(place.offset, place.size);
  if (directory.length < place.size)
    throw new GphotosfsError('bad-source', `${file.path} ends within its directory`, { hint: downloadAgain });
  const problems = problemList(file.path);
  const found: Found = { entries: [], ends: [] };
  const records = await eachRecord(
    directory,
    problems,
    () => throwIfAborted(signal, file.path),
    (record) => {
      const entry = toEntry(record, place, problems);
      if (entry === undefined) return;
      found.entries.push(entry);
      found.ends.push(minimalEnd(record));
    },
  );
  const counted = place.zip64 ? records : records % 0x10000;
  if (counted !== place.count)
    problems.archive(
      `its directory holds ${records} entries, its end record says ${place.count}`,
      downloadAgain,
    );
  return { entries: withoutOverlaps(found, problems), problems: problems.all(), small: undefined };
}

/** One record as an entry, or undefined (a folder, or a problem noted). */
function toEntry(
  record: DirectoryRecord,
  place: DirectoryPlace,
  problems: ProblemList,
): ArchiveEntry | undefined {
  const { name } = record;
  if (name.endsWith('/') || fileTypeOf(record) === fileTypes.directory) return undefined;
  const located = entryPath(name);
  if (located.refused !== undefined) {
    problems.entry(name, located.refused, useOriginal);
    return undefined;
  }
  const trouble = check(record, place);
  if (trouble !== undefined) {
    problems.entry(name, trouble.what, trouble.remedy);
    return undefined;
  }
  return {
    path: located.path,
    size: record.size,
    crc32: record.crc32,
    offset: record.offset,
    address: zipAddress(record.method, record.compressedSize, record.nameLength),
    seekable: record.method === zipMethods.stored,
    modified: Number.isNaN(record.modified) ? undefined : Math.floor(record.modified / 1000),
  };
}

/** Unix file types (stat.h) in the high half of the external attributes; 0 where the archiver gave none. */
const fileTypes = { mask: 0o170000, regular: 0o100000, directory: 0o040000, link: 0o120000 };

const fileTypeOf = (record: DirectoryRecord): number => (record.attributes >>> 16) & fileTypes.mask;

/** What stands against handing out this entry. */
function check(record: DirectoryRecord, place: DirectoryPlace): { what: string; remedy: string } | undefined {
  const { method, compressedSize, size } = record;
  const type = fileTypeOf(record);
  if (record.encrypted) return { what: encrypted, remedy: withoutPassword };
  if (type === fileTypes.link)
    return {
      what: 'it is a symbolic link',
      remedy: 'Nothing to do: Google writes no links. Links are never followed.',
    };
  if (type !== 0 && type !== fileTypes.regular)
    return { what: 'it is not a regular file', remedy: useOriginal };
  if (method !== zipMethods.stored && method !== zipMethods.deflated)
    return {
      what: `it is compressed by method ${method}, which gphotosfs does not read`,
      remedy: useOriginal,
    };
  if (
    !Number.isSafeInteger(size) ||
    !Number.isSafeInteger(minimalEnd(record)) ||
    minimalEnd(record) > place.offset
  )
    return { what: 'its data would reach beyond the data of the archive', remedy: downloadAgain };
  if (method === zipMethods.stored && size !== compressedSize)
    return {
      what: `it is stored as ${compressedSize} bytes, but said to hold ${size}`,
      remedy: downloadAgain,
    };
  if (method === zipMethods.deflated && size > (compressedSize + 1) * maxDeflateRatio)
    return {
      what: `${compressedSize} compressed bytes cannot hold ${size} (a "zip bomb")`,
      remedy: useOriginal,
    };
  return undefined;
}

/** First byte that can belong to somebody else: the local header's own extra field and a descriptor come on top. */
const minimalEnd = (record: DirectoryRecord): number =>
  record.offset + 30 + record.nameLength + record.compressedSize;

/**
 * Leaves out entries that reach into the next one: overlapping entries make a few bytes stand for any number of files,
 * and no archiver writes them. Of entries that share one local header the first stays.
 */
function withoutOverlaps({ entries, ends }: Found, problems: ProblemList): readonly ArchiveEntry[] {
  if (entries.every(({ offset }, at) => at === 0 || offset >= (ends[at - 1] ?? 0))) return entries;
  // By offset; of one offset the last of the directory first, so that it reaches into the others.
  const sorted = [...entries.keys()].sort(
    (a, b) => (entries[a]?.offset ?? 0) - (entries[b]?.offset ?? 0) || b - a,
  );
  const out = new Set<ArchiveEntry>();
  for (const [rank, at] of sorted.entries()) {
    const entry = entries[at];
    const next = entries[sorted[rank + 1] ?? -1];
    if (entry === undefined || next === undefined || (ends[at] ?? 0) <= next.offset) continue;
    out.add(entry);
    problems.entry(entry.path, 'its data overlap those of another entry', useOriginal);
  }
  return entries.filter((entry) => !out.has(entry));
}
