import { describe, expect, it } from 'vitest';
import { pixelSizeOf } from '../../src/sync/pixel-size.ts';

const hex = (...parts: string[]) => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');
const text = (value: string) => Buffer.from(value, 'latin1').toString('hex');
/** An APP1 segment that has a frame header of a thumbnail in it. */
const app1 = `ffe1 0022 ${text('Exif\0\0')} ffd8 ffc0 0011 08 0078 00a0 ${'00'.repeat(15)}`;

describe('pixels by the first bytes', () => {
  it.each<[string, Buffer, readonly [number, number] | undefined]>([
    ['JPEG', hex('ffd8', app1, 'ffc4 0004 0000 ffc0 0011 08 0bb8 0fa0 03'), [4000, 3000]],
    ['progressive JPEG with fill bytes', hex('ffd8 ffff ffc2 0011 08 0001 0002 03'), [2, 1]],
    ['PNG', hex('89504e470d0a1a0a 0000000d', text('IHDR'), '00000fa0 00000bb8'), [4000, 3000]],
    ['GIF', hex(text('GIF89a'), 'a00f b80b'), [4000, 3000]],
    [
      'WebP, extended',
      hex(text('RIFF'), '00000000', text('WEBPVP8X'), '0a000000 00000000 9f0f00 b70b00'),
      [4000, 3000],
    ],
    [
      'WebP, lossy',
      hex(text('RIFF'), '00000000', text('WEBPVP8 '), '00000000 000000 9d012a a00f b80b'),
      [4000, 3000],
    ],
    [
      'WebP, lossless',
      hex(text('RIFF'), '00000000', text('WEBPVP8L'), '00000000 2f 9fcfed02'),
      [4000, 2999 + 1],
    ],
    [
      'HEIC with a thumbnail and tiles',
      hex(
        '00000018',
        text('ftypheic'),
        '00000000',
        text('mif1heic'),
        ...[
          [320, 240],
          [4032, 3024],
          [512, 512],
        ].map(
          ([w = 0, h = 0]) =>
            `00000014${text('ispe')}00000000${w.toString(16).padStart(8, '0')}${h.toString(16).padStart(8, '0')}`,
        ),
      ),
      [4032, 3024],
    ],
    ['a video', hex('00000018', text('ftypisom'), '00000000'), undefined],
    ['a JPEG that ends before', hex('ffd8 ffe1 0020'), undefined],
    ['a JPEG whose segments lead astray', hex('ffd8 ffe1 0002 1234 5678'), undefined],
    ['a JPEG of no pixels', hex('ffd8 ffc0 0011 08 0000 0000 03'), undefined],
    ['nothing', Buffer.alloc(0), undefined],
  ])('%s', (_, head, size) => {
    expect(pixelSizeOf(head)).toEqual(size);
  });
});
