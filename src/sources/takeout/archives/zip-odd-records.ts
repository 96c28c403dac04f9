/**
 * Records of a central directory as yauzl reads them, which knows every oddity. It is given nothing but the directory, with end
 * records of our own behind it, so it cannot be led elsewhere. Loaded when a record needs it: few archives have one.
 */
import { Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, RandomAccessReader } from 'yauzl';
import { readsAsUtf8 } from './entry-path.ts';
import { type DirectoryRecord, recordBytes, recordLength } from './zip-record.ts';

/** Gives the record at an offset as yauzl reads it, or its error. Several in a row are read as one list. */
export function oddRecordReader(directory: Buffer): (at: number) => Promise<DirectoryRecord | Error> {
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
