/** Small pictures: decoded, turned as EXIF says, made smaller, written as PNG. */
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeJpeg, fitted, type Picture, turned } from '../../src/thumbnails/picture.ts';
import { drawPlaceholder } from '../../src/thumbnails/placeholder.ts';
import { compressPixels, readTexts, writePng } from '../../src/thumbnails/png.ts';
import { encodeJpeg, photograph } from '../helpers/photographs.ts';

/** Rows of grey values. */
function grey(...rows: readonly (readonly number[])[]): Picture {
  const values = rows.flat().flatMap((value) => [value, value, value]);
  return { width: rows[0]?.length ?? 0, height: rows.length, rgb: Uint8Array.from(values) };
}

function rowsOf({ width, height, rgb }: Picture): number[][] {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => rgb[(y * width + x) * 3] ?? -1),
  );
}

describe('turning', () => {
  // The letter F as the camera stored it, for each orientation: upright it is always the same (Exif 2.3, tag 0112).
  const upright = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];
  it.each([
    [
      1,
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    ],
    [
      2,
      [
        [2, 1],
        [4, 3],
        [6, 5],
      ],
    ],
    [
      3,
      [
        [6, 5],
        [4, 3],
        [2, 1],
      ],
    ],
    [
      4,
      [
        [5, 6],
        [3, 4],
        [1, 2],
      ],
    ],
    [
      5,
      [
        [1, 3, 5],
        [2, 4, 6],
      ],
    ],
    [
      6,
      [
        [2, 4, 6],
        [1, 3, 5],
      ],
    ],
    [
      7,
      [
        [6, 4, 2],
        [5, 3, 1],
      ],
    ],
    [
      8,
      [
        [5, 3, 1],
        [6, 4, 2],
      ],
    ],
  ])('orientation %i', (orientation, stored) => {
    expect(rowsOf(turned(grey(...stored), orientation))).toEqual(upright);
  });
});

describe('making smaller', () => {
  it('gives the mean, never enlarges, and keeps at least a pixel', () => {
    expect(rowsOf(fitted(grey([10, 20, 30, 40], [30, 40, 50, 60]), 2))).toEqual([[25, 45]]);
    expect(rowsOf(fitted(grey([0, 90, 180]), 2))).toEqual([[30, 150]]);
    expect(rowsOf(fitted(grey([7, 8]), 128))).toEqual([[7, 8]]);
    const line: Picture = { width: 1000, height: 1, rgb: new Uint8Array(3000).fill(9) };
    expect(fitted(line, 128)).toMatchObject({ width: 128, height: 1 });
  });
});

describe('decoding', () => {
  it('gives the picture of a real photograph', () => {
    expect(decodeJpeg(photograph('allium-oreophilum'))).toMatchObject({ width: 807, height: 1024 });
  });

  it('gives nothing for what is damaged or claims to be huge', () => {
    const jpeg = encodeJpeg(fitted(drawPlaceholder('photo'), 160));
    expect(decodeJpeg(jpeg)).toMatchObject({ width: 160, height: 120 });
    expect(decodeJpeg(Buffer.alloc(0))).toBeUndefined();
    expect(decodeJpeg(Buffer.from('ffd8ffd9', 'hex'))).toBeUndefined();
    const huge = Buffer.from(jpeg);
    const frame = huge.indexOf(Buffer.from('ffc0', 'hex'));
    huge.writeUInt16BE(65_000, frame + 5);
    huge.writeUInt16BE(65_000, frame + 7);
    expect(decodeJpeg(huge)).toBeUndefined();
    for (let cut = 2; cut < jpeg.length; cut += 150) decodeJpeg(jpeg.subarray(0, cut));
    for (let at = 2; at < jpeg.length; at += 31) {
      const damaged = Buffer.from(jpeg);
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      decodeJpeg(damaged);
    }
  });
});

describe('PNG', () => {
  const texts = { 'Thumb::URI': 'file:///a%20b', 'Thumb::MTime': '-5' };

  it('has its texts before the pixels', () => {
    const png = writePng(compressPixels(grey([1, 2], [3, 4])), texts);
    expect(Object.fromEntries(readTexts(png) ?? [])).toEqual(texts);
    expect(Object.fromEntries(readTexts(png.subarray(0, 80)) ?? [])).toEqual({
      'Thumb::URI': 'file:///a%20b',
    });
    expect(readTexts(Buffer.from('no PNG'))).toBeUndefined();
    const endless = Buffer.from(png);
    endless.writeUInt32BE(0xffff_ffff, 8);
    expect(readTexts(endless)?.size).toBe(0);
  });

  it('has the picture behind its filter', () => {
    const picture = fitted(drawPlaceholder('video'), 100);
    const { width, height, data } = compressPixels(picture);
    const rows = inflateSync(data);
    const stride = width * 3;
    const rgb = Buffer.alloc(stride * height);
    for (let at = 0; at < rgb.length; at++) {
      const [y, x] = [Math.floor(at / stride), at % stride];
      const left = x < 3 ? 0 : (rgb[at - 3] ?? 0);
      rgb[at] = (rows[y * (stride + 1) + 1 + x] ?? 0) + left;
    }
    expect(rgb.equals(Buffer.from(picture.rgb))).toBe(true);
    expect(rows.length).toBe((stride + 1) * height);
  });
});
