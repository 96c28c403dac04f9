/** The end of the sign-in: a page on this machine's loopback, to which Google sends the owner's browser. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What is shown to the owner. */
export interface LoopbackPage {
  readonly status: number;
  readonly title: string;
  readonly text: string;
}

export interface Loopback {
  /** For Google: `http://127.0.0.1:PORT/`. */
  readonly redirect: string;
  close(): Promise<void>;
}

/** Who has a browser open makes a request or two; more at once are somebody else's. */
const maxConnections = 16;

/**
 * Listens on 127.0.0.1, at a free port. `answer` gets the parameters of each redirect, and says what to show once the
 * sign-in has come to its end.
 */
export async function startLoopback(
  answer: (parameters: URLSearchParams) => Promise<LoopbackPage>,
): Promise<Loopback> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    respond(request, response).catch(() => response.destroy());
  });
  server.maxConnections = maxConnections;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', redirect);
    // Another page in the browser may send requests here under a name of its own (DNS rebinding).
    if (request.method !== 'GET' || url.pathname !== '/' || request.headers.host !== new URL(redirect).host) {
      return show(response, { status: 404, title: 'Not found', text: '' });
    }
    show(response, await answer(url.searchParams));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirect = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    redirect,
    async close() {
      server.close();
      server.closeIdleConnections();
      // What was answered a moment ago shall arrive; a browser that keeps its connection is not waited for.
      const timer = setTimeout(() => server.closeAllConnections(), 500);
      await once(server, 'close');
      clearTimeout(timer);
    },
  };
}

function show(response: ServerResponse, { status, title, text }: LoopbackPage): void {
  const escaped = (words: string) => words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    // The address has the code in it.
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(`<!doctype html><meta charset="utf-8"><title>${escaped(title)} - gphotosfs</title>
<body style="font: 1.1em sans-serif; margin: 4em auto; max-width: 36em"><h1>${escaped(title)}</h1><p>${escaped(text)}</p>`);
}
