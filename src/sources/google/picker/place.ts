/** Where picked items are: sessions as archives, their addresses, and how their bytes are asked for. */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Location } from '../../../model/words.ts';
import type { ScannedArchive } from '../../source.ts';
import type { GoogleClient } from '../client.ts';
import type { MediaAccess } from '../media/media-bytes.ts';
import type { MediaFamily } from '../media/media-type.ts';
import { suffixes } from '../media/suffixes.ts';
import type { PickerLinks } from './links.ts';

/** All sessions are one export: the same photo picked twice is one item. */
export const pickerExport = 'picker';
const fingerprint = '1';

/** A session as an archive. */
export function sessionArchive(session: string): ScannedArchive {
  return {
    name: session,
    exportId: pickerExport,
    // Older than any Takeout, whose bytes and facts always win.
    exportTime: 0,
    fingerprint,
    sequential: false,
  };
}

/** How a picked item's bytes are asked for: every link wants the token. */
export function pickerAccess(
  client: GoogleClient,
  links: PickerLinks,
  session: string,
  family: MediaFamily,
  itemId: string,
  form: keyof typeof suffixes = 'whole',
): MediaAccess {
  return {
    client,
    family,
    link: async (renew) => `${await links.get(session, itemId, renew)}${suffixes[form][family]}`,
    authorized: true,
    // Google counts these by the minute, and has a million of them.
    daily: undefined,
    what: `picker session ${session}: an item`,
  };
}

export function placeOf({ archive, fingerprint: scanned, address }: Location): {
  family: MediaFamily;
  itemId: string;
} {
  const [, family, itemId] = /^(image|video) (.+)$/.exec(address) ?? [];
  if (scanned !== fingerprint || itemId === undefined)
    throw new GphotosfsError('source-changed', `picker session ${archive} was listed by another gphotosfs`, {
      hint: 'Run "gphotosfs pick" and pick them again.',
    });
  return { family: family === 'video' ? 'video' : 'image', itemId };
}
