/** The EXIF preview: found where cameras put it, in any byte order, cut off anywhere; hostile data give nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPreview, type Preview, previewReach } from '../../src/thumbnails/exif-preview.ts';
import {
  cameraPhoto,
  commentSegment,
  exifSegment,
  photograph,
  withSegments,
} from '../helpers/photographs.ts';
import { expectBytes } from '../helpers/test-home.ts';

/** Nobody decodes it here. */
const preview = Buffer.concat([
  Buffer.from('ffd8', 'hex'),
  Buffer.alloc(5000, 7),
  Buffer.from('ffd9', 'hex'),
]);
const jpeg = Buffer.from('ffd8ffdb0004aaaaffda0004bbbb00112233ffd9', 'hex');

function found(head: Buffer): Preview {
  const result = findPreview(head);
  if (result === undefined || result === 'more') throw new Error(`no preview: ${result}`);
  return result;
}

describe('a preview', () => {
  for (const bigEndian of [false, true]) {
    it(`is found in the second directory (${bigEndian ? 'MM' : 'II'}), with the orientation of the first`, () => {
      const photo = withSegments(jpeg, exifSegment(preview, { bigEndian, orientation: 6 }));
      expectBytes(found(photo).jpeg, preview);
      expect(found(photo).orientation).toBe(6);
    });
  }

  it('is found behind other segments, and in the first bytes that cameras write', () => {
    const photo = withSegments(jpeg, commentSegment('x'.repeat(2000)), exifSegment(preview));
    expectBytes(found(photo).jpeg, preview);
    expect(found(cameraPhoto(1).subarray(0, previewReach)).jpeg.length).toBeGreaterThan(1000);
  });

  it('is found in a raw photo, which is the data themselves', () => {
    const raw = exifSegment(preview).subarray(10);
    expectBytes(found(Buffer.concat([raw, Buffer.alloc(100_000)])).jpeg, preview);
  });

  it('is asked more bytes for until it is whole, at any cut', () => {
    const photo = withSegments(jpeg, commentSegment('y'), exifSegment(preview));
    const end = photo.length - jpeg.length + 2;
    for (let cut = 0; cut < end; cut += 97)
      expect(findPreview(photo.subarray(0, cut)), `${cut}`).toBe('more');
    expectBytes(found(photo.subarray(0, end)).jpeg, preview);
  });
});

describe('no preview', () => {
  it('is in a photo without EXIF data, in other formats, behind the beginning of the scan', () => {
    expect(findPreview(jpeg)).toBeUndefined();
    expect(findPreview(photograph('acanthus-mollis'))).toBeUndefined();
    expect(findPreview(Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'))).toBeUndefined();
    expect(findPreview(Buffer.from('000000186674797069736f6d', 'hex'))).toBeUndefined();
    expect(findPreview(Buffer.concat([jpeg, exifSegment(preview)]))).toBeUndefined();
  });

  it.each([
    ['beyond the segment', { offset: 0xffff_fff0 }],
    ['in the header', { offset: 2 }],
    ['longer than the segment', { length: 0xffff_ffff }],
    ['empty', { length: 0 }],
    ['not a JPEG', { offset: 40 }],
  ])('is taken from an address that is %s', (_, options) => {
    expect(findPreview(withSegments(jpeg, exifSegment(preview, options)))).toBeUndefined();
  });

  it('makes an odd orientation upright', () => {
    for (const orientation of [0, 9, 65_535])
      expect(found(withSegments(jpeg, exifSegment(preview, { orientation }))).orientation).toBe(1);
  });

  it('comes of any bytes as an exception', () => {
    const start = fc.constantFrom(
      Buffer.from('ffd8ffe1', 'hex'),
      exifSegment(preview).subarray(10, 60),
      withSegments(jpeg, exifSegment(preview)).subarray(0, 70),
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (head, rest) => {
        findPreview(Buffer.concat([head, rest]));
        const damaged = withSegments(jpeg, exifSegment(preview));
        damaged.set(rest, 12);
        findPreview(damaged);
      }),
      { numRuns: 500 },
    );
  });
});
