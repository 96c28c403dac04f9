/**
 * The Photos Library API as a source: what the owner's own client uploaded, for Google shows it nothing else since March
 * 2025. Its bytes are second best (place stripped, videos re-encoded), and their size has to be asked for.
 *
 * A motion photo gives its still only: nothing tells which photos have a clip, and to try each would cost a request a
 * photo of the day's quota. Takeout has the clips as files of their own.
 */
import type { Source } from '../../source.ts';
import type { GoogleClient } from '../client.ts';
import type { Limit } from '../limit-rate.ts';
import { createMediaSource } from '../media/media-source.ts';
import { libraryAccess, placeOf } from './place.ts';

export interface LibraryOptions {
  readonly id: string;
  readonly account: string;
  readonly limit?: Limit | undefined;
}

/** @param google gives the account's client when the source is first asked for something */
export function createLibrarySource(options: LibraryOptions, google: () => Promise<GoogleClient>): Source {
  return createMediaSource({
    ...options,
    albums: true,
    async open() {
      const [client, { createLinks }] = await Promise.all([google(), import('./links.ts')]);
      return { client, links: createLinks(client) };
    },
    async *scan(open, request) {
      const [{ client, links }, { scanLibrary }] = await Promise.all([open(), import('./scan.ts')]);
      yield* scanLibrary(client, links, request);
    },
    access({ client, links }, location, form) {
      const { family, itemId } = placeOf(location);
      return libraryAccess(client, links, family, itemId, form);
    },
    prepare: (links, locations) => links.prepare(locations.map((location) => placeOf(location).itemId)),
  });
}
