/**
 * How many pixels a video has, by its own directory (`moov`, ISO/IEC 14496-12), which lies behind the pictures in what cameras
 * write. What isn't understood gives nothing, and then the two stay apart.
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

/**
 * Width and height as shown, maybe to be turned; undefined for what is no MP4 or QuickTime video, has several pictures, or
 * is built otherwise.
 */
export async function videoSizeOf(read: ReadRange, size: number): Promise<PixelSize | undefined> {
  const [first] = await boxesIn(read, { start: 0, end: size }, 1);
  if (first?.type !== 'ftyp') return undefined;
  const directory = (await boxesIn(read, { start: first.end, end: size }, mostBoxes, 'moov')).at(-1);
  if (directory?.type !== 'moov') return undefined;
  const found: PixelSize[] = [];
  for (const { type, start, end } of await boxesIn(read, directory, mostBoxes)) {
    if (type !== 'trak') continue;
    const [header] = await boxesIn(read, { start, end }, 1);
    const shown = header?.type === 'tkhd' ? shownSize(await read(header.start, header.end)) : undefined;
    // Sound has none.
    if (shown !== undefined && shown[0] > 0 && shown[1] > 0) found.push(shown);
  }
  return found.length === 1 ? found[0] : undefined;
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

/** The last 8 bytes of a track's header: width and height, 16.16 fixed point. Version 0 has 84 bytes, version 1 has 96. */
function shownSize(header: Buffer): PixelSize | undefined {
  if (header.length !== (header[0] === 1 ? 96 : 84)) return undefined;
  const [width, height] = [header.readUInt32BE(header.length - 8), header.readUInt32BE(header.length - 4)];
  return width % 65_536 === 0 && height % 65_536 === 0 ? [width / 65_536, height / 65_536] : undefined;
}
