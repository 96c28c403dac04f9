/**
 * The Photos Library API and the Photos Picker API as the fake plays them, with the host of their bytes.
 *
 *     const photos = addPhotos(fake);
 *     photos.items.push({ id: 'a', filename: 'a.jpg', takenAt: '2021-07-01T10:00:00Z', bytes: jpeg(1, 1000) });
 */
import { randomUUID } from 'node:crypto';
import type { Exchange, FakeGoogle } from './fake-google.ts';
import { addMedia, type FakeItem, type FakeMedia, mimeTypeOf } from './media.ts';
import { libraryScope, pickerScope } from './oauth.ts';

export interface FakeAlbum {
  readonly id: string;
  readonly title: string;
  /** Ids. */
  readonly items: readonly string[];
}

export interface FakeSession {
  readonly id: string;
  /** undefined until the owner is done. */
  picked: readonly FakeItem[] | undefined;
  expired: boolean;
  deleted: boolean;
}

export interface FakePhotos {
  /** What the client has uploaded, oldest first. */
  items: FakeItem[];
  albums: FakeAlbum[];
  /** Ids that turn a whole batchGet into 500. */
  readonly poison: Set<string>;
  /** Ids that batchGet doesn't know. */
  readonly gone: Set<string>;
  /** Page tokens that were given so far are dead. */
  killTokens(): void;
  /** So many pages without items come before each page with some. */
  emptyPages: number;
  /** Each page begins with the last item of the one before. */
  repeats: boolean;
  readonly sessions: FakeSession[];
  /** What the owner picks in the next session, after some polls; undefined: nothing, ever. */
  willPick: readonly FakeItem[] | undefined;
  pollsBeforeDone: number;
  /** How often a session may be asked, and how long. */
  polling: { readonly pollInterval: string; readonly timeoutIn: string };
  readonly media: FakeMedia;
}

const badToken = {
  error: {
    code: 400,
    message: 'When using a page token, you must use the same parameters as the previous request.',
    status: 'INVALID_ARGUMENT',
  },
};

export function addPhotos(fake: FakeGoogle): FakePhotos {
  let tokenAge = 0;
  let known = { items: [] as readonly FakeItem[], length: 0, byId: new Map<string, FakeItem>() };
  const photos: FakePhotos = {
    items: [],
    albums: [],
    poison: new Set(),
    gone: new Set(),
    killTokens: () => {
      tokenAge += 1;
    },
    emptyPages: 0,
    repeats: false,
    sessions: [],
    willPick: undefined,
    pollsBeforeDone: 1,
    polling: { pollInterval: '0.5s', timeoutIn: '1800s' },
    media: addMedia(fake, findItem, (exchange) => fake.oauth.allows(exchange, pickerScope)),
  };

  function findItem(service: 'library' | 'picker', id: string): FakeItem | undefined {
    if (service === 'picker')
      return photos.sessions.flatMap(({ picked = [] }) => picked).find((item) => item.id === id);
    const { items } = photos;
    if (known.items !== items || known.length !== items.length)
      known = { items, length: items.length, byId: new Map(items.map((item) => [item.id, item])) };
    return known.byId.get(id);
  }

  function mediaItem(item: FakeItem): object {
    const { id, filename, takenAt, width = 4000, height = 3000, description, status } = item;
    const mimeType = mimeTypeOf(item);
    const isVideo = mimeType.startsWith('video/');
    return {
      id,
      filename,
      ...(description === undefined ? {} : { description }),
      productUrl: `https://photos.google.com/lr/photo/${id}`,
      baseUrl: photos.media.linkOf(item, 'library'),
      mimeType,
      mediaMetadata: {
        ...(takenAt === undefined ? {} : { creationTime: takenAt }),
        width: String(width),
        height: String(height),
        ...(isVideo ? { video: { fps: 30, status: status ?? 'READY' } } : { photo: {} }),
      },
    };
  }

  /** A page of a list, by a token that says where it begins and with which parameters. */
  function cut<T>(
    all: readonly T[],
    { size, max, token, parameters }: { size: number; max: number; token: string; parameters: string },
  ): { page: readonly T[]; next: string | undefined } | undefined {
    const length = Math.min(size, max);
    const [at = '0', empty = '0', given = parameters, age = String(tokenAge)] =
      token === '' ? [] : Buffer.from(token, 'base64url').toString().split('\n');
    if (given !== parameters || age !== String(tokenAge)) return undefined;
    const start = Number(at);
    const made = (offset: number, empties: number) =>
      Buffer.from([offset, empties, parameters, tokenAge].join('\n')).toString('base64url');
    if (Number(empty) < photos.emptyPages && all.length > 0)
      return { page: [], next: made(start, Number(empty) + 1) };
    const end = start + length;
    const first = photos.repeats ? Math.max(0, start - 1) : start;
    return { page: all.slice(first, end), next: end < all.length ? made(end, 0) : undefined };
  }

  async function sendPage<T>(
    exchange: Exchange,
    name: string,
    all: readonly T[],
    request: { size: number; max: number; token: string; parameters: string },
    toJson: (one: T) => object,
  ): Promise<void> {
    const part = cut(all, request);
    if (part === undefined) return exchange.json(400, badToken);
    return exchange.json(200, {
      ...(part.page.length === 0 ? {} : { [name]: part.page.map(toJson) }),
      ...(part.next === undefined ? {} : { nextPageToken: part.next }),
    });
  }

  fake.use('/library', async (exchange) => {
    if (!(await fake.oauth.allows(exchange, libraryScope))) return;
    const { query, method } = exchange.request;
    const size = Number(query.get('pageSize') ?? 25);
    const token = query.get('pageToken') ?? '';
    switch (`${method} ${exchange.rest}`) {
      case 'GET /v1/mediaItems': {
        const request = { size, max: 100, token, parameters: `items ${size}` };
        return sendPage(exchange, 'mediaItems', photos.items.toReversed(), request, mediaItem);
      }
      case 'GET /v1/mediaItems:batchGet':
        return batchGet(exchange, query.getAll('mediaItemIds'));
      case 'POST /v1/mediaItems:search':
        return search(exchange);
      case 'GET /v1/albums': {
        const request = { size, max: 50, token, parameters: `albums ${size}` };
        return sendPage(exchange, 'albums', photos.albums, request, ({ id, title, items }) => ({
          id,
          title,
          ...(items.length === 0 ? {} : { mediaItemsCount: String(items.length) }),
        }));
      }
      default:
        // All calls of sharing were withdrawn in 2025.
        return exchange.json(403, {
          error: {
            code: 403,
            message: 'Request had insufficient authentication scopes.',
            status: 'PERMISSION_DENIED',
          },
        });
    }
  });

  async function batchGet(exchange: Exchange, ids: readonly string[]): Promise<void> {
    if (ids.length === 0 || ids.length > 50 || new Set(ids).size < ids.length)
      return exchange.json(400, {
        error: { code: 400, message: 'Invalid number of ids.', status: 'INVALID_ARGUMENT' },
      });
    if (ids.some((id) => photos.poison.has(id)))
      return exchange.json(500, {
        error: { code: 500, message: 'Internal error encountered.', status: 'INTERNAL' },
      });
    return exchange.json(200, {
      mediaItemResults: ids.map((id) => {
        const item = photos.gone.has(id) ? undefined : findItem('library', id);
        if (item === undefined) return { status: { code: 3, message: 'Invalid media item ID.' } };
        return { mediaItem: mediaItem(item) };
      }),
    });
  }

  async function search(exchange: Exchange): Promise<void> {
    const {
      albumId,
      pageSize = 25,
      pageToken = '',
    } = JSON.parse(await exchange.body()) as {
      albumId?: string;
      pageSize?: number;
      pageToken?: string;
    };
    const album = photos.albums.find(({ id }) => id === albumId);
    if (album === undefined)
      return exchange.json(404, { error: { code: 404, message: 'Not found.', status: 'NOT_FOUND' } });
    const items = album.items.flatMap((id) => findItem('library', id) ?? []);
    const request = { size: pageSize, max: 100, token: pageToken, parameters: `${albumId} ${pageSize}` };
    return sendPage(exchange, 'mediaItems', items, request, mediaItem);
  }

  const polls = new Map<string, number>();
  function sessionJson(session: FakeSession): object {
    const isDone = session.picked !== undefined;
    return {
      id: session.id,
      pickerUri: `${fake.url}/pick/${session.id}`,
      expireTime: new Date(Date.now() + 7 * 86_400_000).toISOString(),
      mediaItemsSet: isDone,
      ...(isDone ? {} : { pollingConfig: photos.polling }),
    };
  }

  fake.use('/picker', async (exchange) => {
    if (!(await fake.oauth.allows(exchange, pickerScope))) return;
    const { method, query } = exchange.request;
    const notFound = () =>
      exchange.json(404, {
        error: { code: 404, message: 'Requested entity was not found.', status: 'NOT_FOUND' },
      });
    if (method === 'POST' && exchange.rest === '/v1/sessions') {
      const session: FakeSession = { id: randomUUID(), picked: undefined, expired: false, deleted: false };
      photos.sessions.push(session);
      return exchange.json(200, sessionJson(session));
    }
    const id =
      exchange.rest === '/v1/mediaItems'
        ? (query.get('sessionId') ?? '')
        : exchange.rest.replace(/^\/v1\/sessions\//, '');
    const session = photos.sessions.find((one) => one.id === id);
    if (session === undefined || session.expired || session.deleted) return notFound();
    if (exchange.rest === '/v1/mediaItems') return listPicked(exchange, session);
    if (method === 'DELETE') {
      session.deleted = true;
      return exchange.json(200, {});
    }
    const asked = (polls.get(id) ?? 0) + 1;
    polls.set(id, asked);
    if (asked >= photos.pollsBeforeDone && photos.willPick !== undefined) session.picked ??= photos.willPick;
    return exchange.json(200, sessionJson(session));
  });

  async function listPicked(exchange: Exchange, session: FakeSession): Promise<void> {
    if (session.picked === undefined)
      return exchange.json(400, {
        error: {
          code: 400,
          message: 'The user has not picked media items yet.',
          status: 'FAILED_PRECONDITION',
        },
      });
    const { query } = exchange.request;
    const size = Number(query.get('pageSize') ?? 50);
    const token = query.get('pageToken') ?? '';
    const request = { size, max: 100, token, parameters: `${session.id} ${size}` };
    return sendPage(exchange, 'mediaItems', session.picked, request, (item) => {
      const { id, filename, takenAt, width = 4000, height = 3000, status } = item;
      const isVideo = mimeTypeOf(item).startsWith('video/');
      return {
        id,
        ...(takenAt === undefined ? {} : { createTime: takenAt }),
        type: isVideo ? 'VIDEO' : 'PHOTO',
        mediaFile: {
          baseUrl: photos.media.linkOf(item, 'picker'),
          mimeType: mimeTypeOf(item),
          filename,
          mediaFileMetadata: {
            width,
            height,
            ...(isVideo ? { videoMetadata: { fps: 30, processingStatus: status ?? 'READY' } } : {}),
          },
        },
      };
    });
  }

  return photos;
}
