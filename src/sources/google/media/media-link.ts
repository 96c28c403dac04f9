/**
 * An item's bytes in a thread of their own. The account stays in the main thread: there the link is made and the request
 * counted; the thread sends it, once, and checks what comes as the main thread would.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { BytesLink } from '../../source.ts';
import { type OpenBytesRequest, openBytes } from '../bytes.ts';
import type { Perform } from '../exchange.ts';
import type { Http } from '../http.ts';
import { type MediaAccess, openMedia } from './media-bytes.ts';

/** What a thread is to be given. @throws as the link and the account do */
export async function linkToMedia(access: MediaAccess, signal: AbortSignal): Promise<BytesLink> {
  const { client, authorized, daily, family, what } = access;
  const url = await access.link(false);
  return { url, headers: await client.permit({ url, authorized, daily, what, signal }), family, what };
}

/**
 * The bytes of a link, in a thread; `size` is what was listed.
 * @throws whatever is not as it should be, without a second request: the main thread does it again, and says why
 */
export function openMediaLink(http: Http, link: BytesLink, size: number): AsyncIterable<Buffer> {
  const { family, what } = link;
  let isSent = false;
  const once: Perform = async (exchange, use) => {
    if (isSent) throw new GphotosfsError('internal', `${what}: a thread has one request`);
    isSent = true;
    const answer = await http.send({ ...exchange, headers: { ...exchange.headers, ...link.headers } });
    if (exchange.accept(answer.status)) return use(answer);
    answer.body.destroy();
    throw new GphotosfsError('internal', `${what}: ${answer.host} answered ${answer.status}`);
  };
  const client = { open: (wanted: OpenBytesRequest) => openBytes(once, { ...wanted, asTheyCome: true }) };
  return openMedia(
    { client, family, what, link: async () => link.url, authorized: false, daily: undefined },
    { size },
    {},
  );
}
