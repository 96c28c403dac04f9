/**
 * What the sources of the two photo APIs share: the account's client and its links are opened when the source is first asked
 * for something, and each item's bytes are a request of its own.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Location } from '../../../model/words.ts';
import type { BytesLink, Page, ScanRequest, Source } from '../../source.ts';
import type { GoogleClient } from '../client.ts';
import type { Limit } from '../limit-rate.ts';
import type { MediaAccess } from './media-bytes.ts';
import type { suffixes } from './suffixes.ts';

export interface Opened<Links> {
  readonly client: GoogleClient;
  readonly links: Links;
}

export interface MediaSourceRequest<Links> {
  readonly id: string;
  readonly account: string;
  /** Whether the API tells of albums. */
  readonly albums: boolean;
  readonly limit?: Limit | undefined;
  /** Opens client and links; once, unless it fails. */
  readonly open: () => Promise<Opened<Links>>;
  readonly scan: (open: () => Promise<Opened<Links>>, request: ScanRequest) => AsyncIterable<Page>;
  /** How a place's bytes are asked for. @throws where it is none of the source's */
  readonly access: (opened: Opened<Links>, location: Location, form?: keyof typeof suffixes) => MediaAccess;
  /** Asks for links that are about to be needed. */
  readonly prepare?: (links: Links, locations: readonly Location[]) => Promise<void>;
}

export function createMediaSource<Links extends { close(): void }>(
  request: MediaSourceRequest<Links>,
): Source {
  const { id, account, albums, limit, access, prepare } = request;
  let opened: Promise<Opened<Links>> | undefined;
  const open = (): Promise<Opened<Links>> => {
    opened ??= request.open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };

  // What threads request can't be held to a rate here; who wants one needs no threads.
  async function linkTo(location: Location, signal: AbortSignal): Promise<BytesLink> {
    const [account, { linkToMedia }] = await Promise.all([open(), import('./media-link.ts')]);
    return linkToMedia(access(account, location), signal);
  }

  return {
    id,
    account,
    features: { albums, exactSizes: false, requestPerFile: true },
    async *scan(scanning) {
      if (scanning.signal.aborted) throw new GphotosfsError('interrupted', 'the sync was interrupted');
      yield* request.scan(open, scanning);
    },
    async *open(location, wanted = {}) {
      if (wanted.signal?.aborted) throw new GphotosfsError('interrupted', 'the reader gave up');
      const [account, { openMedia }] = await Promise.all([open(), import('./media-bytes.ts')]);
      const bytes = openMedia(access(account, location), location, wanted);
      yield* limit?.(bytes, wanted.signal) ?? bytes;
    },
    async *openSmall(location, signal) {
      const [account, { openSmallPicture }] = await Promise.all([open(), import('./small-picture.ts')]);
      const bytes = openSmallPicture(access(account, location, 'small'), signal);
      yield* limit?.(bytes, signal) ?? bytes;
    },
    ...(limit === undefined ? { linkTo } : {}),
    ...(prepare === undefined
      ? {}
      : { prepare: async (locations) => prepare((await open()).links, locations) }),
    async close() {
      await opened?.then(
        ({ links }) => links.close(),
        () => {},
      );
    },
  };
}
