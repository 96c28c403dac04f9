/** Small pictures in memory: decoded from JPEG, turned upright, made smaller. */
import { createRequire } from 'node:module';

interface JpegDecoder {
  decode(
    jpeg: Uint8Array,
    options: {
      readonly useTArray: true;
      readonly formatAsRGBA: false;
      readonly tolerantDecoding: boolean;
      readonly maxResolutionInMP: number;
      readonly maxMemoryUsageInMB: number;
    },
  ): { readonly width: number; readonly height: number; readonly data: Uint8Array };
}

const require = createRequire(import.meta.url);
let decoder: JpegDecoder | undefined;

/** Loaded when the first picture comes: a run that finds all thumbnails in place needs none. */
function jpegDecoder(): JpegDecoder {
  decoder ??= require('jpeg-js') as JpegDecoder;
  return decoder;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel, row by row. */
  readonly rgb: Uint8Array;
}

/** A preview is small; whoever claims to send one of 4000 × 3000 shall not have 100 MB for it. */
const limits = { maxResolutionInMP: 2, maxMemoryUsageInMB: 64 };

/** The picture, or undefined where it is none. */
export function decodeJpeg(jpeg: Uint8Array): Picture | undefined {
  const { decode } = jpegDecoder();
  try {
    const { width, height, data } = decode(jpeg, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: true,
      ...limits,
    });
    return width > 0 && height > 0 && data.length === width * height * 3
      ? { width, height, rgb: data }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Turned upright. @param orientation as EXIF numbers it, 1 to 8 */
export function turned(picture: Picture, orientation: number): Picture {
  const { width, height, rgb } = picture;
  if (orientation === 1) return picture;
  // From 5 on rows and columns are exchanged.
  const isSideways = orientation >= 5;
  const [toWidth, toHeight] = isSideways ? [height, width] : [width, height];
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const out = new Uint8Array(rgb.length);
  for (let y = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++) {
      const [column, row] = isSideways ? [y, x] : [x, y];
      const from = (fromBottom ? height - 1 - row : row) * width + (fromRight ? width - 1 - column : column);
      out.set(rgb.subarray(from * 3, from * 3 + 3), (y * toWidth + x) * 3);
    }
  }
  return { width: toWidth, height: toHeight, rgb: out };
}

/** Made so small that neither side is longer than `edge`; never larger. A pixel is the mean of those it stands for. */
export function fitted(picture: Picture, edge: number): Picture {
  const { width, height, rgb } = picture;
  const factor = Math.max(width, height) / edge;
  if (factor <= 1) return picture;
  const toWidth = Math.max(1, Math.round(width / factor));
  const toHeight = Math.max(1, Math.round(height / factor));
  const columns = spans(width, toWidth);
  const out = new Uint8Array(toWidth * toHeight * 3);
  for (const [y, rows] of spans(height, toHeight).entries()) {
    for (const [x, across] of columns.entries()) {
      let [red, green, blue] = [0, 0, 0];
      for (const [row, high] of rows) {
        for (const [column, wide] of across) {
          const at = (row * width + column) * 3;
          const share = high * wide;
          red += (rgb[at] ?? 0) * share;
          green += (rgb[at + 1] ?? 0) * share;
          blue += (rgb[at + 2] ?? 0) * share;
        }
      }
      const to = (y * toWidth + x) * 3;
      out[to] = Math.round(red);
      out[to + 1] = Math.round(green);
      out[to + 2] = Math.round(blue);
    }
  }
  return { width: toWidth, height: toHeight, rgb: out };
}

type Share = readonly [place: number, share: number];

/** For each place of `to`: which of the `from` places it stands for, and by how much; the shares add up to 1. */
function spans(from: number, to: number): Share[][] {
  const length = from / to;
  return Array.from({ length: to }, (_, at) => {
    const [start, end] = [at * length, (at + 1) * length];
    const shares: Share[] = [];
    for (let place = Math.floor(start); place < Math.min(Math.ceil(end), from); place++)
      shares.push([place, (Math.min(end, place + 1) - Math.max(start, place)) / length]);
    return shares;
  });
}
