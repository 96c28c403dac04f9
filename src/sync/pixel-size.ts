/**
 * How many pixels an image has, by its first bytes: Takeout doesn't tell, and two photos are taken for one only where that
 * agrees, too. What isn't understood gives nothing, and then the two stay apart.
 */

export type PixelSize = readonly [width: number, height: number];

/** So many bytes from the start are enough for what cameras write before the first scan line. */
export const pixelHead = 512 << 10;

/** Width and height in pixels as stored (maybe to be turned); undefined for what isn't understood, such as videos. */
export function pixelSizeOf(head: Buffer): PixelSize | undefined {
  try {
    return checked(jpeg(head) ?? png(head) ?? gif(head) ?? webp(head) ?? heif(head));
  } catch (error) {
    // It ends in the middle of what tells.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function checked(size: PixelSize | undefined): PixelSize | undefined {
  return size !== undefined && size[0] > 0 && size[1] > 0 ? size : undefined;
}

const latin1 = (head: Buffer, at: number, length: number): string => head.toString('latin1', at, at + length);

/** The first frame header. SOF markers are C0 to CF without C4 (tables), C8 and CC (ITU T.81, table B.1). */
function jpeg(head: Buffer): PixelSize | undefined {
  if (head.length < 4 || head.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let at = 2; ; ) {
    if (head.readUInt8(at) !== 0xff) return undefined;
    const marker = head.readUInt8(at + 1);
    // Fill bytes.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return [head.readUInt16BE(at + 7), head.readUInt16BE(at + 5)];
    if (marker === 0xda || marker === 0xd9) return undefined;
    at += 2 + head.readUInt16BE(at + 2);
  }
}

function png(head: Buffer): PixelSize | undefined {
  if (latin1(head, 1, 3) !== 'PNG' || latin1(head, 12, 4) !== 'IHDR') return undefined;
  return [head.readUInt32BE(16), head.readUInt32BE(20)];
}

function gif(head: Buffer): PixelSize | undefined {
  if (!/^GIF8[79]a$/.test(latin1(head, 0, 6))) return undefined;
  return [head.readUInt16LE(6), head.readUInt16LE(8)];
}

function webp(head: Buffer): PixelSize | undefined {
  if (latin1(head, 0, 4) !== 'RIFF' || latin1(head, 8, 4) !== 'WEBP') return undefined;
  switch (latin1(head, 12, 4)) {
    case 'VP8X':
      return [head.readUIntLE(24, 3) + 1, head.readUIntLE(27, 3) + 1];
    case 'VP8 ':
      return [head.readUInt16LE(26) & 0x3fff, head.readUInt16LE(28) & 0x3fff];
    case 'VP8L': {
      const bits = head.readUInt32LE(21);
      return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
    }
    default:
      return undefined;
  }
}

/** HEIC and AVIF: of all image sizes (`ispe`) the largest, for tiles and thumbnails have theirs as well. */
function heif(head: Buffer): PixelSize | undefined {
  if (latin1(head, 4, 4) !== 'ftyp' || !/^(?:hei|hev|mif|msf|avi)/.test(latin1(head, 8, 4))) return undefined;
  let largest: PixelSize | undefined;
  for (let at = head.indexOf('ispe'); at >= 0; at = head.indexOf('ispe', at + 4)) {
    // Box type, version and flags, width, height.
    const size = [head.readUInt32BE(at + 8), head.readUInt32BE(at + 12)] as const;
    if (largest === undefined || size[0] * size[1] > largest[0] * largest[1]) largest = size;
  }
  return largest;
}
