import { describe, expect, it } from 'vitest';
import { familyOf, familyOfType } from '../../../../src/sources/google/media/media-type.ts';

const ftyp = (brand: string) => `00000018${Buffer.from(`ftyp${brand}`).toString('hex')}00000000`;
const riff = (form: string) => Buffer.from(`RIFF\x10\0\0\0${form}`, 'latin1').toString('hex');
const packets = (first: number) => {
  const bytes = Buffer.alloc(200);
  bytes[first] = 0x47;
  bytes[2 * first + 188] = 0x47;
  return bytes.toString('hex');
};

describe('what bytes are by how they begin', () => {
  it.each([
    ['JPEG', 'ffd8ffe1', 'image'],
    ['PNG', '89504e470d0a1a0a0000', 'image'],
    ['GIF', Buffer.from('GIF89a').toString('hex'), 'image'],
    ['WebP', riff('WEBP'), 'image'],
    ['HEIC', ftyp('heic'), 'image'],
    ['HEIF', ftyp('mif1'), 'image'],
    ['AVIF', ftyp('avif'), 'image'],
    ['TIFF and DNG', '49492a0008000000', 'image'],
    ['TIFF, big-endian', '4d4d002a00000008', 'image'],
    ['Canon CR3', ftyp('crx '), 'image'],
    ['Fuji RAF', Buffer.from('FUJIFILMCCD-RAW 0201').toString('hex'), 'image'],
    ['BMP', '424d3600', 'image'],
    ['MP4', ftyp('isom'), 'video'],
    ['QuickTime', ftyp('qt  '), 'video'],
    ['QuickTime without ftyp', `00000008${Buffer.from('wide').toString('hex')}`, 'video'],
    ['3GP', ftyp('3gp5'), 'video'],
    ['AVI', riff('AVI '), 'video'],
    ['Matroska', '1a45dfa3', 'video'],
    ['MPEG program stream', '000001ba', 'video'],
    ['MPEG transport stream', packets(0), 'video'],
    ['AVCHD', packets(4), 'video'],
    ['WMV', '3026b2758e66cf11a6d9', 'video'],
  ])('%s', (_, hex, family) => {
    expect(familyOf(Buffer.from(hex, 'hex'))).toBe(family);
  });

  it.each([
    ['nothing', ''],
    ['a web page', Buffer.from('<!doctype html><title>Sorry</title>').toString('hex')],
    ['JSON', Buffer.from('{"error":{"code":403}}').toString('hex')],
    ['zeros', '00'.repeat(200)],
    ['a sound', riff('WAVE')],
    ['a PDF', Buffer.from('%PDF-1.7').toString('hex')],
    ['a zip', '504b0304'],
    ['text that begins with G', Buffer.from('Google'.padEnd(200)).toString('hex')],
    ['the beginning of a JPEG', 'ffd8'],
  ])('%s is no media', (_, hex) => {
    expect(familyOf(Buffer.from(hex, 'hex'))).toBeUndefined();
  });
});

it('a media type tells the family, or nothing, or that it is none', () => {
  expect(
    ['image/heic', 'video/mp4', '', 'application/octet-stream', 'text/html', 'application/json'].map(
      familyOfType,
    ),
  ).toEqual(['image', 'video', 'unknown', 'unknown', undefined, undefined]);
});
