/**
 * A stand-in for Google: one HTTP server on loopback. Beside it lie the modules that play its services; each takes the
 * requests below a path (`use`). It notes every request, so that a test can count them, and spoils answers as planned.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoints } from '../../../src/sources/google/endpoints.ts';
import { createLine, type Line } from './line.ts';
import { addOauth, type Oauth } from './oauth.ts';

export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly host: string;
  /** It carried an authorization field. */
  readonly authorized: boolean;
  readonly range: string | undefined;
  /** performance.now() */
  readonly at: number;
  endedAt: number | undefined;
  status: number | undefined;
  /** Of the body. */
  bytesSent: number;
}

/** How the next answers that match are spoilt. */
export interface Fault {
  /** Path (a text is its beginning), and method where it matters. */
  readonly path: string | RegExp;
  readonly method?: string;
  /** Of how many answers; default 1. */
  readonly times?: number;
  /** Matching requests that still get right answers first; default 0. */
  readonly after?: number;
  /** Answer with this instead. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text, or what is to be sent as JSON. */
  readonly body?: unknown;
  /** The connection breaks before any answer. */
  readonly reset?: boolean;
  /** The connection breaks after so many bytes of the body. */
  readonly cutAfter?: number;
  /** Nothing more comes after so many bytes of the body, but the connection stays. */
  readonly stallAfter?: number;
  /** The body is so much longer (or shorter), and so is the announced length. */
  readonly resize?: number;
  /** All is sent from the first byte on, whatever range was asked for. */
  readonly ignoreRange?: boolean;
  /** No length is announced. */
  readonly chunked?: boolean;
  /** The answer begins so much later, ms. */
  readonly delayMs?: number;
}

/** A fault, and how often it has struck: a test proves that it did. */
export interface PlannedFault extends Fault {
  fired: number;
}

/** Bytes that a service hands out; a large file is made as it is read. */
export type Content = Buffer | { readonly size: number; slice(start: number, end: number): Buffer };

/** A request while it is being answered; the answering methods log, delay and spoil. */
export interface Exchange {
  readonly request: LoggedRequest;
  readonly headers: IncomingMessage['headers'];
  /** The path below what the module was mounted at, decoded. */
  readonly rest: string;
  body(): Promise<string>;
  json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): Promise<void>;
  text(status: number, type: string, text: string, headers?: Readonly<Record<string, string>>): Promise<void>;
  redirect(to: string): Promise<void>;
  /** Bytes, or the range of them that was asked for. */
  bytes(content: Content, type: string, headers?: Readonly<Record<string, string>>): Promise<void>;
}

export type Route = (exchange: Exchange) => Promise<void>;

export interface Conditions {
  /** Before each answer, ms. */
  latencyMs: number;
  /** Of the line that all answers share; 0 is unlimited. */
  bytesPerSecond: number;
}

export interface FakeGoogle {
  readonly url: string;
  readonly endpoints: Endpoints;
  /** The same as environment variables of the program. */
  readonly env: Readonly<Record<string, string>>;
  readonly requests: LoggedRequest[];
  /** Requests below a path. */
  count(path: string, method?: string): number;
  readonly conditions: Conditions;
  plan(fault: Fault): PlannedFault;
  /** Gives what lies below `prefix` to a service. */
  use(prefix: string, route: Route): void;
  readonly oauth: Oauth;
  close(): Promise<void>;
}

/** Starts it on a free port. */
export async function startFakeGoogle(): Promise<FakeGoogle> {
  const requests: LoggedRequest[] = [];
  const faults: (PlannedFault & { skipped: number })[] = [];
  const routes: (readonly [prefix: string, route: Route])[] = [];
  const conditions: Conditions = { latencyMs: 0, bytesPerSecond: 0 };
  const line = createLine(() => conditions.bytesPerSecond);

  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://fake');
    const logged: LoggedRequest = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      host: incoming.headers.host ?? '',
      authorized: incoming.headers.authorization !== undefined,
      range: incoming.headers.range,
      at: performance.now(),
      endedAt: undefined,
      status: undefined,
      bytesSent: 0,
    };
    requests.push(logged);
    response.on('close', () => {
      logged.endedAt = performance.now();
    });
    answer(incoming, response, logged).catch((error: unknown) => {
      // A client that went away; anything else is a defect of a module, and the test shall see it.
      if (!response.writable || response.destroyed) return;
      response.writeHead(501, { 'content-type': 'text/plain' }).end(`the fake failed: ${String(error)}`);
    });
  });

  async function answer(
    incoming: IncomingMessage,
    response: ServerResponse,
    logged: LoggedRequest,
  ): Promise<void> {
    const fault = takeFault(logged);
    await pause(conditions.latencyMs + (fault?.delayMs ?? 0));
    if (fault?.reset === true) {
      incoming.socket.resetAndDestroy();
      return;
    }
    const send = sender(response, logged, fault, conditions.bytesPerSecond > 0 ? line : undefined);
    if (fault?.status !== undefined) {
      const isText = typeof fault.body === 'string';
      const body = Buffer.from(
        isText ? (fault.body as string) : fault.body === undefined ? '' : JSON.stringify(fault.body),
      );
      const type = { 'content-type': isText ? 'text/html' : 'application/json; charset=UTF-8' };
      return send(fault.status, { ...type, ...fault.headers }, body);
    }
    const found = routes.find(([prefix]) => logged.path === prefix || logged.path.startsWith(`${prefix}/`));
    if (found === undefined) return send(404, { 'content-type': 'text/html' }, Buffer.from('<h1>404</h1>'));
    const [prefix, route] = found;
    const rest = decodeURIComponent(logged.path.slice(prefix.length));
    const range = fault?.ignoreRange === true ? undefined : logged.range;
    await route(createExchange({ incoming, logged, send, rest, range }));
  }

  function takeFault(logged: LoggedRequest): PlannedFault | undefined {
    for (const fault of faults) {
      const { path, method, times = 1, after = 0 } = fault;
      const isMeant = typeof path === 'string' ? logged.path.startsWith(path) : path.test(logged.path);
      if (!isMeant || (method !== undefined && method !== logged.method)) continue;
      if (fault.fired >= times) continue;
      if (fault.skipped < after) {
        fault.skipped += 1;
        continue;
      }
      fault.fired += 1;
      return fault;
    }
    return undefined;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoints: Endpoints = {
    consent: `${url}/consent`,
    token: `${url}/oauth2/token`,
    revoke: `${url}/oauth2/revoke`,
    library: `${url}/library`,
    picker: `${url}/picker`,
    drive: `${url}/drive/v3`,
    contentHosts: [url],
  };
  const use = (prefix: string, route: Route) => void routes.push([prefix, route]);
  return {
    url,
    endpoints,
    env: {
      GPHOTOSFS_CONSENT_URL: endpoints.consent,
      GPHOTOSFS_TOKEN_URL: endpoints.token,
      GPHOTOSFS_REVOKE_URL: endpoints.revoke,
      GPHOTOSFS_LIBRARY_URL: endpoints.library,
      GPHOTOSFS_PICKER_URL: endpoints.picker,
      GPHOTOSFS_DRIVE_URL: endpoints.drive,
      GPHOTOSFS_CONTENT_HOSTS: endpoints.contentHosts.join(','),
    },
    requests,
    count: (path, method) =>
      requests.filter((one) => one.path.startsWith(path) && (method === undefined || one.method === method))
        .length,
    conditions,
    plan(fault) {
      const planned = { ...fault, fired: 0, skipped: 0 };
      faults.push(planned);
      return planned;
    },
    use,
    oauth: addOauth(use),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

type Send = (status: number, headers: Readonly<Record<string, string>>, content: Content) => Promise<void>;

interface ExchangeParts {
  readonly incoming: IncomingMessage;
  readonly logged: LoggedRequest;
  readonly send: Send;
  readonly rest: string;
  readonly range: string | undefined;
}

function createExchange({ incoming, logged, send, rest, range: asked }: ExchangeParts): Exchange {
  return {
    request: logged,
    headers: incoming.headers,
    rest,
    async body() {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString();
    },
    json: (status, value, headers = {}) =>
      send(
        status,
        { 'content-type': 'application/json; charset=UTF-8', ...headers },
        Buffer.from(JSON.stringify(value)),
      ),
    text: (status, type, text, headers = {}) =>
      send(status, { 'content-type': type, ...headers }, Buffer.from(text)),
    redirect: (to) => send(302, { location: to }, Buffer.alloc(0)),
    bytes(content, type, headers = {}) {
      const size = sizeOf(content);
      const range = /^bytes=(\d+)-(\d*)$/.exec(asked ?? '');
      const fields = { 'content-type': type, 'accept-ranges': 'bytes', ...headers };
      if (range === null) return send(200, fields, content);
      const start = Number(range[1]);
      const end = range[2] === '' ? size : Math.min(Number(range[2]) + 1, size);
      if (start >= size) return send(416, { ...fields, 'content-range': `bytes */${size}` }, Buffer.alloc(0));
      const slice: Content = {
        size: end - start,
        slice: (from: number, to: number) => sliceOf(content, start + from, start + to),
      };
      return send(206, { ...fields, 'content-range': `bytes ${start}-${end - 1}/${size}` }, slice);
    },
  };
}

function sizeOf(content: Content): number {
  return Buffer.isBuffer(content) ? content.length : content.size;
}

function sliceOf(content: Content, start: number, end: number): Buffer {
  return Buffer.isBuffer(content) ? content.subarray(start, end) : content.slice(start, end);
}

/** Sends one answer as the line and the fault have it. */
function sender(
  response: ServerResponse,
  logged: LoggedRequest,
  fault: PlannedFault | undefined,
  line: Line | undefined,
): Send {
  const { resize = 0, chunked = false, cutAfter, stallAfter } = fault ?? {};
  return async (status, headers, content) => {
    const size = Math.max(0, sizeOf(content) + resize);
    const length = chunked ? {} : { 'content-length': String(size) };
    logged.status = status;
    response.writeHead(status, { date: new Date().toUTCString(), ...headers, ...length });
    if (logged.method === 'HEAD') {
      response.end();
      return;
    }
    response.setMaxListeners(0);
    const stop = Math.min(size, cutAfter ?? size, stallAfter ?? size);
    const step = line === undefined ? 1 << 20 : 32 << 10;
    response.flushHeaders();
    for (let at = 0; at < stop; at += step) {
      if (response.destroyed) return;
      const end = Math.min(at + step, stop);
      const piece = sliceOf(content, at, end);
      const padded =
        piece.length < end - at ? Buffer.concat([piece, Buffer.alloc(end - at - piece.length)]) : piece;
      await line?.carry(padded.length);
      response.write(padded);
      logged.bytesSent += padded.length;
      // Asked now: while this waited above, it may have drained already.
      if (response.writableNeedDrain) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
    if (stallAfter !== undefined && stallAfter < size) return;
    if (cutAfter !== undefined && cutAfter < size) {
      // What was written has to be on its way before the connection breaks.
      await pause(20);
      response.destroy();
      return;
    }
    response.end();
  };
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await sleep(ms);
}
