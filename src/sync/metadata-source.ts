/**
 * The source that sidecars are fetched from: what the index knows of a photo, as XMP. So a sidecar is a file like all others, for the
 * mount, the cache, the journal and `verify`. It lists nothing: `sidecars.ts` does.
 */
import { crc32 } from 'node:zlib';
import type { Index } from '../index/open.ts';
import { factsOf } from '../index/sidecars.ts';
import { GphotosfsError } from '../model/errors.ts';
import type { Source } from '../sources/source.ts';
import { renderXmp } from './xmp.ts';

/** Its one archive. Places in it are the inode numbers of the photos. */
export const metadataArchive = {
  name: 'metadata',
  exportId: 'metadata',
  exportTime: 0,
  fingerprint: '1',
  sequential: false,
} as const;

/** The bytes of a photo's sidecar. */
export function sidecarBytes(index: Index, photo: number): Buffer | undefined {
  const facts = factsOf(index, photo);
  return facts === undefined ? undefined : Buffer.from(renderXmp(facts));
}

export function metadataSource(index: Index): Source {
  return {
    id: metadataArchive.name,
    account: '',
    features: { albums: false, exactSizes: true, requestPerFile: true },
    async *scan() {},
    async *open(location, { start = 0, end = location.size } = {}) {
      const bytes = sidecarBytes(index, location.offset);
      if (bytes === undefined || crc32(bytes) !== location.crc32) {
        throw new GphotosfsError('source-changed', 'what is known of the photo has changed', {
          hint: 'Run "gphotosfs sync": it lists the sidecar anew.',
        });
      }
      const wanted = bytes.subarray(start, end);
      if (wanted.length > 0) yield wanted;
    },
    close: async () => {},
  };
}
