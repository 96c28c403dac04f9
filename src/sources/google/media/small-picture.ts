/**
 * The small picture of an item: Google scales it, so a few kB come instead of the original. Of the Library it counts in the day's
 * quota all the same, for that counts what is loaded from a base URL, whatever its form (photos/library api-limits-quotas).
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { MediaAccess } from './media-bytes.ts';
import { withLink } from './with-link.ts';

/** A JPEG of 256 × 256 has some 20 kB. */
const longest = 1 << 20;

/**
 * Streams it as `Source.openSmall` does.
 * @param access by a link to the small form
 * @throws `bad-content` for what is no JPEG, or far too long
 */
export async function* openSmallPicture(
  access: MediaAccess,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const { client, authorized, daily, what, link } = access;
  const { type, bytes } = await withLink(link, (url) =>
    client.open({ url, authorized, daily, what, signal }),
  );
  let came = 0;
  if (type !== 'image/jpeg') {
    await bytes[Symbol.asyncIterator]().return?.();
    throw refusal(`${what}: ${type} came instead of a small JPEG`);
  }
  for await (const chunk of bytes) {
    came += chunk.length;
    if (came > longest) throw refusal(`${what}: more than ${longest} bytes came for a small picture`);
    yield chunk;
  }
}

const refusal = (message: string): GphotosfsError => new GphotosfsError('bad-content', message);
