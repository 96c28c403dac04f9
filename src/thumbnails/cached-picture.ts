/**
 * The picture of a cached file: the preview at its beginning or, where a JPEG has none, all of it made smaller if it is a small one.
 * Of a large one a file manager makes a thumbnail faster than this could: its decoder leaves out what it doesn't need.
 */
import { readSync } from 'node:fs';
import { findOrientation, findPreview, previewReach } from './exif-preview.ts';
import { decodeJpeg, type Picture, turned } from './picture.ts';
import { inAllSizes, type Renditions } from './renditions.ts';
import { decodePreview } from './small-picture.ts';

/** Of the pixels that `decodeJpeg` takes (2 million, some 0.2 s), few JPEGs have more bytes. */
const largestDecoded = 2 << 20;

/** @param size of the file behind `fd`, bytes */
export function cachedRenditions(fd: number, size: number): Renditions | undefined {
  const head = readBytes(fd, Math.min(size, previewReach));
  const preview = findPreview(head);
  const picture =
    (preview === 'more' ? undefined : decodePreview(preview)) ??
    (size <= largestDecoded ? decodeWhole(fd, size, head) : undefined);
  return picture === undefined ? undefined : inAllSizes(picture);
}

function decodeWhole(fd: number, size: number, head: Buffer): Picture | undefined {
  if (head.length < 2 || head.readUInt16BE(0) !== 0xffd8) return undefined;
  const picture = decodeJpeg(readBytes(fd, size));
  return picture === undefined ? undefined : turned(picture, findOrientation(head));
}

function readBytes(fd: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const got = readSync(fd, bytes, read, length - read, read);
    if (got === 0) break;
    read += got;
  }
  return bytes.subarray(0, read);
}
