/**
 * The bytes of one photo or video from a link of the Library or the Picker API. What comes is checked while it streams —
 * status, media type, first bytes, length — so that nothing but the photo can reach the cache; a link that has died is
 * renewed once; a broken connection is resumed.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Location } from '../../../model/words.ts';
import type { OpenRequest } from '../../source.ts';
import type { OpenedBytes } from '../bytes.ts';
import type { GoogleClient } from '../client.ts';
import type { DailyQuota } from '../daily-budget.ts';
import { refusalOf } from '../google-error.ts';
import { resumeBytes } from '../resume-bytes.ts';
import { familyOf, familyOfType, headLength, type MediaFamily } from './media-type.ts';
import { withLink } from './with-link.ts';

/** How one item's bytes are asked for. */
export interface MediaAccess<Client = GoogleClient> {
  readonly client: Client;
  /** The link to the bytes; `renew` asks for another one than was given before. */
  readonly link: (renew: boolean) => Promise<string>;
  /** Whether its host wants the account's token. */
  readonly authorized: boolean;
  readonly daily: DailyQuota | undefined;
  readonly family: MediaFamily;
  /** The item, in errors. */
  readonly what: string;
}

type Opening = MediaAccess<Pick<GoogleClient, 'open'>>;

/**
 * Streams bytes of a location as `Source.open` does.
 * @throws `bad-content` for what is no photo or has another length than listed; with `actualSize` where all of it came
 * as announced, twice, so that the listing was wrong
 */
export async function* openMedia(
  access: Opening,
  { size }: Pick<Location, 'size'>,
  { start: wanted = 0, end: until = size, signal }: OpenRequest,
): AsyncGenerator<Buffer, void> {
  const { what } = access;
  if (signal?.aborted) throw new GphotosfsError('interrupted', `${what}: the reader gave up`);
  const start = Math.max(0, wanted);
  const end = Math.min(until, size);
  if (start >= end) return;
  const isWhole = start === 0 && end === size;
  let announced: number | undefined;
  const resumed = resumeBytes({
    open: (from) =>
      withLink(access.link, (url) =>
        access.client.open({
          url,
          authorized: access.authorized,
          daily: access.daily,
          start: from,
          end: isWhole ? undefined : end,
          what,
          signal,
        }),
      ),
    start,
    end: isWhole ? undefined : end,
    what,
    check(opened) {
      checkType(access, opened);
      announced = opened.size;
      // Of a part nobody knows whether the rest would come.
      if (!isWhole && announced !== undefined && announced !== size) throw wrongLength(what, announced, size);
    },
    signal,
  });
  let came = 0;
  // A few bytes don't tell the format; nothing is published from a part.
  const tells = start === 0 && end >= Math.min(size, headLength);
  for await (const chunk of tells ? checkedHead(access, resumed) : resumed) {
    const room = Math.max(0, end - start - came);
    came += chunk.length;
    if (room > 0) yield chunk.length > room ? chunk.subarray(0, room) : chunk;
    if (!isWhole && came >= end - start) return;
  }
  if (came === end - start) return;
  // Without an announcement nothing says that this was all; and one answer alone may be the one that is wrong.
  const isAll = isWhole && came === announced && (await announceAgain(access, signal)) === came;
  throw wrongLength(what, came, end - start, isAll);
}

/** What another answer announces. */
async function announceAgain(access: Opening, signal: AbortSignal | undefined): Promise<number | undefined> {
  const { client, authorized, daily, what } = access;
  return withLink(access.link, async (url) => {
    const opened = await client.open({ url, authorized, daily, what, signal });
    await opened.bytes[Symbol.asyncIterator]().return?.();
    return opened.size;
  });
}

function checkType(
  { family, what }: Pick<MediaAccess, 'family' | 'what'>,
  { type }: Pick<OpenedBytes, 'type'>,
): void {
  const said = familyOfType(type);
  if (said === 'unknown' || said === family) return;
  throw new GphotosfsError('bad-content', `${what}: ${type} came instead of ${aOf(family)}`, {
    hint: 'It is tried again by the next prefetch.',
  });
}

/** The stream, once its first bytes have been seen to be a photo's. */
async function* checkedHead(
  { family, what }: Pick<MediaAccess, 'family' | 'what'>,
  bytes: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  let head: Buffer | undefined = Buffer.alloc(0);
  const check = (first: Buffer) => {
    if (familyOf(first) === family) return;
    throw new GphotosfsError('bad-content', `${what}: what came is not ${aOf(family)}`, {
      hint: 'It is tried again by the next prefetch.',
    });
  };
  for await (const chunk of bytes) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length < headLength) continue;
    check(head);
    yield head;
    head = undefined;
  }
  if (head === undefined) return;
  check(head);
  yield head;
}

function aOf(family: MediaFamily): string {
  return family === 'image' ? 'a photo' : 'a video';
}

function wrongLength(what: string, came: number, listed: number, isAll = false): GphotosfsError {
  return new GphotosfsError('bad-content', `${what}: ${came} bytes came where ${listed} were listed`, {
    hint: isAll ? 'Open it again: its size has been put right.' : 'It is tried again by the next prefetch.',
    ...(isAll ? { actualSize: came } : {}),
  });
}

/**
 * The exact size of an item's bytes before they are fetched: by HEAD, and where that doesn't tell, by asking for the
 * bytes.
 * @throws `bad-content` for what is no media, or has no bytes yet
 */
export async function measureMedia(access: MediaAccess, signal: AbortSignal): Promise<number> {
  const { client, authorized, daily, what } = access;
  const request = { authorized, daily, what, signal };
  const size =
    (await withLink(access.link, async (url) => {
      try {
        const head = await client.head({ url, ...request });
        checkType(access, head);
        return head.size;
      } catch (error) {
        // "Method not allowed": whether all of Google's hosts answer HEAD isn't documented.
        if (isMethodRefused(error)) return undefined;
        throw error;
      }
    })) ??
    (await withLink(access.link, async (url) => count(access, await client.open({ url, ...request }))));
  if (size > 0) return size;
  throw new GphotosfsError('bad-content', `${what}: it has no bytes yet`, {
    hint: 'It is asked again by the next sync.',
  });
}

/** The announced length, without reading on; or the bytes counted. */
async function count(access: MediaAccess, opened: OpenedBytes): Promise<number> {
  const { bytes, size } = opened;
  try {
    checkType(access, opened);
    if (size !== undefined) return size;
    let counted = 0;
    for await (const chunk of bytes) counted += chunk.length;
    return counted;
  } finally {
    await bytes[Symbol.asyncIterator]().return?.();
  }
}

function isMethodRefused(error: unknown): boolean {
  return refusalOf(error)?.status === 405;
}
