/**
 * Whether two files have the same bytes, without reading a photo where a directory tells the CRC-32. An unpacked
 * folder has none: there a photo is read, once, but only when another file of the same size under the same name
 * makes it a question whether the two are one.
 */
import { crc32 } from 'node:zlib';
import type { MediaFile, Place } from './gather.ts';

/** Streams a file's bytes. */
export type ReadPlace = (place: Place) => AsyncIterable<Buffer>;

export interface ContentCrc {
  /** CRC-32 as far as known without reading. */
  readonly known: (media: MediaFile) => number | undefined;
  /** CRC-32, read if need be; undefined where the file can't be read. */
  readonly compute: (media: MediaFile) => Promise<number | undefined>;
  readonly sameBytes: (a: MediaFile, b: MediaFile) => Promise<boolean>;
}

export function contentCrc(read: ReadPlace, failed: (place: Place, error: unknown) => void): ContentCrc {
  const compute = async (media: MediaFile): Promise<number | undefined> => {
    const [place] = media.places;
    const known = knownCrc(media);
    if (known !== undefined || place === undefined) return known;
    const { computed } = place.catalog;
    const { offset } = place.file;
    if (computed.has(offset)) return undefined;
    try {
      let crc = 0;
      if (media.size > 0) for await (const chunk of read(place)) crc = crc32(chunk, crc);
      // Kept with the catalog, so that neither this scan nor the next need read it again.
      computed.set(offset, crc);
      return crc;
    } catch (error) {
      // A second try may find other bytes, and folders have to be the same whenever they are read.
      computed.set(offset, undefined);
      failed(place, error);
      return undefined;
    }
  };
  return {
    known: knownCrc,
    compute,
    async sameBytes(a, b) {
      if (a.size !== b.size) return false;
      const crc = await compute(a);
      return crc !== undefined && crc === (await compute(b));
    },
  };
}

function knownCrc(media: MediaFile): number | undefined {
  for (const { catalog, file } of media.places) {
    const crc = file.crc32 ?? catalog.computed.get(file.offset);
    if (crc !== undefined) return crc;
  }
  return undefined;
}
