/**
 * The small picture that a camera puts into a photo. It is a JPEG of mostly 160 × 120 in the second directory of the EXIF data
 * (Exif 2.3, section 4.5.5), which stand at the photo's beginning: in one segment of at most 64 kB of a JPEG, or as
 * the file itself where that is a raw photo on TIFF.
 *
 * Everything here comes from outside: an offset that leads out of the data is as good as none.
 */

export interface Preview {
  readonly jpeg: Buffer;
  /** How it must be turned to stand upright, as EXIF numbers it: 1 (as it is) to 8. */
  readonly orientation: number;
}

/** So many bytes of a photo hold its preview, if it has one: a segment, and what may stand before it. */
export const previewReach = 68 << 10;

/** Finds the preview in the first bytes of a photo; `more` where they end before that can be told. */
export function findPreview(head: Buffer): Preview | 'more' | undefined {
  if (head.length >= 4 && isTiff(head)) return readPreview(head) ?? 'more';
  const tiff = findTiff(head);
  return tiff === undefined || tiff === 'more' ? tiff : readPreview(tiff);
}

/** How a JPEG must be turned to stand upright, 1 to 8, by its first bytes. */
export function findOrientation(head: Buffer): number {
  const tiff = findTiff(head);
  return tiff === undefined || tiff === 'more' || tiff.length < 8 || !isTiff(tiff)
    ? 1
    : orientationIn(firstDirectory(tiff));
}

/** The EXIF data of a JPEG, which are a TIFF. */
function findTiff(head: Buffer): Buffer | 'more' | undefined {
  if (head.length < 4) return 'more';
  if (head.readUInt16BE(0) !== startOfImage) return undefined;
  for (let at = 2; ; ) {
    if (at + 4 > head.length) return 'more';
    const marker = head.readUInt16BE(at);
    // Segments begin with 0xff; behind the start of scan come the photo's own data.
    if (marker <= 0xff00 || marker === startOfScan || marker === endOfImage) return undefined;
    const end = at + 2 + head.readUInt16BE(at + 2);
    const isExif = marker === application1 && head.toString('latin1', at + 4, at + 10) === 'Exif\0\0';
    if (isExif && end <= head.length) return head.subarray(at + 10, end);
    if (end > head.length) return 'more';
    at = end;
  }
}

const startOfImage = 0xffd8;
const endOfImage = 0xffd9;
const startOfScan = 0xffda;
const application1 = 0xffe1;

const tags = { orientation: 0x0112, jpegOffset: 0x0201, jpegLength: 0x0202 } as const;
/** Bytes of a value by its type in TIFF, of the types that are wanted: SHORT and LONG. */
const typeShort = 3;
const typeLong = 4;
const entryBytes = 12;

const isTiff = (bytes: Buffer): boolean => ['II*\0', 'MM\0*'].includes(bytes.toString('latin1', 0, 4));

function readPreview(tiff: Buffer): Preview | undefined {
  if (tiff.length < 8 || !isTiff(tiff)) return undefined;
  const little = tiff[0] === 0x49;
  const first = firstDirectory(tiff);
  const second = first === undefined ? undefined : readDirectory(tiff, first.next, little);
  const offset = second?.values.get(tags.jpegOffset) ?? 0;
  const length = second?.values.get(tags.jpegLength) ?? 0;
  if (offset < 8 || length < 4 || offset + length > tiff.length) return undefined;
  const jpeg = tiff.subarray(offset, offset + length);
  if (jpeg.readUInt16BE(0) !== startOfImage) return undefined;
  return { jpeg, orientation: orientationIn(first) };
}

function firstDirectory(tiff: Buffer): Directory | undefined {
  const little = tiff[0] === 0x49;
  return readDirectory(tiff, u32(tiff, 4, little), little);
}

function orientationIn(directory: Directory | undefined): number {
  const orientation = directory?.values.get(tags.orientation) ?? 1;
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

interface Directory {
  readonly values: ReadonlyMap<number, number>;
  /** Where the next one begins; 0 behind the last. */
  readonly next: number;
}

/** The single numbers of a directory, by tag. */
function readDirectory(tiff: Buffer, at: number, little: boolean): Directory | undefined {
  if (at < 8 || at + 2 > tiff.length) return undefined;
  const end = at + 2 + u16(tiff, at, little) * entryBytes;
  if (end + 4 > tiff.length) return undefined;
  const values = new Map<number, number>();
  for (let entry = at + 2; entry < end; entry += entryBytes) {
    const type = u16(tiff, entry + 2, little);
    if (u32(tiff, entry + 4, little) !== 1) continue;
    if (type === typeShort) values.set(u16(tiff, entry, little), u16(tiff, entry + 8, little));
    if (type === typeLong) values.set(u16(tiff, entry, little), u32(tiff, entry + 8, little));
  }
  return { values, next: u32(tiff, end, little) };
}

const u16 = (bytes: Buffer, at: number, little: boolean): number =>
  little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
const u32 = (bytes: Buffer, at: number, little: boolean): number =>
  little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
