/** The calls of the Photos Library API that gphotosfs makes, and what their answers must be. */
import { z } from 'zod';
import { GphotosfsError } from '../../../model/errors.ts';
import type { GoogleClient } from '../client.ts';
import type { MediaFamily } from '../media/media-type.ts';
import { pagesOf } from '../media/paging.ts';

/** A photo or video as the Library API lists it. */
export interface LibraryItem {
  readonly id: string;
  readonly filename: string;
  readonly family: MediaFamily;
  /** Seconds since 1970, UTC. */
  readonly takenAt: number | undefined;
  /** Width and height, pixels. */
  readonly dimensions: readonly [number, number] | undefined;
  readonly description: string | undefined;
  /** Lives for an hour at most; undefined where Google gave none. */
  readonly baseUrl: string | undefined;
  /** Of a video: whether its bytes can be had already, or never. */
  readonly state: 'ready' | 'processing' | 'failed';
}

export interface LibraryAlbum {
  readonly id: string;
  readonly title: string;
  /** As many as Google says it has. */
  readonly count: number;
}

/** What a batchGet says of one id. */
export type BatchResult =
  | { readonly item: LibraryItem }
  | { readonly code: number; readonly message: string };

/** One page of a list; what of it is no item is counted. */
export interface ItemPage {
  readonly items: readonly LibraryItem[];
  readonly unreadable: number;
}

/** The largest that Google allows. */
const pageSize = 100;
const albumPageSize = 50;
export const batchSize = 50;

/** The Library API sends int64 as text. */
const int64 = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
  ])
  .pipe(z.int().min(0));
const mediaItem = z.object({
  id: z.string().min(1).max(4096),
  filename: z.string().optional(),
  mimeType: z.string().optional(),
  description: z.string().optional(),
  // As cheap as can be, for there are 25,000 in a sync; whoever asks there parses it.
  baseUrl: z.string().startsWith('http').optional(),
  mediaMetadata: z
    .object({
      creationTime: z.string().optional(),
      width: int64.optional(),
      height: int64.optional(),
      video: z.object({ status: z.string().optional() }).optional(),
    })
    .optional(),
});
const token = z.string().optional();
// Items are looked at one by one, for one odd item must not cost the page.
const itemPage = z.object({ mediaItems: z.array(z.unknown()).optional(), nextPageToken: token });
const albumPage = z.object({ albums: z.array(z.unknown()).optional(), nextPageToken: token });
const album = z.object({
  id: z.string().min(1).max(4096),
  title: z.string().optional(),
  mediaItemsCount: int64.optional(),
});
const batchAnswer = z.object({
  mediaItemResults: z
    .array(
      z.object({
        mediaItem: z.unknown().optional(),
        status: z.object({ code: z.int().optional(), message: z.string().optional() }).optional(),
      }),
    )
    .optional(),
});

function readItem(value: unknown): LibraryItem | undefined {
  const read = mediaItem.safeParse(value);
  if (!read.success) return undefined;
  const { id, filename, mimeType = '', description, baseUrl, mediaMetadata = {} } = read.data;
  const { creationTime, width, height, video } = mediaMetadata;
  const time = Date.parse(creationTime ?? '');
  const family = video !== undefined || mimeType.startsWith('video/') ? 'video' : 'image';
  return {
    id,
    filename: filename === undefined || filename === '' ? id : filename,
    family,
    takenAt: Number.isNaN(time) ? undefined : Math.floor(time / 1000),
    dimensions: width === undefined || height === undefined ? undefined : [width, height],
    description,
    baseUrl,
    state: video?.status === 'PROCESSING' ? 'processing' : video?.status === 'FAILED' ? 'failed' : 'ready',
  };
}

function readItems(values: readonly unknown[] = []): ItemPage {
  const items = values.flatMap((value) => readItem(value) ?? []);
  return { items, unreadable: values.length - items.length };
}

/** All items that this client has uploaded, newest first, some perhaps twice. */
export async function* listItems(client: GoogleClient, signal: AbortSignal): AsyncGenerator<ItemPage, void> {
  const url = `${client.endpoints.library}/v1/mediaItems`;
  const what = 'the list of photos';
  const pages = pagesOf((pageToken) =>
    client.call({ method: 'GET', url, query: { pageSize, pageToken }, schema: itemPage, what, signal }),
  );
  for await (const { mediaItems } of pages) yield readItems(mediaItems);
}

/** The albums that this client has made. */
export async function* listAlbums(
  client: GoogleClient,
  signal: AbortSignal,
): AsyncGenerator<LibraryAlbum, void> {
  const url = `${client.endpoints.library}/v1/albums`;
  const what = 'the list of albums';
  const pages = pagesOf((pageToken) =>
    client.call({
      method: 'GET',
      url,
      query: { pageSize: albumPageSize, pageToken },
      schema: albumPage,
      what,
      signal,
    }),
  );
  for await (const { albums = [] } of pages) {
    for (const value of albums) {
      const read = album.safeParse(value);
      if (!read.success) continue;
      const { id, title = '', mediaItemsCount = 0 } = read.data;
      yield { id, title, count: mediaItemsCount };
    }
  }
}

/** The ids of an album's items, page by page. */
export async function* listAlbumItems(
  client: GoogleClient,
  albumId: string,
  signal: AbortSignal,
): AsyncGenerator<readonly string[], void> {
  const url = `${client.endpoints.library}/v1/mediaItems:search`;
  const pages = pagesOf((pageToken) =>
    client.call({
      method: 'POST',
      url,
      body: { albumId, pageSize, ...(pageToken === undefined ? {} : { pageToken }) },
      schema: itemPage,
      what: 'the photos of an album',
      signal,
    }),
  );
  for await (const { mediaItems } of pages) yield readItems(mediaItems).items.map(({ id }) => id);
}

/**
 * What Google has for each of at most `batchSize` different ids, in their order.
 * @param patienceFor how long to go on trying after an error, ms; undefined: as long as the client does
 */
export async function batchGet(
  client: GoogleClient,
  ids: readonly string[],
  patienceFor: ((error: unknown) => number | undefined) | undefined,
  signal: AbortSignal,
): Promise<readonly BatchResult[]> {
  const { mediaItemResults = [] } = await client.call({
    method: 'GET',
    url: `${client.endpoints.library}/v1/mediaItems:batchGet`,
    query: { mediaItemIds: ids },
    schema: batchAnswer,
    what: 'links to photos',
    patienceFor,
    signal,
  });
  if (mediaItemResults.length !== ids.length)
    throw new GphotosfsError(
      'bad-source',
      `links to photos: ${mediaItemResults.length} answers came for ${ids.length} photos`,
    );
  return mediaItemResults.map(({ mediaItem: value, status = {} }) => {
    const item = readItem(value);
    if (item !== undefined) return { item };
    return { code: status.code ?? 0, message: status.message ?? 'Google has no such item' };
  });
}
