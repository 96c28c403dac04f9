/** The cheapest picture of a file that isn't cached: what its source scales, or the preview at its beginning. */
import type { Location } from '../model/words.ts';
import type { Source } from '../sources/source.ts';
import { findPreview, type Preview, previewReach } from './exif-preview.ts';
import { decodeJpeg, type Picture, turned } from './picture.ts';

/** Formats with EXIF data at their beginning: JPEG, and raw photos that are TIFF inside. All others would cost a read for nothing. */
const withPreview: ReadonlySet<string> = new Set(
  'jpg jpeg jpe jfif tif tiff dng cr2 nef nrw arw sr2 srw pef'.split(' '),
);

/** @param name as the source has it */
export function mayHavePreview(name: string): boolean {
  return withPreview.has(name.slice(name.lastIndexOf('.') + 1).toLowerCase());
}

/** The picture that a source scales. @param count told of each piece that comes, bytes */
export async function scaledPicture(
  bytes: AsyncIterable<Buffer>,
  count: (bytes: number) => void,
): Promise<Picture | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) {
    count(chunk.length);
    chunks.push(chunk);
  }
  return decodeJpeg(Buffer.concat(chunks));
}

/** The first bytes of a file, as many as a preview may need. */
export function openHead(source: Source, location: Location, signal: AbortSignal): AsyncIterable<Buffer> {
  return source.open(location, { start: 0, end: Math.min(location.size, previewReach), signal });
}

/** The preview in a stream that begins with the file's first byte; takes no more of it than it needs. */
export async function embeddedPicture(
  bytes: AsyncIterable<Buffer>,
  count: (bytes: number) => void,
): Promise<Picture | undefined> {
  return decodePreview(await readPreview(bytes, count));
}

/** A preview upright; undefined where it is no JPEG. */
export function decodePreview(preview: Preview | undefined): Picture | undefined {
  const picture = preview === undefined ? undefined : decodeJpeg(preview.jpeg);
  return picture === undefined || preview === undefined ? undefined : turned(picture, preview.orientation);
}

async function readPreview(
  bytes: AsyncIterable<Buffer>,
  count: (bytes: number) => void,
): Promise<Preview | undefined> {
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    count(chunk.length);
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const found = findPreview(head.subarray(0, previewReach));
    if (found !== 'more') return found;
    if (head.length >= previewReach) break;
  }
  return undefined;
}
