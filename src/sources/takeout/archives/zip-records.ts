/**
 * Goes through the records of a central directory held in memory. yauzl does the parsing; it is given nothing but the
 * directory, with end records of our own behind it, so it cannot be led elsewhere. Where yauzl gives up at a record, it
 * is set up again behind that record: one broken record costs that entry only.
 */
import { Entry, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl';
import { downloadAgain, type ProblemList } from './problem-list.ts';

const recordSignature = 0x02014b50;
const recordBytes = 46;
/** A digital signature may end the directory (APPNOTE 4.3.13). */
const digitalSignature = 0x05054b50;
/** Entries between two pauses for the event loop: some 40 ms. */
const entriesPerTurn = 10_000;

/**
 * Calls `take` for each record that can be parsed, and `turn` now and then, which may throw to stop it. Gives the number
 * of records, those that can't be parsed included; they are noted as problems.
 */
export async function eachRecord(
  directory: Buffer,
  problems: ProblemList,
  turn: () => void,
  take: (record: Entry) => void,
): Promise<number> {
  const bytes = Buffer.concat([directory, Buffer.alloc(endRecordsBytes)]);
  let at = 0;
  let records = 0;
  const more = () =>
    at < directory.length && !(at + 4 <= directory.length && directory.readUInt32LE(at) === digitalSignature);
  while (more()) {
    turn();
    writeEndRecords(bytes, directory.length, at);
    const next = await parser(bytes);
    let found: Entry | Error | undefined = await next();
    while (found instanceof Entry) {
      take(found);
      at += recordBytes + found.fileNameLength + found.extraFieldLength + found.fileCommentLength;
      if (++records % entriesPerTurn === 0) {
        await nextTurn();
        turn();
      }
      found = more() ? await next() : undefined;
    }
    if (found === undefined) break;
    const length = skipBroken(directory, at, found, problems);
    if (length === undefined) break;
    at += length;
    records++;
  }
  return records;
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
  const nameLength = whole ? directory.readUInt16LE(at + 28) : 0;
  const length = whole
    ? recordBytes + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
    : Number.POSITIVE_INFINITY;
  if (at + length > directory.length) {
    problems.archive('its directory is damaged; what comes behind the damage is missing', downloadAgain);
    return undefined;
  }
  const name = directory.toString('utf8', at + recordBytes, at + recordBytes + nameLength);
  const flags = directory.readUInt16LE(at + 8);
  if (flags & encryptedFlags) problems.entry(name, encrypted, withoutPassword);
  else problems.entry(name, `its record in the directory is damaged (${error.message})`, downloadAgain);
  return length;
}

/** Encrypted, and "strongly" so (APPNOTE 4.4.4). */
const encryptedFlags = 0x41;
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
