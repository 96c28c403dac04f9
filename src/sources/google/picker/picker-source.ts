/**
 * The Photos Picker API as a source: what the owner picked by hand. Each session is an archive: its photos can be had while
 * it lives, and a photo picked in two sessions lies in both.
 */
import type { Source } from '../../source.ts';
import type { GoogleClient } from '../client.ts';
import type { Limit } from '../limit-rate.ts';
import { createMediaSource } from '../media/media-source.ts';
import { pickerAccess, placeOf } from './place.ts';

export interface PickerOptions {
  readonly id: string;
  readonly account: string;
  readonly limit?: Limit | undefined;
}

/** @param google gives the account's client when the source is first asked for something */
export function createPickerSource(options: PickerOptions, google: () => Promise<GoogleClient>): Source {
  return createMediaSource({
    ...options,
    albums: false,
    async open() {
      const [client, { createPickerLinks }] = await Promise.all([google(), import('./links.ts')]);
      return { client, links: createPickerLinks(client) };
    },
    async *scan(open, request) {
      const { scanPicker } = await import('./scan.ts');
      // Without a session there is nothing to ask, and no need to be signed in.
      yield* scanPicker(open, request);
    },
    access({ client, links }, location, form) {
      const { family, itemId } = placeOf(location);
      return pickerAccess(client, links, location.archive, family, itemId, form);
    },
  });
}
