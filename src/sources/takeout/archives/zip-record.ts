/**
 * One record of a zip's central directory (APPNOTE 4.3.12), where there is nothing odd about it: no zip64, no
 * encryption, a name in UTF-8. Nearly all are like that. The others are yauzl's (`zip-odd-records.ts`), which knows every
 * oddity but takes 7 µs a record for it, this 1 µs: with 200,000 records that is a tenth of a sync.
 */

/** What a record says, by whomever it was read. */
export interface DirectoryRecord {
  /** With `/` between its parts. */
  readonly name: string;
  /** Bytes of the name as it stands in the archive. */
  readonly nameLength: number;
  readonly encrypted: boolean;
  readonly method: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly crc32: number;
  /** Of the local header. */
  readonly offset: number;
  /** External file attributes, with the Unix mode in the high half. */
  readonly attributes: number;
  /** Milliseconds, UTC; NaN for a date that is none. */
  readonly modified: number;
}

export const recordSignature = 0x02014b50;
export const recordBytes = 46;
/** In place of a size or offset that stands in a zip64 field. */
const elsewhere = 0xffff_ffff;
/** Encrypted, "strongly" encrypted (APPNOTE 4.4.4). */
export const encryptedFlags = 0x41;

/** Extra fields that change what a record means (APPNOTE 4.5): NTFS times and the Unicode path. */
const oddFields: ReadonlySet<number> = new Set([0x000a, 0x7075]);
/** Info-ZIP's "universal timestamp". */
const timestampField = 0x5455;

/** Whole length of the record at `at`, bytes, which may reach beyond the directory. */
export const recordLength = (directory: Buffer, at: number): number =>
  recordBytes +
  directory.readUInt16LE(at + 28) +
  directory.readUInt16LE(at + 30) +
  directory.readUInt16LE(at + 32);

/** The record at `at`; undefined where there is none, or an odd one. */
export function plainRecord(directory: Buffer, at: number): DirectoryRecord | undefined {
  if (at + recordBytes > directory.length || directory.readUInt32LE(at) !== recordSignature) return undefined;
  if (at + recordLength(directory, at) > directory.length) return undefined;
  if (directory.readUInt16LE(at + 8) & encryptedFlags) return undefined;
  const compressedSize = directory.readUInt32LE(at + 20);
  const size = directory.readUInt32LE(at + 24);
  const offset = directory.readUInt32LE(at + 42);
  if (compressedSize === elsewhere || size === elsewhere || offset === elsewhere) return undefined;

  const nameLength = directory.readUInt16LE(at + 28);
  const nameEnd = at + recordBytes + nameLength;
  const name = directory.toString('utf8', at + recordBytes, nameEnd);
  // U+FFFD comes from bytes that are no UTF-8.
  if (name.includes('\ufffd') || name.includes('\\')) return undefined;
  const stamp = timestampOf(directory, nameEnd, nameEnd + directory.readUInt16LE(at + 30));
  if (stamp === undefined) return undefined;
  return {
    name,
    nameLength,
    encrypted: false,
    method: directory.readUInt16LE(at + 10),
    compressedSize,
    size,
    crc32: directory.readUInt32LE(at + 16),
    offset,
    attributes: directory.readUInt32LE(at + 38),
    modified: stamp ?? dosTime(directory.readUInt16LE(at + 14), directory.readUInt16LE(at + 12)),
  };
}

/** The time in the extra fields, milliseconds; null where none of them has it; undefined where there are odd ones. */
function timestampOf(directory: Buffer, start: number, end: number): number | null | undefined {
  let stamp: number | null = null;
  for (let at = start; at < end - 3; ) {
    const id = directory.readUInt16LE(at);
    const data = at + 4;
    at = data + directory.readUInt16LE(at + 2);
    if (at > end || oddFields.has(id)) return undefined;
    // Its flags, of which the lowest says that the modification time follows.
    if (id === timestampField && stamp === null && at - data >= 5 && (directory[data] ?? 0) & 1)
      stamp = directory.readInt32LE(data + 1) * 1000;
  }
  return stamp;
}

/** DOS times have no zone; they are read as UTC, exact enough for "the time of the export". */
function dosTime(date: number, time: number): number {
  const [year, month, day] = [(date >> 9) + 1980, ((date >> 5) & 15) - 1, date & 31];
  return Date.UTC(year, month, day, time >> 11, (time >> 5) & 63, (time & 31) * 2);
}
