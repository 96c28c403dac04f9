/**
 * Finds a zip's central directory from the records at its end (PKWARE APPNOTE 4.3.14 to 4.3.16), and tells an archive
 * that is cut off from one that is whole. Every number is checked against the file before anything trusts it.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { OpenArchive } from './archive-file.ts';
import { downloadAgain, useOriginal } from './problem-list.ts';

const endRecord = { signature: 0x06054b50, bytes: 22 };
const zip64Locator = { signature: 0x07064b50, bytes: 20 };
const zip64Record = { signature: 0x06064b50, bytes: 56 };

/** The end record is followed by a comment of at most 65,535 bytes and preceded by the zip64 records. */
const tailBytes = zip64Record.bytes + zip64Locator.bytes + endRecord.bytes + 0xffff;

/** Largest directory taken: some 8 million entries. Takeout's own parts have some 10,000 to 100,000. */
const maxDirectoryBytes = 1024 ** 3;

/** Where the central directory lies. */
export interface DirectoryPlace {
  /** Of its first byte in the file. Entries' data lie before it. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** How many entries the archive says it has; modulo 65,536 where it has no zip64 record. */
  readonly count: number;
  readonly zip64: boolean;
}

/**
 * Reads the end records.
 * @throws GphotosfsError `bad-source` for an archive that is truncated, split over several disks, or no zip at all.
 */
export async function findDirectory(file: OpenArchive): Promise<DirectoryPlace> {
  const tailStart = Math.max(0, file.size - tailBytes);
  const tail = await file.read(tailStart, file.size - tailStart);
  const at = findEndRecord(tail);
  if (at === undefined) throw cutOff(file.path, 'its end record is missing');
  const place = await readZip64(file, tail, tailStart, at);
  if (place.offset + place.size > tailStart + at)
    throw cutOff(file.path, 'its directory would lie beyond its end');
  if (place.size > maxDirectoryBytes)
    throw new GphotosfsError('bad-source', `${file.path}: its directory is larger than 1 GiB`, {
      hint: useOriginal,
    });
  return place;
}

/**
 * Position of the end record in the tail: the last signature whose comment fits. Bytes behind the comment are put up
 * with, some copying programs pad.
 */
function findEndRecord(tail: Buffer): number | undefined {
  for (let at = tail.length - endRecord.bytes; at >= 0; at--) {
    // 'P' first: the loop runs up to 65,535 times over random bytes.
    if (tail[at] !== 0x50 || tail.readUInt32LE(at) !== endRecord.signature) continue;
    if (at + endRecord.bytes + tail.readUInt16LE(at + 20) <= tail.length) return at;
  }
  return undefined;
}

async function readZip64(
  file: OpenArchive,
  tail: Buffer,
  tailStart: number,
  at: number,
): Promise<DirectoryPlace> {
  const locatorAt = at - zip64Locator.bytes;
  if (locatorAt < 0 || tail.readUInt32LE(locatorAt) !== zip64Locator.signature) {
    if (tail.readUInt16LE(at + 4) !== 0 || tail.readUInt16LE(at + 6) !== 0) throw split(file.path);
    return {
      count: tail.readUInt16LE(at + 10),
      size: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
      zip64: false,
    };
  }
  if (tail.readUInt32LE(locatorAt + 4) !== 0 || tail.readUInt32LE(locatorAt + 16) > 1) throw split(file.path);
  const position = readSafe(tail, locatorAt + 8);
  if (position + zip64Record.bytes > tailStart + locatorAt)
    throw cutOff(file.path, 'its zip64 end record would lie beyond its end');
  const record = await file.read(position, zip64Record.bytes);
  if (record.length < zip64Record.bytes || record.readUInt32LE(0) !== zip64Record.signature)
    throw cutOff(file.path, 'its zip64 end record is not where it should be');
  if (record.readUInt32LE(16) !== 0 || record.readUInt32LE(20) !== 0) throw split(file.path);
  return {
    count: readSafe(record, 32),
    size: readSafe(record, 40),
    offset: readSafe(record, 48),
    zip64: true,
  };
}

/** A 64-bit number; beyond 2^53 it loses digits, but stays larger than any file and fails the checks. */
const readSafe = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));

const cutOff = (path: string, why: string) =>
  new GphotosfsError('bad-source', `${path} is damaged or was not downloaded to its end: ${why}`, {
    hint: downloadAgain,
  });

const split = (path: string) =>
  new GphotosfsError('bad-source', `${path} is one volume of a zip split over several disks`, {
    hint: useOriginal,
  });
