/**
 * The Photos Library API as a source: what the owner's own client uploaded, for Google shows it nothing else since March
 * 2025. Its bytes are second best (place stripped, videos re-encoded), and their size has to be asked for.
 *
 * A motion photo gives its still only: nothing tells which photos have a clip, and to try each would cost a request a
 * photo of the day's quota. Takeout has the clips as files of their own.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Source } from '../../source.ts';
import type { GoogleClient } from '../client.ts';
import type { Links } from './links.ts';
import { libraryAccess, placeOf } from './place.ts';

export interface LibraryOptions {
  readonly id: string;
  readonly account: string;
}

interface Opened {
  readonly client: GoogleClient;
  readonly links: Links;
}

/** @param google gives the account's client when the source is first asked for something */
export function createLibrarySource(
  { id, account }: LibraryOptions,
  google: () => Promise<GoogleClient>,
): Source {
  let opened: Promise<Opened> | undefined;
  let closed = false;
  const open = (): Promise<Opened> => {
    opened ??= openOnce(google).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };

  return {
    id,
    account,
    features: { albums: true, exactSizes: false, requestPerFile: true },
    async *scan(request) {
      if (request.signal.aborted) throw new GphotosfsError('interrupted', 'the sync was interrupted');
      const [{ client, links }, { scanLibrary }] = await Promise.all([open(), import('./scan.ts')]);
      yield* scanLibrary(client, links, request);
    },
    async *open(location, request = {}) {
      const { family, itemId } = placeOf(location);
      if (request.signal?.aborted) throw new GphotosfsError('interrupted', 'the reader gave up');
      const [{ client, links }, { openMedia }] = await Promise.all([
        open(),
        import('../media/media-bytes.ts'),
      ]);
      yield* openMedia(libraryAccess(client, links, family, itemId), location, request);
    },
    async *openSmall(location, signal) {
      const { family, itemId } = placeOf(location);
      const [{ client, links }, { openSmallPicture }] = await Promise.all([
        open(),
        import('../media/small-picture.ts'),
      ]);
      yield* openSmallPicture(libraryAccess(client, links, family, itemId, 'small'), signal);
    },
    async prepare(locations) {
      const { links } = await open();
      await links.prepare(locations.map((location) => placeOf(location).itemId));
    },
    async linkTo(location, signal) {
      const { family, itemId } = placeOf(location);
      const [{ client, links }, { linkToMedia }] = await Promise.all([
        open(),
        import('../media/media-link.ts'),
      ]);
      return linkToMedia(libraryAccess(client, links, family, itemId), signal);
    },
    async close() {
      if (closed) return;
      closed = true;
      await opened?.then(
        ({ links }) => links.close(),
        () => {},
      );
    },
  };
}

async function openOnce(google: () => Promise<GoogleClient>): Promise<Opened> {
  const [client, { createLinks }] = await Promise.all([google(), import('./links.ts')]);
  return { client, links: createLinks(client) };
}
