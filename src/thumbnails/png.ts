/** PNG as thumbnails are stored: eight bits, three colours, texts before the pixels (W3C PNG, sections 5.3, 11.2 and 11.3). */
import { crc32, deflateSync } from 'node:zlib';
import type { Picture } from './picture.ts';

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
const trueColour = 2;

/** A picture that is compressed already, so that it can be written several times with other texts. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export function compressPixels({ width, height, rgb }: Picture): Pixels {
  const stride = width * 3;
  const rows = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    const row = y * (stride + 1);
    // Filter 1: each byte less the one of the pixel to its left.
    rows[row] = 1;
    for (let x = 0; x < stride; x++) {
      const left = x < 3 ? 0 : (rgb[y * stride + x - 3] ?? 0);
      rows[row + 1 + x] = (rgb[y * stride + x] ?? 0) - left;
    }
  }
  return { width, height, data: deflateSync(rows) };
}

/** The file. @param texts Latin-1, by keyword */
export function writePng({ width, height, data }: Pixels, texts: Readonly<Record<string, string>>): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, trueColour], 8);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    ...Object.entries(texts).map(([keyword, text]) =>
      chunk('tEXt', Buffer.from(`${keyword}\0${text}`, 'latin1')),
    ),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}

/** The texts before the pixels of the PNG that begins with `head`, as far as they are in it; undefined for no PNG. */
export function readTexts(head: Buffer): ReadonlyMap<string, string> | undefined {
  if (!head.subarray(0, signature.length).equals(signature)) return undefined;
  const texts = new Map<string, string>();
  for (let at = signature.length; at + 12 <= head.length; ) {
    const length = head.readUInt32BE(at);
    const type = head.toString('latin1', at + 4, at + 8);
    const end = at + 8 + length;
    if (type === 'IDAT' || end > head.length) break;
    if (type === 'tEXt') {
      const [keyword = '', ...text] = head.toString('latin1', at + 8, end).split('\0');
      texts.set(keyword, text.join('\0'));
    }
    at = end + 4;
  }
  return texts;
}
