/**
 * Reads the sidecars of a zip: sorted by offset, neighbours in one read, several reads at a time, and each batch while
 * the one before is being used. Between big photos every sidecar is a read of its own, header and data together.
 */
import { crc32 } from 'node:zlib';
import { GphotosfsError } from '../../../model/errors.ts';
import type { ArchiveEntry, SmallEntry } from './archive.ts';
import type { OpenArchive, RequestCost } from './archive-file.ts';
import { throwIfAborted } from './byte-range.ts';
import { badContent, type Deflated, inflateTogether, inflateWhole } from './inflate.ts';
import { downloadAgain, nameEntry } from './problem-list.ts';
import { parseZipAddress, type ZipAddress } from './zip-address.ts';
import { type DataPlace, findData, wholeEntry } from './zip-entry.ts';

/** On disk: copying 64 kB costs no more than another read. */
const onDisk = { joinGap: 64 * 1024, longestRun: 256 * 1024 };
/** Reads per batch. Node works on four at a time by default; more would only hold memory. */
const runsPerBatch = 64;
/** Bytes read ahead per batch, so that 64 long runs don't add up to 16 MiB. */
const bytesPerBatch = 1024 * 1024;
/**
 * The same where runs are long because requests are dear: four of 1 MiB are on their way while four are used. Memory goes with it
 * where photos are so small that sidecars lie close together: of 100,000 photos in 2 GB with twice as much and pieces joined
 * before they were copied, a sync had 255 MB at its peak, and has 237 MB.
 */
const bytesPerFarBatch = 4 * 1024 * 1024;

interface Wanted {
  readonly entry: ArchiveEntry;
  readonly address: ZipAddress;
}

/** Entries that are read together. */
interface Run {
  readonly start: number;
  end: number;
  readonly wanted: Wanted[];
}

/**
 * The bytes of small entries, batch by batch in ascending offset; each checked against its CRC-32.
 * @param dataEnd Where the central directory begins.
 * @throws GphotosfsError `interrupted`, and as `readFailure` tells; what is wrong with one entry is its problem.
 */
export async function* readSmallEntries(
  file: OpenArchive,
  dataEnd: number,
  entries: readonly ArchiveEntry[],
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<readonly SmallEntry[], void, undefined> {
  const { wanted, tooLarge } = bySize(entries, maxBytes);
  const bytes = file.requests === undefined ? bytesPerBatch : bytesPerFarBatch;
  const batches = toBatches(toRuns(wanted, file.requests), bytes);
  // On disk Node's own queue does that.
  const inTurn = file.requests?.inTurn;
  if (tooLarge.length > 0)
    yield tooLarge.map((entry) =>
      failed(file, entry, `it is larger than the ${maxBytes} bytes allowed for it`),
    );

  let isOver = false;
  const read = async (run: Run): Promise<Buffer> => {
    // Nobody takes it any more.
    if (isOver) return Buffer.alloc(0);
    try {
      return await file.read(run.start, Math.min(run.end, dataEnd) - run.start);
    } catch (error) {
      isOver = true;
      throw error;
    }
  };
  const load = (batch: readonly Run[] | undefined): readonly Promise<Buffer>[] => {
    const reads = (batch ?? []).map((run) => (inTurn === undefined ? read(run) : inTurn(() => read(run))));
    // Whoever awaits it sees the failure; when nobody does any more, it must not end the process.
    for (const one of reads) one.catch(() => undefined);
    return reads;
  };
  let loading = load(batches[0]);
  let next: typeof loading = [];
  try {
    for (const [at, batch] of batches.entries()) {
      const pieces = await Promise.all(loading);
      throwIfAborted(signal, file.path);
      next = load(batches[at + 1]);
      yield await unpack(file, dataEnd, batch, pieces);
      throwIfAborted(signal, file.path);
      loading = next;
    }
  } finally {
    isOver = true;
    // The file must not be closed under a read that is still going on.
    await Promise.allSettled([...loading, ...next]);
  }
}

interface Sorted {
  readonly wanted: Wanted[];
  readonly tooLarge: ArchiveEntry[];
}

/** Both sizes count: what is read is the compressed data. Deflate never makes much more of it than it was. */
function bySize(entries: readonly ArchiveEntry[], maxBytes: number): Sorted {
  const wanted: Wanted[] = [];
  const tooLarge: ArchiveEntry[] = [];
  for (const entry of entries) {
    const address = parseZipAddress(entry.address);
    if (entry.size <= maxBytes && address.compressedSize <= maxBytes + 1024) wanted.push({ entry, address });
    else tooLarge.push(entry);
  }
  wanted.sort((a, b) => a.entry.offset - b.entry.offset);
  return { wanted, tooLarge };
}

function toRuns(
  sorted: readonly Wanted[],
  cost: Pick<RequestCost, 'joinGap' | 'longestRun'> = onDisk,
): Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  for (const wanted of sorted) {
    const { entry, address } = wanted;
    const end = entry.offset + wholeEntry(address);
    if (run === undefined || entry.offset - run.end > cost.joinGap || end - run.start > cost.longestRun) {
      run = { start: entry.offset, end, wanted: [] };
      runs.push(run);
    }
    run.end = Math.max(run.end, end);
    run.wanted.push(wanted);
  }
  return runs;
}

function toBatches(runs: readonly Run[], bytesPerBatch: number): Run[][] {
  const batches: Run[][] = [];
  let batch: Run[] = [];
  let bytes = 0;
  for (const run of runs) {
    const length = run.end - run.start;
    if (batch.length > 0 && (batch.length === runsPerBatch || bytes + length > bytesPerBatch)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(run);
    bytes += length;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** An entry with its compressed bytes. */
export interface Packed extends Wanted {
  /** Entry and archive, for messages. */
  readonly what: string;
  readonly data: Buffer;
}

async function unpack(
  file: OpenArchive,
  dataEnd: number,
  batch: readonly Run[],
  pieces: readonly Buffer[],
): Promise<SmallEntry[]> {
  const unpacked: SmallEntry[] = [];
  const fail = ({ entry, what }: Named, error: unknown): void => {
    if (!(error instanceof GphotosfsError) || error.kind !== 'bad-content') throw error;
    unpacked.push(failed(file, entry, error.message.replace(`${what}: `, '')));
  };
  const packed: Packed[] = [];
  for (const [at, { start, wanted }] of batch.entries()) {
    const piece = pieces[at];
    if (piece === undefined) continue;
    const far = locateAll(piece, start, wanted, dataEnd, packed, fail);
    // Behind an uncommonly long local extra field the data are not there yet.
    for (const { place, ...one } of far)
      packed.push({ ...one, data: await file.read(place.start, one.address.compressedSize) });
  }
  for (const group of toGroups(packed)) decodeGroup(group, unpacked, fail);
  return unpacked;
}

/** What its errors begin with: the plain path, for that is taken off again. */
interface Named {
  readonly entry: ArchiveEntry;
  readonly what: string;
}

type Fail = (one: Named, error: unknown) => void;

/** Adds those whose data are in the piece that was read, from `start` of the file on, to `packed`; gives the others. */
function locateAll(
  piece: Buffer,
  start: number,
  wanted: readonly Wanted[],
  dataEnd: number,
  packed: Packed[],
  fail: Fail,
): (Omit<Packed, 'data'> & { readonly place: DataPlace })[] {
  const far: (Omit<Packed, 'data'> & { readonly place: DataPlace })[] = [];
  for (const { entry, address } of wanted) {
    const what = entry.path;
    try {
      const place = findData(piece.subarray(entry.offset - start), entry.offset, address, dataEnd, what);
      const data = piece.subarray(place.start - start, place.end - start);
      if (data.length === address.compressedSize) packed.push({ entry, address, what, data });
      else far.push({ entry, address, what, place });
    } catch (error) {
      fail({ entry, what }, error);
    }
  }
  return far;
}

function decodeGroup(group: readonly Packed[], unpacked: SmallEntry[], fail: Fail): void {
  const together = decodeTogether(group);
  for (const [at, one] of group.entries())
    try {
      unpacked.push({ entry: one.entry, bytes: together?.[at] ?? decodeSmall(one), problem: undefined });
    } catch (error) {
      fail(one, error);
    }
}

/** Inflated bytes a group: much more would be copied to no use when one entry of it is damaged. */
const bytesPerGroup = 256 * 1024;

/** Entries that are inflated in one call; a large one is alone. */
function toGroups(packed: readonly Packed[]): Packed[][] {
  const groups: Packed[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const one of packed) {
    bytes += one.entry.size;
    if (bytes > bytesPerGroup) {
      groups.push([]);
      bytes = one.entry.size;
    }
    groups.at(-1)?.push(one);
  }
  return groups;
}

/** The bytes of all, when all are deflated and right. */
function decodeTogether(group: readonly Packed[]): readonly Buffer[] | undefined {
  if (group.length === 1) return undefined;
  const all: Deflated[] = [];
  for (const { entry, address, data } of group) {
    if (!address.deflated || data.length < address.compressedSize || entry.crc32 === undefined)
      return undefined;
    all.push({ data, size: entry.size, crc32: entry.crc32 });
  }
  return inflateTogether(all);
}

/** A small entry from its compressed data. @throws `bad-content` */
export function decodeSmall({ data, address, entry, what }: Packed): Buffer {
  if (data.length < address.compressedSize) throw badContent(what, 'the archive ends within it');
  // A copy: the joined read that it is a part of is not to be kept alive by one sidecar.
  const bytes = address.deflated ? inflateWhole(data, entry.size, what) : Buffer.from(data);
  if (crc32(bytes) !== entry.crc32) throw badContent(what, 'its bytes are damaged (wrong CRC-32)');
  return bytes;
}

/** What stands for an entry that can't be used. */
export const failed = (file: OpenArchive, entry: ArchiveEntry, what: string): SmallEntry => ({
  entry,
  bytes: undefined,
  problem: { where: nameEntry(file.path, entry.path), what, remedy: downloadAgain },
});
