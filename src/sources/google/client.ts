/**
 * One Google account as seen from its sources: calls of an API, and bytes by link. Here meet the token and the hosts that may
 * see it, the retries Google advises, the day's quota, and the translation of what goes wrong.
 */
import { OAuth2Client } from 'google-auth-library';
import type { ZodType } from 'zod';
import { GphotosfsError } from '../../model/errors.ts';
import { checkedBytes } from './checked-bytes.ts';
import { projectOf, readClientSecret } from './client-secret.ts';
import { createDailyBudget, type DailyBudget, type DailyCounts, type DailyQuota } from './daily-budget.ts';
import { type Endpoints, mayHaveToken } from './endpoints.ts';
import { errorOfRefusal, errorOfStrayPage, isScopeMissingError, refusalOf } from './google-error.ts';
import {
  createHttp,
  type HeaderFields,
  type HttpAnswer,
  type HttpLimits,
  type HttpRequest,
  headerOf,
} from './http.ts';
import { createLibraryFetch, errorOfLibrary, orAborted } from './library-fetch.ts';
import { networkError } from './network-error.ts';
import { type Patience, type Rests, standardPatience, withPatience } from './patience.ts';
import { parseJson, readText } from './token-request.ts';
import { createTokens } from './tokens.ts';

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface CallRequest<T> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  /** A list is repeated under its name; undefined is left out. */
  readonly query?: Query | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** What the answer must be; an empty body counts as `{}`. */
  readonly schema: ZodType<T>;
  /** What is asked for, as a noun, for errors and logs: `the list of albums`. */
  readonly what: string;
  /** How long to go on trying, ms; default the client's patience. */
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

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

/** An account. All its methods throw `sign-in`, `quota`, `source-unreachable`, `interrupted`, and as Google refuses. */
export interface GoogleClient {
  readonly account: string;
  readonly endpoints: Endpoints;
  readonly budget: DailyBudget;
  /** One API call with the account's token, tried again as Google advises. @throws `bad-source` for an odd answer */
  call<T>(request: CallRequest<T>): Promise<T>;
  /** What a HEAD says of bytes. */
  head(request: HeadRequest): Promise<HeadAnswer>;
  /** Opens bytes: 200, or 206 for a range. It doesn't resume (`resumeBytes`). */
  open(request: OpenBytesRequest): Promise<OpenedBytes>;
  /** For Google's own libraries: the same account, connections and limits. */
  readonly auth: OAuth2Client;
  /** A call that such a library makes, tried again and its errors translated as in `call`. */
  viaLibrary<T>(
    request: { readonly url: string; readonly what: string; readonly signal?: AbortSignal | undefined },
    make: () => Promise<{ readonly data: T }>,
  ): Promise<T>;
  close(): Promise<void>;
}

export interface GoogleClientRequest {
  readonly account: string;
  readonly endpoints: Endpoints;
  /** `client_secret.json` and `token.json`. */
  readonly secretPath: string;
  readonly tokenPath: string;
  readonly counts: DailyCounts;
  readonly log: (message: string) => void;
  readonly limits?: HttpLimits | undefined;
  readonly patience?: Patience | undefined;
}

/** Lists have 100 items of some kB. */
const maxAnswerBytes = 32 << 20;
const maxErrorBytes = 64 << 10;

interface Exchange extends Omit<HttpRequest, 'headers' | 'signal' | 'what'> {
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorized: boolean;
  readonly daily: DailyQuota | undefined;
  readonly accept: (status: number) => boolean;
  readonly what: string;
  readonly patienceMs?: number | undefined;
  readonly signal: AbortSignal | undefined;
}

export function createGoogleClient(request: GoogleClientRequest): GoogleClient {
  const { account, endpoints, secretPath, tokenPath, log, patience = standardPatience } = request;
  const http = createHttp(request.limits);
  const tokens = createTokens({ http, url: endpoints.token, account, secretPath, tokenPath });
  const budget = createDailyBudget(request.counts, () => projectOf(readClientSecret(secretPath)));
  const rests: Rests = new Map();

  async function send(exchange: Exchange, token: string | undefined): Promise<HttpAnswer> {
    const { headers = {}, accept, daily, patienceMs: _, ...sent } = exchange;
    if (daily !== undefined) budget.take(daily);
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await http.send({ ...sent, headers: { ...headers, ...authorization } });
    if (accept(answer.status)) return answer;
    const text = await readText(answer.body, maxErrorBytes).catch(() => '');
    const { what } = exchange;
    throw errorOfRefusal(answer.status, text, {
      what,
      host: answer.host,
      headers: answer.headers,
      now: Date.now(),
    });
  }

  /** One try, with a second one where the token was refused and there is another. */
  async function attempt(exchange: Exchange): Promise<HttpAnswer> {
    if (!exchange.authorized) return send(exchange, undefined);
    const token = await tokens.current();
    try {
      return await send(exchange, token);
    } catch (error) {
      const another = await anotherToken(error, token);
      if (another === undefined) throw error;
      return send(exchange, another);
    }
  }

  async function anotherToken(error: unknown, refused: string): Promise<string | undefined> {
    if (isScopeMissingError(error)) return tokens.newer(refused);
    return refusalOf(error)?.status === 401 ? tokens.renew(refused) : undefined;
  }

  function perform<T>(exchange: Exchange, use: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    const { url, signal, authorized, what } = exchange;
    if (authorized && !mayHaveToken(endpoints, url)) {
      throw new GphotosfsError('bad-source', `${what}: ${url.host} must not see the account's token`, {
        hint: 'If that host belongs to Google, name it with --content-hosts.',
      });
    }
    const totalMs = Math.min(patience.totalMs, exchange.patienceMs ?? Number.POSITIVE_INFINITY);
    const patient = { host: url.host, rests, patience: { ...patience, totalMs }, signal, log };
    return withPatience(patient, async () => use(await attempt(exchange)));
  }

  const auth = new OAuth2Client({
    transporterOptions: { fetchImplementation: createLibraryFetch(http.fetch, endpoints, tokens) },
  });
  auth.refreshHandler = async () => ({
    access_token: await tokens.current(),
    // Asked for again each minute: `tokens` knows better when a token ends. The library refreshes 5 minutes ahead.
    expiry_date: Date.now() + 6 * 60_000,
  });

  return {
    account,
    endpoints,
    budget,
    auth,
    viaLibrary({ url, what, signal }, make) {
      const { host } = new URL(url);
      return withPatience({ host, rests, patience, signal, log }, async () => {
        try {
          return (await orAborted(make(), signal, what)).data;
        } catch (error) {
          throw errorOfLibrary(error, { what, host, signal });
        }
      });
    },
    async call({ method, url, query, body, schema, what, patienceMs, signal }) {
      const target = addQuery(new URL(url), query);
      const exchange: Exchange = {
        method,
        url: target,
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        authorized: true,
        followRedirects: false,
        daily: target.href.startsWith(`${endpoints.library}/`) ? 'requests' : undefined,
        accept: (status) => status >= 200 && status < 300,
        what,
        patienceMs,
        signal,
      };
      const answer = await perform(exchange, (one) => readJson(one, exchange));
      const checked = schema.safeParse(answer);
      if (checked.success) return checked.data;
      throw oddAnswer(what, target.host, checked.error.issues[0]);
    },
    async head({ url, authorized, daily, what, signal }) {
      const exchange = bytesExchange('HEAD', { url, authorized, daily, what, signal }, {});
      return perform(exchange, async ({ headers, body }) => {
        await body.dump().catch(() => {});
        return { size: lengthOf(headers), type: typeOf(headers) };
      });
    },
    async open(wanted) {
      const { start = 0, end, what, signal } = wanted;
      const range =
        start > 0 || end !== undefined ? { range: `bytes=${start}-${end === undefined ? '' : end - 1}` } : {};
      const exchange = bytesExchange('GET', wanted, range);
      return perform(exchange, async (answer) => {
        try {
          const opened = openedRange(answer, { start, end, what });
          const { size, first, length } = opened;
          const bytes = checkedBytes(answer, { length, what, signal });
          return {
            size,
            start: first,
            type: typeOf(answer.headers),
            etag: headerOf(answer.headers, 'etag'),
            bytes,
          };
        } catch (error) {
          answer.body.destroy();
          throw error;
        }
      });
    },
    close: () => http.close(),
  };
}

function bytesExchange(
  method: 'HEAD' | 'GET',
  request: HeadRequest,
  range: Readonly<Record<string, string>>,
): Exchange {
  const { url, authorized, daily, what, signal } = request;
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

async function readJson(answer: HttpAnswer, { what, signal }: Exchange): Promise<unknown> {
  const text = await readText(answer.body, maxAnswerBytes).catch((error: unknown) => {
    throw networkError(error, what, answer.host, signal);
  });
  if (text === '') return {};
  const value = parseJson(text);
  if (value === undefined) {
    throw errorOfStrayPage(typeOf(answer.headers), { what, host: answer.host });
  }
  return value;
}

function oddAnswer(what: string, host: string, issue: { path: PropertyKey[]; message: string } | undefined) {
  const at = issue?.path.map(String).join('.') ?? '';
  return new GphotosfsError(
    'bad-source',
    `${what}: ${host} answered oddly${at === '' ? '' : ` (${at}: ${issue?.message})`}`,
    {
      hint: 'If it stays so, please report it.',
    },
  );
}

function addQuery(url: URL, query: Query = {}): URL {
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) url.searchParams.append(name, String(one));
    }
  }
  return url;
}

function lengthOf(headers: HeaderFields): number | undefined {
  const text = headerOf(headers, 'content-length');
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function typeOf(headers: HeaderFields): string {
  return (headerOf(headers, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}
