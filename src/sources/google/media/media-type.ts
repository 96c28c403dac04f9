/**
 * What bytes are by how they begin: the formats that Google Photos takes and gives. An error page, or nothing at all, that
 * comes with status 200 must never lie in the cache as a photo.
 */

export type MediaFamily = 'image' | 'video';

/** Enough to tell every format: an MPEG transport stream shows only in its second packet. */
export const headLength = 200;

interface Signature {
  readonly family: MediaFamily;
  readonly at: number;
  /** Bytes as latin-1 text, or as hexadecimal. */
  readonly text?: string;
  readonly hex?: string;
}

const image = (at: number, is: Pick<Signature, 'text' | 'hex'>): Signature => ({
  family: 'image',
  at,
  ...is,
});
const video = (at: number, is: Pick<Signature, 'text' | 'hex'>): Signature => ({
  family: 'video',
  at,
  ...is,
});

/** Each needs at least three bytes to agree, but BMP, which has no more. */
const signatures: readonly Signature[] = [
  image(0, { hex: 'ffd8ff' }), // JPEG
  image(0, { hex: '89504e470d0a1a0a' }), // PNG
  image(0, { text: 'GIF87a' }),
  image(0, { text: 'GIF89a' }),
  image(0, { hex: '49492a00' }), // TIFF; with it DNG, CR2, NEF, ARW, PEF, SRW
  image(0, { hex: '4d4d002a' }),
  image(0, { hex: '49492b00' }), // BigTIFF
  image(0, { hex: '4d4d002b' }),
  image(0, { hex: '49495500' }), // RW2
  image(0, { text: 'IIRO' }), // ORF
  image(0, { text: 'IIRS' }),
  image(0, { text: 'MMOR' }),
  image(0, { text: 'FUJIFILMCCD-RAW' }), // RAF
  image(0, { hex: '0000000c4a584c200d0a870a' }), // JPEG XL
  image(0, { hex: '0000000c6a5020200d0a870a' }), // JPEG 2000
  image(0, { hex: '00000100' }), // ICO
  image(0, { text: 'BM' }),
  video(0, { hex: '1a45dfa3' }), // Matroska, WebM
  video(0, { hex: '000001ba' }), // MPEG program stream
  video(0, { hex: '000001b3' }),
  video(0, { hex: '3026b2758e66cf11' }), // ASF, WMV
  video(4, { text: 'moov' }), // QuickTime from before ftyp
  video(4, { text: 'mdat' }),
  video(4, { text: 'wide' }),
  video(4, { text: 'skip' }),
  video(4, { text: 'free' }),
  video(4, { text: 'pnot' }),
];

/** Brands of ISO base media files that are still images (HEIF, AVIF, Canon's CR3); all others are videos. */
const imageBrands = /^(?:hei[cxms]|hev[cx]|mif[12]|msf1|avi[fs]|crx )/;

/** The family of a file that begins with `head` (`headLength` bytes, or all of a smaller file); undefined for none. */
export function familyOf(head: Buffer): MediaFamily | undefined {
  const text = (at: number, length: number) => head.toString('latin1', at, at + length);
  if (text(4, 4) === 'ftyp') return imageBrands.test(text(8, 4)) ? 'image' : 'video';
  if (text(0, 4) === 'RIFF') {
    if (text(8, 4) === 'WEBP') return 'image';
    return text(8, 4) === 'AVI ' ? 'video' : undefined;
  }
  if (isTransportStream(head)) return 'video';
  return signatures.find((signature) => begins(head, signature))?.family;
}

function begins(head: Buffer, { at, text, hex }: Signature): boolean {
  const bytes = text === undefined ? Buffer.from(hex ?? '', 'hex') : Buffer.from(text, 'latin1');
  return head.subarray(at, at + bytes.length).equals(bytes);
}

/** Packets of 188 bytes that begin with 0x47; those of camcorders (.MTS) have four bytes more in front. */
function isTransportStream(head: Buffer): boolean {
  return (head[0] === 0x47 && head[188] === 0x47) || (head[4] === 0x47 && head[196] === 0x47);
}

/** What a media type says of the family; `unknown` where it says nothing, undefined for what is no media. */
export function familyOfType(type: string): MediaFamily | 'unknown' | undefined {
  if (type.startsWith('image/')) return 'image';
  if (type.startsWith('video/')) return 'video';
  return type === '' || type === 'application/octet-stream' || type === 'binary/octet-stream'
    ? 'unknown'
    : undefined;
}
