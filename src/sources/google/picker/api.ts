/** The calls of the Photos Picker API, and what their answers must be. */
import { z } from 'zod';
import { GphotosfsError } from '../../../model/errors.ts';
import type { GoogleClient } from '../client.ts';
import { refusalOf } from '../google-error.ts';
import type { MediaFamily } from '../media/media-type.ts';
import { pagesOf } from '../media/paging.ts';

/** A session: the owner picks in it, and while it lives what was picked can be had. */
export interface PickerSession {
  readonly id: string;
  /** Where the owner picks. */
  readonly pickerUri: string;
  /** The owner is done. */
  readonly isPicked: boolean;
  /** How often to ask, and for how long, ms. */
  readonly pollMs: number;
  readonly patienceMs: number;
  /** Seconds since 1970; undefined where Google doesn't say. */
  readonly expiresAt: number | undefined;
}

/** A photo or video that was picked. */
export interface PickedItem {
  readonly id: string;
  readonly filename: string;
  readonly family: MediaFamily;
  readonly takenAt: number | undefined;
  readonly dimensions: readonly [number, number] | undefined;
  readonly baseUrl: string;
  readonly state: 'ready' | 'processing' | 'failed';
}

export interface PickedPage {
  readonly items: readonly PickedItem[];
  readonly unreadable: number;
}

/** The largest that Google allows. */
const pageSize = 100;
/** Where Google doesn't say: its own usual answers. */
const usualPollMs = 5000;
const usualPatienceMs = 30 * 60_000;

/** `3.5s` */
const duration = z
  .string()
  .regex(/^\d{1,9}(?:\.\d{1,9})?s$/)
  .transform((text) => Math.round(Number.parseFloat(text) * 1000));
const session = z.object({
  id: z.string().min(1).max(4096),
  pickerUri: z.url().optional(),
  mediaItemsSet: z.boolean().optional(),
  pollingConfig: z.object({ pollInterval: duration.optional(), timeoutIn: duration.optional() }).optional(),
  expireTime: z.string().optional(),
});
const pixels = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
  ])
  .pipe(z.int().min(0));
const pickedItem = z.object({
  id: z.string().min(1).max(4096),
  createTime: z.string().optional(),
  type: z.string().optional(),
  mediaFile: z.object({
    baseUrl: z.string().startsWith('http'),
    mimeType: z.string().optional(),
    filename: z.string().optional(),
    mediaFileMetadata: z
      .object({
        width: pixels.optional(),
        height: pixels.optional(),
        videoMetadata: z.object({ processingStatus: z.string().optional() }).optional(),
      })
      .optional(),
  }),
});
const itemPage = z.object({
  mediaItems: z.array(z.unknown()).optional(),
  nextPageToken: z.string().optional(),
});

function readSession(value: z.infer<typeof session>): PickerSession {
  const { id, pickerUri = '', mediaItemsSet = false, pollingConfig = {}, expireTime } = value;
  const expires = Date.parse(expireTime ?? '');
  return {
    id,
    pickerUri,
    isPicked: mediaItemsSet,
    pollMs: Math.max(500, pollingConfig.pollInterval ?? usualPollMs),
    patienceMs: pollingConfig.timeoutIn ?? usualPatienceMs,
    expiresAt: Number.isNaN(expires) ? undefined : Math.floor(expires / 1000),
  };
}

const sessionsUrl = (client: GoogleClient, id?: string): string =>
  `${client.endpoints.picker}/v1/sessions${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;

/** @throws `usage` for an account without Google Photos; `quota` where too many sessions are open */
export async function createSession(client: GoogleClient, signal: AbortSignal): Promise<PickerSession> {
  const what = 'a Picker session';
  const request = {
    method: 'POST',
    url: sessionsUrl(client),
    body: {},
    schema: session,
    what,
    signal,
  } as const;
  try {
    const made = readSession(await client.call(request));
    if (made.pickerUri !== '') return made;
  } catch (error) {
    if (!refusalOf(error)?.reasons.includes('FAILED_PRECONDITION')) throw error;
    throw new GphotosfsError('usage', 'this Google account cannot pick photos', {
      hint: 'Open photos.google.com once with it, then try again.',
      cause: error,
    });
  }
  throw new GphotosfsError('bad-source', 'Google opened a Picker session without a link');
}

/** @throws `source-gone` for one that has expired or was deleted */
export async function getSession(
  client: GoogleClient,
  id: string,
  signal: AbortSignal,
): Promise<PickerSession> {
  const what = 'the Picker session';
  return readSession(
    await client.call({ method: 'GET', url: sessionsUrl(client, id), schema: session, what, signal }),
  );
}

export async function deleteSession(client: GoogleClient, id: string, signal: AbortSignal): Promise<void> {
  const what = 'the end of a Picker session';
  await client.call({ method: 'DELETE', url: sessionsUrl(client, id), schema: z.unknown(), what, signal });
}

/** What was picked, page by page, some perhaps twice. @throws `source-gone` for a session that has expired */
export async function* listPicked(
  client: GoogleClient,
  sessionId: string,
  signal: AbortSignal,
): AsyncGenerator<PickedPage, void> {
  const url = `${client.endpoints.picker}/v1/mediaItems`;
  const what = 'the list of picked photos';
  const pages = pagesOf((pageToken) =>
    client.call({
      method: 'GET',
      url,
      query: { sessionId, pageSize, pageToken },
      schema: itemPage,
      what,
      signal,
    }),
  );
  for await (const { mediaItems = [] } of pages) {
    const items = mediaItems.flatMap((value) => readItem(value) ?? []);
    yield { items, unreadable: mediaItems.length - items.length };
  }
}

function readItem(value: unknown): PickedItem | undefined {
  const read = pickedItem.safeParse(value);
  if (!read.success) return undefined;
  const { id, createTime, type, mediaFile } = read.data;
  const { baseUrl, mimeType = '', filename, mediaFileMetadata = {} } = mediaFile;
  const { width, height, videoMetadata } = mediaFileMetadata;
  const time = Date.parse(createTime ?? '');
  const status = videoMetadata?.processingStatus;
  return {
    id,
    filename: filename === undefined || filename === '' ? id : filename,
    family: type === 'VIDEO' || mimeType.startsWith('video/') ? 'video' : 'image',
    takenAt: Number.isNaN(time) ? undefined : Math.floor(time / 1000),
    dimensions: width === undefined || height === undefined ? undefined : [width, height],
    baseUrl,
    state: status === 'PROCESSING' ? 'processing' : status === 'FAILED' ? 'failed' : 'ready',
  };
}
