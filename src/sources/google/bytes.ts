/** Bytes by link: what a HEAD says of them, and opening them whole or as a range. */
import { GphotosfsError } from '../../model/errors.ts';
import { checkedBytes } from './checked-bytes.ts';
import type { DailyQuota } from './daily-budget.ts';
import type { Exchange, Perform } from './exchange.ts';
import { type HeaderFields, type HttpAnswer, headerOf, mediaType } from './http.ts';

export interface HeadRequest {
  readonly url: string;
  /** Send the account's token; only to hosts that may have it. */
  readonly authorized: boolean;
  /** The day's quota that it counts against: `bytes` for media of the Library API, HEAD and GET alike. */
  readonly daily?: DailyQuota | undefined;
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

export interface OpenBytesRequest extends HeadRequest {
  /** First byte wanted; default 0. */
  readonly start?: number | undefined;
  /** One past the last byte wanted; default all. */
  readonly end?: number | undefined;
  /** Told each time the host asks to slow down. */
  readonly slowed?: (() => void) | undefined;
  /** In pieces as the connection gives them; default joined to larger ones. */
  readonly asTheyCome?: boolean | undefined;
}

export interface HeadAnswer {
  /** Length in bytes, where it was announced. */
  readonly size: number | undefined;
  /** Media type without parameters, in lower case; empty where it wasn't announced. */
  readonly type: string;
}

export interface OpenedBytes extends HeadAnswer {
  /** Of the first byte that `bytes` gives: a server may ignore the range and send all from 0. */
  readonly start: number;
  /** Changes when the bytes do, where the server says so. */
  readonly etag: string | undefined;
  /** To be read to the end, or returned. Throws when it breaks, stalls, or has another length than announced. */
  readonly bytes: AsyncIterable<Buffer>;
}

export function headBytes(perform: Perform, request: HeadRequest): Promise<HeadAnswer> {
  return perform(bytesExchange('HEAD', request, {}), async ({ headers, body }) => {
    await body.dump().catch(() => {});
    return { size: lengthOf(headers), type: mediaType(headers) };
  });
}

export function openBytes(perform: Perform, request: OpenBytesRequest): Promise<OpenedBytes> {
  const { start = 0, end, what, signal, asTheyCome } = request;
  const isWhole = start === 0 && end === undefined;
  const range = isWhole ? {} : { range: `bytes=${start}-${end === undefined ? '' : end - 1}` };
  return perform(bytesExchange('GET', request, range), async (answer) => {
    try {
      const { size, first, length } = openedRange(answer, { start, end, what });
      return {
        size,
        start: first,
        type: mediaType(answer.headers),
        etag: headerOf(answer.headers, 'etag'),
        bytes: checkedBytes(answer, { length, what, signal, asTheyCome }),
      };
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  });
}

function bytesExchange(
  method: 'HEAD' | 'GET',
  request: OpenBytesRequest,
  range: Readonly<Record<string, string>>,
): Exchange {
  const { url, authorized, daily, what, signal, slowed } = request;
  return {
    method,
    url: new URL(url),
    // A length is only known of bytes as they are.
    headers: { 'accept-encoding': 'identity', ...range },
    authorized,
    followRedirects: true,
    daily,
    accept: (status) => status === 200 || (status === 206 && 'range' in range),
    what,
    signal,
    slowed,
  };
}

interface OpenedRange {
  readonly size: number | undefined;
  readonly first: number;
  readonly length: number | undefined;
}

/** What the head of an answer says of its body. @throws `source-unreachable` where that isn't what was asked for */
function openedRange(
  { status, headers, host }: HttpAnswer,
  { start, end, what }: { readonly start: number; readonly end: number | undefined; readonly what: string },
): OpenedRange {
  const announced = lengthOf(headers);
  if (status === 200) return { size: announced, first: 0, length: announced };
  const [, first, last, whole] =
    /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headerOf(headers, 'content-range') ?? '') ?? [];
  const length = Number(last) - Number(first) + 1;
  const isAsked = Number(first) === start && length > 0 && (end === undefined || Number(last) < end);
  if (!isAsked || (announced !== undefined && announced !== length)) {
    throw new GphotosfsError('source-unreachable', `${what}: ${host} sent another range than was asked for`);
  }
  return { size: whole === '*' ? undefined : Number(whole), first: start, length };
}

function lengthOf(headers: HeaderFields): number | undefined {
  const text = headerOf(headers, 'content-length');
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
