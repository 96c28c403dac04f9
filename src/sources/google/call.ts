/** A call of an API: JSON there and back, the answer checked. */
import type { ZodType } from 'zod';
import { GphotosfsError } from '../../model/errors.ts';
import type { Exchange, Perform } from './exchange.ts';
import { errorOfStrayPage } from './google-error.ts';
import { type HttpAnswer, mediaType } from './http.ts';
import { networkError } from './network-error.ts';
import { parseJson, readText } from './read-body.ts';

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
  /** How long to go on trying after an error, ms, where that is less than the client's patience. */
  readonly patienceFor?: ((error: unknown) => number | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Lists have 100 items of some kB. */
const maxAnswerBytes = 32 << 20;

/** @param isCounted whether each try counts against the day's requests */
export async function callApi<T>(perform: Perform, request: CallRequest<T>, isCounted: boolean): Promise<T> {
  const { method, url, query, body, schema, what, patienceFor, signal } = request;
  const exchange: Exchange = {
    method,
    url: addQuery(new URL(url), query),
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    authorized: true,
    followRedirects: false,
    daily: isCounted ? 'requests' : undefined,
    accept: (status) => status >= 200 && status < 300,
    what,
    patienceFor,
    signal,
  };
  const answer = await perform(exchange, (one) => readJson(one, exchange));
  const checked = schema.safeParse(answer);
  if (checked.success) return checked.data;
  throw oddAnswer(what, exchange.url.host, checked.error.issues[0]);
}

async function readJson(answer: HttpAnswer, { what, signal }: Exchange): Promise<unknown> {
  const text = await readText(answer.body, maxAnswerBytes).catch((error: unknown) => {
    throw networkError(error, what, answer.host, signal);
  });
  if (text === '') return {};
  const value = parseJson(text);
  if (value === undefined) {
    throw errorOfStrayPage(mediaType(answer.headers), { what, host: answer.host });
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
