/**
 * Many entries of a zip in one pass of long ranges, each split into entries as it arrives. What lies between the entries
 * wanted is read over as long as that is cheaper than another request. Small entries that the pass comes by are taken
 * along: asked for by themselves each would be a request of its own.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Location } from '../../../model/words.ts';
import type { Passing, SmallEntry } from './archive.ts';
import type { OpenArchive } from './archive-file.ts';
import { throwIfAborted } from './byte-range.ts';
import { type EntryReader, entryReader, type Range } from './entry-reader.ts';
import { gathered } from './gathered.ts';
import { inflate, inflateWhole } from './inflate.ts';
import { parseZipAddress, type ZipAddress } from './zip-address.ts';
import { readHeader, wholeEntry } from './zip-entry.ts';
import { decodeSmall, failed } from './zip-small.ts';

/** As much arrives in the time of a request and its answer: 50 ms at some 20 MB/s. */
const skipGap = 1 << 20;
/** Entries up to this size are handed out in one piece: chunks from a network are small, and each costs its receiver. */
const wholeBytes = 2 << 20;
/** Pieces of larger ones, bytes. */
const pieceBytes = 512 << 10;
/** What is only taken along must cost no more than this. */
const takeAlongGap = 64 << 10;

export interface SweepRequest {
  readonly file: OpenArchive;
  /** Entries end before it. */
  readonly dataEnd: number;
  readonly locations: readonly Location[];
  readonly passing: Passing | undefined;
  readonly signal: AbortSignal;
}

/** What one entry met that the others would meet too: all but content that is damaged. */
interface Trouble {
  error: unknown;
}

/** An entry on the way: one that is wanted, or one to be taken along. */
interface Stop {
  readonly offset: number;
  readonly end: number;
  readonly address: ZipAddress;
  readonly location: Location | undefined;
  readonly small: Passing['entries'][number] | undefined;
}

export async function* sweepEntries(
  request: SweepRequest,
): AsyncGenerator<{ readonly location: Location; readonly bytes: AsyncIterable<Buffer> }, void, undefined> {
  const { file, dataEnd, passing, signal } = request;
  const stretches = toStretches(stopsOf(request));
  const longest = file.requests?.longRange ?? Number.POSITIVE_INFINITY;
  const ranges = stretches.flatMap((stops) => toRanges(stops, dataEnd, longest));
  const reader = entryReader(file, ranges, signal);
  const trouble: Trouble = { error: undefined };
  try {
    for (const stop of stretches.flat()) {
      throwIfAborted(signal, file.path);
      if (trouble.error !== undefined) throw trouble.error;
      // Behind its own header an entry may reach further than its directory lets guess; then nothing is skipped.
      if (reader.position() > stop.offset)
        throw new GphotosfsError('bad-source', `${file.path}: two of its entries overlap`);
      const { location, small } = stop;
      if (location !== undefined) {
        await reader.skipTo(stop.offset);
        yield { location, bytes: entryBytes(reader, request, stop, location, trouble) };
      } else if (small !== undefined && passing !== undefined) {
        await reader.skipTo(stop.offset);
        passing.take(await takeAlong(reader, request, stop, small));
      }
    }
  } finally {
    await reader.close();
  }
}

function stopsOf({ locations, passing }: SweepRequest): Stop[] {
  const stop = (offset: number, text: string): Pick<Stop, 'offset' | 'end' | 'address'> => {
    const address = parseZipAddress(text);
    return { offset, end: offset + wholeEntry(address), address };
  };
  const wanted = new Set(locations.map(({ offset }) => offset));
  const smalls = (passing?.entries ?? []).filter(
    ({ offset, size }) => !wanted.has(offset) && size <= (passing?.maxBytes ?? 0),
  );
  return [
    ...locations.map(
      (location): Stop => ({ ...stop(location.offset, location.address), location, small: undefined }),
    ),
    ...smalls.map((small): Stop => ({ ...stop(small.offset, small.address), location: undefined, small })),
  ].sort((a, b) => a.offset - b.offset);
}

/** Stops that lie close enough together; without those that have nothing that is wanted. */
function toStretches(stops: readonly Stop[]): Stop[][] {
  const stretches: Stop[][] = [];
  let before: Stop | undefined;
  for (const stop of stops) {
    const bothWanted = before?.location !== undefined && stop.location !== undefined;
    const gap = before === undefined ? Number.POSITIVE_INFINITY : stop.offset - before.end;
    if (gap <= (bothWanted ? skipGap : takeAlongGap)) stretches.at(-1)?.push(stop);
    else stretches.push([stop]);
    before = stop;
  }
  return stretches.filter((stretch) => stretch.some(({ location }) => location !== undefined));
}

/** The ranges of a stretch: as long as allowed, cut between entries or, in a long one, within. */
function toRanges(stops: readonly Stop[], dataEnd: number, longest: number): Range[] {
  const start = stops[0]?.offset ?? 0;
  const last = stops.reduce((most, stop) => Math.max(most, stop.end), 0);
  const end = Math.min(last, dataEnd);
  const ranges: Range[] = [];
  for (let from = start; from < end; from += longest) ranges.push([from, Math.min(from + longest, end)]);
  return ranges;
}

async function* entryBytes(
  reader: EntryReader,
  { file, dataEnd }: SweepRequest,
  { offset, address }: Stop,
  location: Location,
  trouble: Trouble,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    const { what } = await readHeader(reader, file, { offset }, address, dataEnd);
    if (Math.max(address.compressedSize, location.size) <= wholeBytes) {
      const data = await reader.read(address.compressedSize);
      if (data.length < address.compressedSize)
        throw new GphotosfsError('bad-source', `${file.path} ends at byte ${reader.position()}`);
      yield address.deflated ? inflateWhole(data, location.size, what) : data;
      return;
    }
    const data = reader.take(address.compressedSize);
    yield* gathered(address.deflated ? inflate(data, location.size, what) : data, pieceBytes);
  } catch (error) {
    if (!(error instanceof GphotosfsError) || error.kind !== 'bad-content') trouble.error = error;
    throw error;
  }
}

async function takeAlong(
  reader: EntryReader,
  { file, dataEnd }: SweepRequest,
  { offset, address }: Stop,
  entry: SmallEntry['entry'],
): Promise<SmallEntry> {
  try {
    const { what } = await readHeader(reader, file, { offset }, address, dataEnd);
    const data = await reader.read(address.compressedSize);
    return { entry, bytes: decodeSmall({ entry, address, what, data }), problem: undefined };
  } catch (error) {
    if (!(error instanceof GphotosfsError) || error.kind !== 'bad-content') throw error;
    return failed(file, entry, error.message);
  }
}
