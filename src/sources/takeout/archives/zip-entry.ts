/**
 * Opens one entry of a zip: finds its data behind the local header (APPNOTE 4.3.7) and streams them. A stored entry is
 * read from any byte on; a deflated one is inflated from its start.
 */
import type { Location } from '../../../model/words.ts';
import type { OpenRequest } from '../../source.ts';
import type { OpenArchive } from './archive-file.ts';
import { sliceStream, throwIfAborted } from './byte-range.ts';
import { readsAsUtf8 } from './entry-path.ts';
import { type EntryReader, entryReader } from './entry-reader.ts';
import { badContent, inflate, inflateBeginning, inflateWhole } from './inflate.ts';
import { nameEntry } from './problem-list.ts';
import { parseZipAddress, type ZipAddress, zipMethods } from './zip-address.ts';

const headerSignature = 0x04034b50;
const headerBytes = 30;

/**
 * What is read beyond header and name at once. Local extra fields are short: 0, 20 (zip64) or 28 bytes (Info-ZIP's
 * times) in common archivers.
 */
const extraGuess = 64;

/** With so few compressed bytes the entry comes in the same read as its header. */
const smallEntry = 64 * 1024;
/** The same where nothing else waits: in one call 300 kB take a tenth of what they take as a stream. */
const smallAtOnce = 16 << 20;

/** Where an entry's data lie; the end is exclusive. */
export interface DataPlace {
  readonly start: number;
  readonly end: number;
}

/** Bytes to read from an entry's header on so that, as a rule, all its data are among them. */
export const wholeEntry = ({ nameLength, compressedSize }: ZipAddress): number =>
  headerBytes + nameLength + extraGuess + compressedSize;

/**
 * Finds the data from the first bytes of the local header, which were read from `offset`.
 * @param what Entry and archive, for messages.
 * @throws GphotosfsError `bad-content` when this is not the local header the directory told of.
 */
export function findData(
  header: Buffer,
  offset: number,
  { nameLength, compressedSize, deflated }: ZipAddress,
  dataEnd: number,
  what: string,
): DataPlace {
  if (!isHeader(header))
    throw badContent(what, `there is no entry at byte ${offset}, where the directory says it is`);
  const sameName = header.readUInt16LE(26) === nameLength;
  const sameMethod = (header.readUInt16LE(8) === zipMethods.deflated) === deflated;
  if (!sameName || !sameMethod) throw badContent(what, 'the archive contradicts itself about this entry');
  const start = offset + headerBytes + nameLength + header.readUInt16LE(28);
  if (start + compressedSize > dataEnd)
    throw badContent(what, 'its data would reach beyond the data of the archive');
  return { start, end: start + compressedSize };
}

const isHeader = (bytes: Buffer): boolean =>
  bytes.length >= headerBytes && bytes.readUInt32LE(0) === headerSignature;

/** Entry and archive for messages, by the name in the local header. */
function describe(header: Buffer, archive: string): string {
  if (!isHeader(header)) return archive;
  const raw = header.subarray(headerBytes, headerBytes + header.readUInt16LE(26));
  return nameEntry(archive, raw.toString(readsAsUtf8(raw) ? 'utf8' : 'latin1'));
}

/**
 * Streams the entry's bytes from `request.start` to `request.end`.
 * @param dataEnd Where the central directory begins: entries end before it.
 * @throws GphotosfsError `bad-content`, `bad-source`, `interrupted`, and as `readFailure` tells.
 */
export async function* openEntry(
  file: OpenArchive,
  dataEnd: number,
  location: Location,
  request: OpenRequest,
): AsyncGenerator<Buffer, void, undefined> {
  const address = parseZipAddress(location.address);
  const { start = 0, end = location.size, signal, atOnce = false } = request;
  const limit = atOnce ? smallAtOnce : smallEntry;
  const from = Math.max(0, start);
  const to = Math.min(end, location.size);
  throwIfAborted(signal, file.path);
  if (file.requests !== undefined && (address.deflated || from === 0)) {
    yield* openFar(file, dataEnd, location, { from, to, signal });
    return;
  }
  const whole = address.compressedSize <= limit && (address.deflated || from === 0);
  const head = await file.read(
    location.offset,
    whole ? wholeEntry(address) : headerBytes + address.nameLength,
  );
  const what = describe(head, file.path);
  const place = findData(head, location.offset, address, dataEnd, what);
  throwIfAborted(signal, file.path);
  const present = head.subarray(place.start - location.offset, place.end - location.offset);

  if (!address.deflated) {
    if (from >= to) return;
    const ready = present.subarray(from, to);
    if (ready.length > 0) yield ready;
    yield* file.stream(place.start + from + ready.length, place.start + to, signal);
    return;
  }
  const small = location.size <= limit && present.length === address.compressedSize;
  const inflated = small
    ? [inflateWhole(present, location.size, what)]
    : inflate(file.stream(place.start, place.end, signal), location.size, what);
  yield* sliceStream(inflated, from, to, to === location.size);
}

interface Wanted {
  readonly from: number;
  readonly to: number;
  readonly signal: AbortSignal | undefined;
}

/** The same in one request, header and data together, where a request is what costs. */
async function* openFar(
  file: OpenArchive,
  dataEnd: number,
  location: Location,
  { from, to, signal }: Wanted,
): AsyncGenerator<Buffer, void, undefined> {
  const address = parseZipAddress(location.address);
  if (!address.deflated && from >= to) return;
  const data = address.deflated ? address.compressedSize : to;
  const endOf = (length: number) =>
    Math.min(location.offset + wholeEntry({ ...address, compressedSize: length }), dataEnd);
  const begun = address.deflated ? deflatedBeginning(to, data) : data;
  const ranges = [[location.offset, endOf(begun)] as const, [endOf(begun), endOf(data)] as const];
  const reader = entryReader(file, begun < data ? ranges : [[location.offset, endOf(data)]], signal);
  try {
    const { what } = await readHeader(reader, file, location, address, dataEnd);
    if (begun < data) {
      const beginning = await reader.read(begun);
      const ready = inflateBeginning(beginning, to, what);
      if (ready !== undefined && ready.length >= to) yield ready.subarray(from, to);
      else
        yield* sliceStream(
          inflate(both(beginning, reader.take(data - begun)), location.size, what),
          from,
          to,
          false,
        );
      return;
    }
    if (address.deflated)
      yield* sliceStream(inflate(reader.take(data), location.size, what), from, to, to === location.size);
    else yield* sliceStream(reader.take(data), from, to, false);
  } finally {
    await reader.close();
  }
}

/** A piece from the start of a deflated entry that is held in memory to be inflated. */
const shortPiece = 1 << 20;

/**
 * How many of the compressed bytes surely hold the first `wanted` ones, where most would be sent for nothing; else all. What
 * deflate can't shrink grows by 5 bytes for each block that is stored as it is (RFC 1951, section 3.2.4), of 16 kB
 * and more in common archivers.
 */
function deflatedBeginning(wanted: number, compressedSize: number): number {
  const beginning = wanted + (wanted >> 8) + 1024;
  return wanted <= shortPiece && beginning * 2 < compressedSize ? beginning : compressedSize;
}

async function* both(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield first;
  yield* rest;
}

/** Reads the header that the reader has come to, up to the entry's data. @throws `bad-content` as `findData` */
export async function readHeader(
  reader: EntryReader,
  file: OpenArchive,
  location: Pick<Location, 'offset'>,
  address: ZipAddress,
  dataEnd: number,
): Promise<{ readonly what: string }> {
  const head = await reader.read(headerBytes + address.nameLength);
  const what = describe(head, file.path);
  const { start } = findData(head, location.offset, address, dataEnd, what);
  await reader.skipTo(start);
  return { what };
}
