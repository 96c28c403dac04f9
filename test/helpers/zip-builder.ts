/**
 * Writes real zip files, good ones and precisely broken ones, by PKWARE's APPNOTE 6.3.10. Every field that a
 * reader might believe can be made to lie, one entry at a time; everything else stays correct, so a test knows
 * which lie it tests. Entries go straight to disk: a part of 50,000 photos needs the memory of its directory.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { crc32, deflateRawSync } from 'node:zlib';
import { zerosCrc32 } from './zeros-crc32.ts';

/** What an entry holds; zeros become a hole in a sparse file, however many they are. */
export type Bytes = Buffer | string | { readonly zeros: number };

/** One entry. Everything but name and bytes is for special cases. */
export interface ZipEntry {
  /** A Buffer is written as it is, without the UTF-8 flag: CP437, or nonsense. */
  readonly name: string | Buffer;
  readonly bytes: Bytes;
  /** Compress (method 8); default stored. */
  readonly deflate?: boolean;
  readonly mtime?: Date;
  /** The UTF-8 flag; default true for a string name. */
  readonly utf8?: boolean;
  /** Write sizes and offset in zip64 fields though they would fit without. */
  readonly zip64?: boolean;
  /** Sizes and CRC only behind the data, as streaming writers do (flag bit 3). */
  readonly descriptor?: boolean;
  /** Unix mode with file type, such as 0o120777 for a symlink. */
  readonly mode?: number;
  readonly localExtra?: Buffer;
  readonly centralExtra?: Buffer;

  /** Lies and damage, told in the directory and in the local header alike. */
  readonly lie?: {
    readonly crc32?: number;
    readonly size?: number;
    readonly compressedSize?: number;
    /** Compression method number, such as 12 for bzip2. */
    readonly method?: number;
    /** Further general purpose flags: 0x1 encrypted, 0x41 strongly encrypted. */
    readonly flags?: number;
    /** Only in the directory: where the local header is said to be. */
    readonly headerOffset?: number;
    /** Only in the local header: its signature. */
    readonly localSignature?: number;
    /** Bytes to write as the compressed data. */
    readonly data?: Buffer;
  };
}

export interface ZipOptions {
  /** Zip64 end records though nothing needs them. */
  readonly zip64?: boolean;
  readonly comment?: Buffer;
  /** What the end record says where it shall not say the truth. */
  readonly lie?: {
    readonly count?: number;
    readonly directoryOffset?: number;
    readonly directorySize?: number;
    readonly disk?: number;
  };
}

/** Where things came to lie. */
export interface ZipLayout {
  readonly entries: readonly {
    readonly headerOffset: number;
    readonly dataOffset: number;
    readonly compressedSize: number;
    readonly crc32: number;
  }[];
  readonly directoryOffset: number;
  readonly size: number;
}

const max16 = 0xffff;
const max32 = 0xffffffff;
const flushAt = 1 << 20;

/** A zip file being written. */
export interface ZipWriter {
  add(entry: ZipEntry): void;
  finish(options?: ZipOptions): ZipLayout;
}

/** Creates (or truncates) `path` and takes entries one by one. */
export function openZip(path: string): ZipWriter {
  const fd = openSync(path, 'w');
  const pending: Buffer[] = [];
  let pendingBytes = 0;
  let position = 0;
  const directory: Buffer[] = [];
  const entries: ZipLayout['entries'][number][] = [];

  const flush = () => {
    if (pendingBytes === 0) return;
    const bytes = Buffer.concat(pending);
    writeSync(fd, bytes, 0, bytes.length, position - bytes.length);
    pending.length = 0;
    pendingBytes = 0;
  };
  const write = (bytes: Buffer) => {
    pending.push(bytes);
    pendingBytes += bytes.length;
    position += bytes.length;
    if (pendingBytes >= flushAt) flush();
  };
  const skip = (length: number) => {
    flush();
    position += length;
  };

  return {
    add(entry) {
      const headerOffset = position;
      const { data, size, crc } = encode(entry);
      const compressedSize = typeof data === 'number' ? data : data.length;
      const fields: Fields = {
        name: typeof entry.name === 'string' ? Buffer.from(entry.name) : entry.name,
        flags:
          ((entry.utf8 ?? typeof entry.name === 'string') ? 0x800 : 0) |
          (entry.descriptor ? 0x8 : 0) |
          (entry.lie?.flags ?? 0),
        method: entry.lie?.method ?? (entry.deflate ? 8 : 0),
        time: dosTime(entry.mtime ?? new Date(Date.UTC(2026, 0, 1, 12))),
        crc: entry.lie?.crc32 ?? crc,
        size: entry.lie?.size ?? size,
        compressedSize: entry.lie?.compressedSize ?? compressedSize,
        zip64: entry.zip64 ?? false,
        mode: entry.mode ?? 0o100644,
      };
      write(localHeader(fields, entry));
      const dataOffset = position;
      if (typeof data === 'number') skip(data);
      else write(data);
      if (entry.descriptor) write(dataDescriptor(fields));
      directory.push(centralHeader(fields, entry, entry.lie?.headerOffset ?? headerOffset));
      entries.push({ headerOffset, dataOffset, compressedSize, crc32: crc });
    },
    finish(options = {}) {
      const directoryOffset = position;
      for (const record of directory) write(record);
      const directorySize = position - directoryOffset;
      write(endRecords(directoryOffset, directorySize, entries.length, options));
      flush();
      // A sparse entry as the very last thing before the directory needs no more: the records behind it exist.
      ftruncateSync(fd, position);
      closeSync(fd);
      return { entries, directoryOffset, size: position };
    },
  };
}

/** Writes a whole zip file. */
export function writeZip(path: string, entries: Iterable<ZipEntry>, options: ZipOptions = {}): ZipLayout {
  const zip = openZip(path);
  for (const entry of entries) zip.add(entry);
  return zip.finish(options);
}

interface Fields {
  readonly name: Buffer;
  readonly flags: number;
  readonly method: number;
  readonly time: { readonly time: number; readonly date: number };
  readonly crc: number;
  readonly size: number;
  readonly compressedSize: number;
  readonly zip64: boolean;
  readonly mode: number;
}

/** The entry's data as it goes to disk (a number: that many zeros), with the true size and CRC-32. */
function encode(entry: ZipEntry): { data: Buffer | number; size: number; crc: number } {
  const { bytes } = entry;
  if (typeof bytes === 'object' && 'zeros' in bytes) {
    const crc = zerosCrc32(bytes.zeros);
    if (!entry.deflate) return { data: entry.lie?.data ?? bytes.zeros, size: bytes.zeros, crc };
    return {
      data: entry.lie?.data ?? deflateRawSync(Buffer.alloc(bytes.zeros)),
      size: bytes.zeros,
      crc,
    };
  }
  const plain = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const data = entry.lie?.data ?? (entry.deflate ? deflateRawSync(plain) : plain);
  return { data, size: plain.length, crc: crc32(plain) };
}

/** APPNOTE 4.3.7. */
function localHeader(fields: Fields, entry: ZipEntry): Buffer {
  const { size, compressedSize, descriptor } = hidden(fields, entry);
  const wide = fields.zip64 || size >= max32 || compressedSize >= max32;
  const extra = Buffer.concat([
    // In a local header both sizes have to be there (APPNOTE 4.5.3).
    wide ? zip64Extra([size, compressedSize]) : Buffer.alloc(0),
    entry.localExtra ?? Buffer.alloc(0),
  ]);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(entry.lie?.localSignature ?? 0x04034b50, 0);
  header.writeUInt16LE(wide ? 45 : 20, 4);
  header.writeUInt16LE(fields.flags, 6);
  header.writeUInt16LE(fields.method, 8);
  header.writeUInt16LE(fields.time.time, 10);
  header.writeUInt16LE(fields.time.date, 12);
  header.writeUInt32LE(descriptor ? 0 : fields.crc, 14);
  header.writeUInt32LE(wide ? max32 : compressedSize, 18);
  header.writeUInt32LE(wide ? max32 : size, 22);
  header.writeUInt16LE(fields.name.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, fields.name, extra]);
}

/** With a data descriptor the local header's sizes are zero. */
function hidden(fields: Fields, entry: ZipEntry) {
  const descriptor = entry.descriptor ?? false;
  return {
    descriptor,
    size: descriptor ? 0 : fields.size,
    compressedSize: descriptor ? 0 : fields.compressedSize,
  };
}

/** APPNOTE 4.3.9, with the customary signature. */
function dataDescriptor(fields: Fields): Buffer {
  const wide = fields.zip64 || fields.size >= max32 || fields.compressedSize >= max32;
  const bytes = Buffer.alloc(wide ? 24 : 16);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(fields.crc, 4);
  if (wide) {
    bytes.writeBigUInt64LE(BigInt(fields.compressedSize), 8);
    bytes.writeBigUInt64LE(BigInt(fields.size), 16);
  } else {
    bytes.writeUInt32LE(fields.compressedSize, 8);
    bytes.writeUInt32LE(fields.size, 12);
  }
  return bytes;
}

/** APPNOTE 4.3.12. */
function centralHeader(fields: Fields, entry: ZipEntry, headerOffset: number): Buffer {
  const wide: number[] = [];
  const narrow = (value: number) => {
    if (!fields.zip64 && value < max32) return value;
    wide.push(value);
    return max32;
  };
  // The order of the zip64 fields: size, compressed size, offset (APPNOTE 4.5.3).
  const size = narrow(fields.size);
  const compressedSize = narrow(fields.compressedSize);
  const offset = narrow(headerOffset);
  const extra = Buffer.concat([
    wide.length > 0 ? zip64Extra(wide) : Buffer.alloc(0),
    entry.centralExtra ?? Buffer.alloc(0),
  ]);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE((3 << 8) | 45, 4); // made on Unix, by version 4.5
  header.writeUInt16LE(wide.length > 0 ? 45 : 20, 6);
  header.writeUInt16LE(fields.flags, 8);
  header.writeUInt16LE(fields.method, 10);
  header.writeUInt16LE(fields.time.time, 12);
  header.writeUInt16LE(fields.time.date, 14);
  header.writeUInt32LE(fields.crc, 16);
  header.writeUInt32LE(compressedSize, 20);
  header.writeUInt32LE(size, 24);
  header.writeUInt16LE(fields.name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE((fields.mode << 16) >>> 0, 38);
  header.writeUInt32LE(offset, 42);
  return Buffer.concat([header, fields.name, extra]);
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(0x0001, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  values.forEach((value, at) => {
    extra.writeBigUInt64LE(BigInt(value), 4 + at * 8);
  });
  return extra;
}

/** APPNOTE 4.3.14 to 4.3.16. */
function endRecords(position: number, length: number, entries: number, options: ZipOptions): Buffer {
  const offset = options.lie?.directoryOffset ?? position;
  const size = options.lie?.directorySize ?? length;
  const count = options.lie?.count ?? entries;
  const disk = options.lie?.disk ?? 0;
  const comment = options.comment ?? Buffer.alloc(0);
  const wide = options.zip64 || offset >= max32 || size >= max32 || count >= max16;

  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(disk, 4);
  end.writeUInt16LE(disk, 6);
  end.writeUInt16LE(wide ? max16 : count, 8);
  end.writeUInt16LE(wide ? max16 : count, 10);
  end.writeUInt32LE(wide ? max32 : size, 12);
  end.writeUInt32LE(wide ? max32 : offset, 16);
  end.writeUInt16LE(comment.length, 20);
  if (!wide) return Buffer.concat([end, comment]);

  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE((3 << 8) | 45, 12);
  record.writeUInt16LE(45, 14);
  record.writeUInt32LE(disk, 16);
  record.writeUInt32LE(disk, 20);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(position + length), 8);
  locator.writeUInt32LE(disk + 1, 16);
  return Buffer.concat([record, locator, end, comment]);
}

/** MS-DOS date and time, here in UTC, in steps of two seconds. */
function dosTime(at: Date): { time: number; date: number } {
  return {
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
    date: ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
  };
}
