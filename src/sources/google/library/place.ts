/** Where Library items are: their one archive, their addresses, and how their bytes are asked for. */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Location } from '../../../model/words.ts';
import type { GoogleClient } from '../client.ts';
import type { MediaAccess } from '../media/media-bytes.ts';
import type { MediaFamily } from '../media/media-type.ts';
import { suffixes } from '../media/suffixes.ts';
import type { Links } from './links.ts';

/** The one archive of the source; its places are ordinals, its addresses `image ID` or `video ID`. */
export const libraryArchive = {
  name: 'library',
  exportId: 'library',
  // Older than any Takeout, whose bytes and facts always win.
  exportTime: 0,
  fingerprint: '1',
  sequential: false,
} as const;

/** How an item's bytes are asked for. */
export function libraryAccess(
  client: GoogleClient,
  links: Links,
  family: MediaFamily,
  itemId: string,
  form: keyof typeof suffixes = 'whole',
): MediaAccess {
  return {
    client,
    family,
    link: async (renew) => `${await links.get(itemId, renew)}${suffixes[form][family]}`,
    // The link itself is the key; who has no need of the token doesn't get it.
    authorized: false,
    daily: 'bytes',
    what: `${libraryArchive.name}: an item`,
  };
}

export function placeOf({ archive, fingerprint, address }: Location): {
  family: MediaFamily;
  itemId: string;
} {
  if (archive !== libraryArchive.name)
    throw new GphotosfsError('source-gone', `the Library API has no archive ${archive}`);
  const [, family, itemId] = /^(image|video) (.+)$/.exec(address) ?? [];
  if (fingerprint !== libraryArchive.fingerprint || itemId === undefined)
    throw new GphotosfsError('source-changed', `${archive} was listed by another gphotosfs`, {
      hint: 'Run "gphotosfs sync --rescan".',
    });
  return { family: family === 'video' ? 'video' : 'image', itemId };
}
