/**
 * Goes through the records of a central directory held in memory. Plain ones are read by `zip-record.ts`, the others by
 * yauzl; it is given nothing but the directory, with end records of our own behind it, so it cannot be led elsewhere.
 * Where yauzl gives up at a record, it is set up again behind that record: one broken record costs that entry only.
 */
import { Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, RandomAccessReader } from 'yauzl';
import { readsAsUtf8 } from './entry-path.ts';
import { downloadAgain, type ProblemList } from './problem-list.ts';
import {
  type DirectoryRecord,
  encryptedFlags,
  plainRecord,
  recordBytes,
  recordLength,
  recordSignature,
} from './zip-record.ts';

/** A digital signature may end the directory (APPNOTE 4.3.13). */
const digitalSignature = 0x05054b50;
/** Records between two pauses for the event loop: some 10 ms. */
const recordsPerTurn = 10_000;

/**
 * Calls `take` for each record that can be parsed, and `turn` now and then, which may throw to stop it. Gives the number
 * of records, those that can't be parsed included; they are noted as problems.
 */
export async function eachRecord(
  directory: Buffer,
  problems: ProblemList,
  turn: () => void,
  take: (record: DirectoryRecord) => void,
): Promise<number> {
  const readOdd = oddRecordReader(directory);
  let at = 0;
  let records = 0;
  const more = () =>
    at < directory.length && !(at + 4 <= directory.length && directory.readUInt32LE(at) === digitalSignature);
  turn();
  for (; more(); records++) {
    if (records % recordsPerTurn === recordsPerTurn - 1) {
      await nextTurn();
      turn();
    }
    const record = plainRecord(directory, at) ?? (await readOdd(at));
    if (record instanceof Error) {
      const length = skipBroken(directory, at, record, problems);
      if (length === undefined) break;
      at += length;
    } else {
      take(record);
      at += recordLength(directory, at);
    }
  }
  return records;
}

/** Gives the record at an offset as yauzl reads it, or its error. Several in a row are read as one list. */
function oddRecordReader(directory: Buffer): (at: number) => Promise<DirectoryRecord | Error> {
  let bytes: Buffer | undefined;
  let next: Awaited<ReturnType<typeof parser>> | undefined;
  let expected = -1;
  return async (at) => {
    if (next === undefined || at !== expected) {
      bytes ??= Buffer.concat([directory, Buffer.alloc(endRecordsBytes)]);
      writeEndRecords(bytes, directory.length, at);
      next = await parser(bytes);
    }
    const found = await next();
    // After an error it gives nothing more.
    expected = found instanceof Entry ? at + recordLength(directory, at) : -1;
    return found instanceof Entry ? recordOf(found) : found;
  };
}

function recordOf(entry: Entry): DirectoryRecord {
  return {
    name: nameOf(entry),
    nameLength: entry.fileNameLength,
    encrypted: entry.isEncrypted(),
    method: entry.compressionMethod,
    compressedSize: entry.compressedSize,
    size: entry.uncompressedSize,
    crc32: entry.crc32,
    offset: entry.relativeOffsetOfLocalHeader,
    attributes: entry.externalFileAttributes,
    modified: entry.getLastModDate({ timezone: 'UTC' }).getTime(),
  };
}

/**
 * The name: the Unicode path field (0x7075) where there is one, else UTF-8 where the bytes are that, else CP437, in
 * which every byte means something, so that two different names stay different. Backslashes become `/`.
 */
function nameOf(entry: Entry): string {
  const flags = readsAsUtf8(entry.fileNameRaw)
    ? entry.generalPurposeBitFlag | 0x800
    : entry.generalPurposeBitFlag & ~0x800;
  return getFileNameLowLevel(flags, entry.fileNameRaw, entry.extraFields, false);
}

/** yauzl set up over the bytes; each call gives the next record, or the error after which it gives no more. */
async function parser(bytes: Buffer): Promise<() => Entry | Error | Promise<Entry | Error>> {
  const zip = await fromRandomAccessReaderPromise(new MemoryReader(bytes), bytes.length, {
    // Names are decoded by our own rule, and one bad name or size must not end the listing.
    decodeStrings: false,
    validateEntrySizes: false,
    autoClose: false,
  });
  const found: (Entry | Error)[] = [];
  zip.on('entry', (record: Entry) => found.push(record));
  zip.on('error', (error: Error) => found.push(error));
  return () => {
    // The reader answers at once, so the record is there when readEntry returns, without a promise for each;
    // except one with neither name nor extra field nor comment: yauzl puts that off by a turn.
    zip.readEntry();
    return found.pop() ?? nextTurn().then(() => found.pop() ?? new Error('nothing was read'));
  };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Notes a record that yauzl gave up on. Gives its length, or undefined when nothing behind it can be found. */
function skipBroken(directory: Buffer, at: number, error: Error, problems: ProblemList): number | undefined {
  const whole = at + recordBytes <= directory.length && directory.readUInt32LE(at) === recordSignature;
  const length = whole ? recordLength(directory, at) : Number.POSITIVE_INFINITY;
  if (at + length > directory.length) {
    problems.archive('its directory is damaged; what comes behind the damage is missing', downloadAgain);
    return undefined;
  }
  const name = directory.toString(
    'utf8',
    at + recordBytes,
    at + recordBytes + directory.readUInt16LE(at + 28),
  );
  const flags = directory.readUInt16LE(at + 8);
  if (flags & encryptedFlags) problems.entry(name, encrypted, withoutPassword);
  else problems.entry(name, `its record in the directory is damaged (${error.message})`, downloadAgain);
  return length;
}

export const encrypted = 'it is encrypted';
export const withoutPassword =
  'Unpack the archive with its password and add the folder; then run "gphotosfs sync".';

/** Serves yauzl from memory, synchronously. */
class MemoryReader extends RandomAccessReader {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    super();
    this.#bytes = bytes;
  }

  override read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null) => void,
  ): void {
    const there = position + length <= this.#bytes.length;
    if (there) this.#bytes.copy(into, offset, position, position + length);
    done(there ? null : new Error('the record is cut off'));
  }
}

const endRecordsBytes = 56 + 20 + 22;

/** Zip64 end record, locator and end record behind the directory, telling yauzl to start at `from`. */
function writeEndRecords(bytes: Buffer, at: number, from: number): void {
  bytes.fill(0, at);
  bytes.writeUInt32LE(0x06064b50, at);
  // As many entries as could fit: where the directory ends is seen by its length.
  bytes.writeBigUInt64LE(BigInt(Math.ceil(at / recordBytes) + 1), at + 32);
  bytes.writeBigUInt64LE(BigInt(from), at + 48);
  bytes.writeUInt32LE(0x07064b50, at + 56);
  bytes.writeBigUInt64LE(BigInt(at), at + 64);
  bytes.writeUInt32LE(0x06054b50, at + 76);
}
