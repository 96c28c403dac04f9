/**
 * The Photos Picker API as a source: what the owner picked by hand. Each session is an archive: its photos can be had while
 * it lives, and a photo picked in two sessions lies in both.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Source } from '../../source.ts';
import type { GoogleClient } from '../client.ts';
import type { PickerLinks } from './links.ts';
import { pickerAccess, placeOf } from './place.ts';

export interface PickerOptions {
  readonly id: string;
  readonly account: string;
}

interface Opened {
  readonly client: GoogleClient;
  readonly links: PickerLinks;
}

/** @param google gives the account's client when the source is first asked for something */
export function createPickerSource(
  { id, account }: PickerOptions,
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
    features: { albums: false, exactSizes: false, requestPerFile: true },
    async *scan(request) {
      if (request.signal.aborted) throw new GphotosfsError('interrupted', 'the sync was interrupted');
      const { scanPicker } = await import('./scan.ts');
      // Without a session there is nothing to ask, and no need to be signed in.
      yield* scanPicker(open, request);
    },
    async *open(location, request = {}) {
      const { family, itemId } = placeOf(location);
      if (request.signal?.aborted) throw new GphotosfsError('interrupted', 'the reader gave up');
      const [{ client, links }, { openMedia }] = await Promise.all([
        open(),
        import('../media/media-bytes.ts'),
      ]);
      const { archive } = location;
      yield* openMedia(pickerAccess(client, links, archive, family, itemId), location, request);
    },
    async linkTo(location, signal) {
      const { family, itemId } = placeOf(location);
      const [{ client, links }, { linkToMedia }] = await Promise.all([
        open(),
        import('../media/media-link.ts'),
      ]);
      return linkToMedia(pickerAccess(client, links, location.archive, family, itemId), signal);
    },
    async *openSmall(location, signal) {
      const { family, itemId } = placeOf(location);
      const [{ client, links }, { openSmallPicture }] = await Promise.all([
        open(),
        import('../media/small-picture.ts'),
      ]);
      yield* openSmallPicture(pickerAccess(client, links, location.archive, family, itemId, 'small'), signal);
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
  const [client, { createPickerLinks }] = await Promise.all([google(), import('./links.ts')]);
  return { client, links: createPickerLinks(client) };
}
