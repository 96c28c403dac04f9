/**
 * How many pixels a video has and how long it is, by its own directory (`moov`, ISO/IEC 14496-12), which lies behind the
 * pictures in what cameras write. What isn't understood gives nothing, and then the two stay apart.
 */
import type { PixelSize } from './pixel-size.ts';

/** Bytes of a file, fewer where it ends. */
export type ReadRange = (start: number, end: number) => Promise<Buffer>;

/** Boxes looked at, of each level: files have a handful, and each may cost a request. */
const mostBoxes = 16;
/** A box's size, type and, where it is larger than 4 GiB, its real size. */
const headerLength = 16;

interface Box {
  readonly type: string;
  /** Of what is in it. */
  readonly start: number;
  readonly end: number;
}

/** What a video's directory tells of it. */
export interface VideoLooks {
  /** As shown, maybe to be turned. */
  readonly size: PixelSize;
  /** How long it is; encoding anew keeps it. */
  readonly seconds: number;
}

/**
 * Undefined for what is no MP4 or QuickTime video, has several pictures, doesn't tell its duration, or is built otherwise.
 */
export async function videoLooksOf(read: ReadRange, size: number): Promise<VideoLooks | undefined> {
  const [first] = await boxesIn(read, { start: 0, end: size }, 1);
  if (first?.type !== 'ftyp') return undefined;
  const directory = (await boxesIn(read, { start: first.end, end: size }, mostBoxes, 'moov')).at(-1);
  if (directory?.type !== 'moov') return undefined;
  const found: PixelSize[] = [];
  let seconds: number | undefined;
  for (const box of await boxesIn(read, directory, mostBoxes)) {
    if (box.type === 'mvhd') seconds = secondsOf(await readHeader(read, box, movieHeader));
    if (box.type !== 'trak') continue;
    const [header] = await boxesIn(read, box, 1);
    const shown =
      header?.type === 'tkhd' ? shownSize(await readHeader(read, header, trackHeader)) : undefined;
    // Sound has none.
    if (shown !== undefined && shown[0] > 0 && shown[1] > 0) found.push(shown);
  }
  const [one] = found;
  return found.length === 1 && one !== undefined && seconds !== undefined
    ? { size: one, seconds }
    : undefined;
}

/** The boxes in a part of the file, up to one of type `last`. */
async function boxesIn(
  read: ReadRange,
  { start, end }: Pick<Box, 'start' | 'end'>,
  most: number,
  last?: string,
): Promise<Box[]> {
  const boxes: Box[] = [];
  for (let at = start; at + 8 <= end && boxes.length < most; ) {
    const head = await read(at, Math.min(at + headerLength, end));
    if (head.length < 8) break;
    const short = head.readUInt32BE(0);
    const isLong = short === 1 && head.length === headerLength;
    // 0: to the end.
    const length = isLong ? Number(head.readBigUInt64BE(8)) : short === 0 ? end - at : short;
    if (length < (isLong ? headerLength : 8) || at + length > end) break;
    boxes.push({
      type: head.toString('latin1', 4, 8),
      start: at + (isLong ? headerLength : 8),
      end: at + length,
    });
    if (boxes.at(-1)?.type === last) break;
    at += length;
  }
  return boxes;
}

/** Bytes that a header has, of version 0 and of version 1. */
type HeaderLengths = readonly [number, number];
const movieHeader: HeaderLengths = [100, 112];
const trackHeader: HeaderLengths = [84, 96];

/** Of another length it isn't even read: a damaged one may claim gigabytes. */
async function readHeader(
  read: ReadRange,
  { start, end }: Box,
  lengths: HeaderLengths,
): Promise<Buffer | undefined> {
  if (!lengths.includes(end - start)) return undefined;
  const header = await read(start, end);
  return header.length === lengths[header[0] === 1 ? 1 : 0] ? header : undefined;
}

/** The last 8 bytes of a track's header: width and height, 16.16 fixed point. */
function shownSize(header: Buffer | undefined): PixelSize | undefined {
  if (header === undefined) return undefined;
  const [width, height] = [header.readUInt32BE(header.length - 8), header.readUInt32BE(header.length - 4)];
  return width % 65_536 === 0 && height % 65_536 === 0 ? [width / 65_536, height / 65_536] : undefined;
}

/** Duration in units of a movie's header; 0 is what is written piece by piece, all ones what isn't known. */
function secondsOf(header: Buffer | undefined): number | undefined {
  if (header === undefined) return undefined;
  const isLong = header[0] === 1;
  const perSecond = header.readUInt32BE(isLong ? 20 : 12);
  const units = isLong ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16);
  const isUnknown = units >= (isLong ? 2 ** 63 : 2 ** 32 - 1);
  return perSecond === 0 || units === 0 || isUnknown ? undefined : units / perSecond;
}
