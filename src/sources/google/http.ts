/**
 * HTTP as all Google sources use it: one pool of connections, through the proxy that the environment names, with limits on
 * every wait. Node's own trust store is left alone, so NODE_EXTRA_CA_CERTS works, also behind a proxy.
 */
import { type Dispatcher, EnvHttpProxyAgent, fetch, request } from 'undici';
import { GphotosfsError } from '../../model/errors.ts';
import { networkError } from './network-error.ts';

export interface HttpLimits {
  /** Until a connection stands, ms. */
  readonly connectMs: number;
  /** Until the answer begins, ms. */
  readonly headersMs: number;
  /** Between two pieces of a body, ms. */
  readonly stallMs: number;
  /** To one host. */
  readonly connections: number;
}

/**
 * A first answer of Google's takes up to some seconds under load, a transfer that rests for 15 s is dead in practice. 32
 * connections: a prefetch of small photos keeps 20 of them busy.
 */
export const standardLimits: HttpLimits = {
  connectMs: 10_000,
  headersMs: 30_000,
  stallMs: 15_000,
  connections: 32,
};

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD';
  readonly url: URL;
  /** Names in lower case. `authorization` goes to `url` only, never to where that redirects. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Redirects are for bytes; an API has none. */
  readonly followRedirects: boolean;
  /** What is being done, for errors. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/** Header fields as they came, names in lower case. */
export type HeaderFields = Readonly<Record<string, string | string[] | undefined>>;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: HeaderFields;
  /** Has to be read, dumped or destroyed. */
  readonly body: Dispatcher.ResponseData['body'];
  /** The host that answered. */
  readonly host: string;
}

export interface Http {
  /** One exchange, whatever the status. @throws `source-unreachable`, `interrupted` */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** The same connections and limits as a `fetch`, for Google's own libraries. It follows no redirect. */
  readonly fetch: typeof globalThis.fetch;
  close(): Promise<void>;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const maxRedirects = 5;

export function createHttp(limits: HttpLimits = standardLimits): Http {
  const dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: limits.connectMs },
    headersTimeout: limits.headersMs,
    bodyTimeout: limits.stallMs,
    connections: limits.connections,
    keepAliveTimeout: 30_000,
  });

  async function once(sent: HttpRequest): Promise<HttpAnswer> {
    const { method, url, headers, body, what, signal } = sent;
    try {
      const {
        statusCode,
        headers: fields,
        body: stream,
      } = await request(url, {
        dispatcher,
        method,
        headers,
        // undici closes the connection behind a HEAD, for servers that send a body all the same: 25,000 handshakes.
        ...(method === 'HEAD' ? { reset: false } : {}),
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
      // A body that breaks where nobody listens (a dump, a HEAD) must not end the process.
      stream.on('error', () => {});
      return { status: statusCode, headers: fields, body: stream, host: url.host };
    } catch (error) {
      throw networkError(error, what, url.host, signal);
    }
  }

  return {
    async send(sent) {
      let next = sent;
      for (let hops = 0; ; hops++) {
        const answer = await once(next);
        const target = headerOf(answer.headers, 'location');
        if (!sent.followRedirects || !redirects.has(answer.status) || target === undefined) return answer;
        await answer.body.dump().catch(() => {});
        if (hops === maxRedirects) throw refuseRedirect(sent, 'in circles');
        next = { ...next, url: redirectTarget(target, next), headers: withoutToken(next.headers) };
      }
    },
    fetch: ((url: URL, init: object) =>
      fetch(url, { ...init, dispatcher, redirect: 'manual' })) as unknown as typeof globalThis.fetch,
    close: () => dispatcher.destroy(),
  };
}

/** A header field that stands once. */
export function headerOf(headers: HeaderFields, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The media type that is announced, without parameters, in lower case; empty where none is. */
export function mediaType(headers: HeaderFields): string {
  return (headerOf(headers, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function redirectTarget(target: string, from: HttpRequest): URL {
  const url = URL.canParse(target, from.url.href) ? new URL(target, from.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw refuseRedirect(from, 'to no address');
  if (from.url.protocol === 'https:' && url.protocol !== 'https:')
    throw refuseRedirect(from, 'out of encryption');
  return url;
}

function refuseRedirect({ what, url }: HttpRequest, where: string): GphotosfsError {
  return new GphotosfsError('source-unreachable', `${what}: ${url.host} redirects ${where}`);
}

function withoutToken(headers: HttpRequest['headers']): HttpRequest['headers'] {
  const { authorization: _, ...others } = headers;
  return others;
}
