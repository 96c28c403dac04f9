/**
 * Reads the sidecars of a zip: sorted by offset, neighbours in one read, several reads at a time, and each batch while
 * the one before is being used. Between big photos every sidecar is a read of its own, header and data together.
 */
import { crc32 } from 'node:zlib';
import { GphotosfsError } from '../../model/errors.ts';
import type { ArchiveEntry, SmallEntry } from './archive.ts';
import type { OpenArchive } from './archive-file.ts';
import { readPiece, throwIfAborted } from './byte-range.ts';
import { badContent, inflateWhole } from './inflate.ts';
import { downloadAgain, nameEntry } from './problem-list.ts';
import { parseZipAddress, type ZipAddress } from './zip-address.ts';
import { findData, wholeEntry } from './zip-entry.ts';

/** Entries closer than this are read together: copying so much costs no more than another read. */
const joinGap = 64 * 1024;
/** Longest joined read, bytes. */
const maxRun = 1024 * 1024;
/** Reads per batch. Node works on four at a time by default; more would only hold memory. */
const runsPerBatch = 64;
/** Bytes read ahead per batch, so that 64 long runs don't add up to 64 MiB. */
const bytesPerBatch = 4 * 1024 * 1024;

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
  const batches = toBatches(toRuns(entries, maxBytes));
  const tooLarge = entries.filter((entry) => !isSmall(entry, maxBytes));
  if (tooLarge.length > 0)
    yield tooLarge.map((entry) =>
      failed(file, entry, `it is larger than the ${maxBytes} bytes allowed for it`),
    );

  const load = (batch: readonly Run[] | undefined) => {
    const loading = Promise.all((batch ?? []).map((run) => readPiece(file, run.start, run.end - run.start)));
    // Whoever awaits it sees the failure; when nobody does any more, it must not end the process.
    loading.catch(() => undefined);
    return loading;
  };
  let loading = load(batches[0]);
  try {
    for (const [at, batch] of batches.entries()) {
      const pieces = await loading;
      throwIfAborted(signal, file.path);
      loading = load(batches[at + 1]);
      yield await unpack(file, dataEnd, batch, pieces);
      throwIfAborted(signal, file.path);
    }
  } finally {
    // The file must not be closed under a read that is still going on.
    await loading.catch(() => undefined);
  }
}

/** Both sizes count: what is read is the compressed data. Deflate never makes much more of it than it was. */
const isSmall = (entry: ArchiveEntry, maxBytes: number): boolean =>
  entry.size <= maxBytes && parseZipAddress(entry.address).compressedSize <= maxBytes + 1024;

function toRuns(entries: readonly ArchiveEntry[], maxBytes: number): Run[] {
  const sorted = entries.filter((entry) => isSmall(entry, maxBytes)).sort((a, b) => a.offset - b.offset);
  const runs: Run[] = [];
  let run: Run | undefined;
  for (const entry of sorted) {
    const address = parseZipAddress(entry.address);
    const end = entry.offset + wholeEntry(address);
    if (run === undefined || entry.offset - run.end > joinGap || end - run.start > maxRun) {
      run = { start: entry.offset, end, wanted: [] };
      runs.push(run);
    }
    run.end = Math.max(run.end, end);
    run.wanted.push({ entry, address });
  }
  return runs;
}

function toBatches(runs: readonly Run[]): Run[][] {
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

async function unpack(
  file: OpenArchive,
  dataEnd: number,
  batch: readonly Run[],
  pieces: readonly Buffer[],
): Promise<SmallEntry[]> {
  const unpacked: SmallEntry[] = [];
  for (const [at, run] of batch.entries()) {
    for (const { entry, address } of run.wanted) {
      const what = nameEntry(file.path, entry.path);
      try {
        const head = (pieces[at] ?? Buffer.alloc(0)).subarray(entry.offset - run.start);
        const place = findData(head, entry.offset, address, dataEnd, what);
        const present = head.subarray(place.start - entry.offset, place.end - entry.offset);
        // Only behind an uncommonly long local extra field are the data not there yet.
        const data =
          present.length === address.compressedSize
            ? present
            : await readPiece(file, place.start, address.compressedSize);
        unpacked.push({ entry, bytes: decode(data, address, entry, what), problem: undefined });
      } catch (error) {
        if (!(error instanceof GphotosfsError) || error.kind !== 'bad-content') throw error;
        unpacked.push(failed(file, entry, error.message.replace(`${what}: `, '')));
      }
    }
  }
  return unpacked;
}

function decode(data: Buffer, address: ZipAddress, entry: ArchiveEntry, what: string): Buffer {
  if (data.length < address.compressedSize) throw badContent(what, 'the archive ends within it');
  // A copy: the joined read that it is a part of is not to be kept alive by one sidecar.
  const bytes = address.deflated ? inflateWhole(data, entry.size, what) : Buffer.from(data);
  if (crc32(bytes) !== entry.crc32) throw badContent(what, 'its bytes are damaged (wrong CRC-32)');
  return bytes;
}

const failed = (file: OpenArchive, entry: ArchiveEntry, what: string): SmallEntry => ({
  entry,
  bytes: undefined,
  problem: { where: nameEntry(file.path, entry.path), what, remedy: downloadAgain },
});
