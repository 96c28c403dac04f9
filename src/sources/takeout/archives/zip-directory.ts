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

/** An entry with the first byte behind it: its local header is at least this long. */
interface Extent {
  readonly entry: ArchiveEntry;
  readonly end: number;
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
  const extents: Extent[] = [];
  const records = await eachRecord(
    directory,
    problems,
    () => throwIfAborted(signal, file.path),
    (record) => {
      const extent = toExtent(record, place, problems);
      if (extent !== undefined) extents.push(extent);
    },
  );
  const counted = place.zip64 ? records : records % 0x10000;
  if (counted !== place.count)
    problems.archive(
      `its directory holds ${records} entries, its end record says ${place.count}`,
      downloadAgain,
    );
  return { entries: withoutOverlaps(extents, problems), problems: problems.all(), small: undefined };
}

/** One record as an entry, or undefined (a folder, or a problem noted). */
function toExtent(record: DirectoryRecord, place: DirectoryPlace, problems: ProblemList): Extent | undefined {
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
  const entry: ArchiveEntry = {
    path: located.path,
    size: record.size,
    crc32: record.crc32,
    offset: record.offset,
    address: zipAddress(record.method, record.compressedSize, record.nameLength),
    seekable: record.method === zipMethods.stored,
    modified: Number.isNaN(record.modified) ? undefined : Math.floor(record.modified / 1000),
  };
  return { entry, end: minimalEnd(record) };
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
function withoutOverlaps(extents: readonly Extent[], problems: ProblemList): ArchiveEntry[] {
  let end = 0;
  const orderly = extents.every((extent) => {
    const fits = extent.entry.offset >= end;
    end = extent.end;
    return fits;
  });
  if (orderly) return extents.map((extent) => extent.entry);
  const rank = new Map(extents.map((extent, at) => [extent, at]));
  const sorted = [...extents].sort(
    (a, b) => a.entry.offset - b.entry.offset || (rank.get(b) ?? 0) - (rank.get(a) ?? 0),
  );
  const out = new Set<ArchiveEntry>();
  for (const [at, { entry, end }] of sorted.entries()) {
    const next = sorted[at + 1]?.entry;
    if (next === undefined || end <= next.offset) continue;
    out.add(entry);
    problems.entry(entry.path, 'its data overlap those of another entry', useOriginal);
  }
  return extents.filter(({ entry }) => !out.has(entry)).map(({ entry }) => entry);
}
