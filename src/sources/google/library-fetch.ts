/**
 * What Google's own libraries need: a `fetch` that guards the token and has another one where Google refuses it, and a
 * translation of what they throw.
 */
import { GphotosfsError } from '../../model/errors.ts';
import { type Endpoints, mayHaveToken } from './endpoints.ts';
import { errorOfRefusal } from './google-error.ts';
import { networkError } from './network-error.ts';
import type { Tokens } from './tokens.ts';

type Fetch = typeof globalThis.fetch;

/** @throws `bad-source` before a token goes to a host that must not see it */
export function createLibraryFetch(fetch: Fetch, endpoints: Endpoints, tokens: Tokens): Fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init.headers);
    const token = /^Bearer (.+)$/.exec(headers.get('authorization') ?? '')?.[1];
    if (token === undefined) return fetch(url, init);
    if (!mayHaveToken(endpoints, url)) {
      throw new GphotosfsError('bad-source', `${url.host} must not see the account's token`);
    }
    const answer = await fetch(url, init);
    const isRepeatable = init.body === undefined || init.body === null || typeof init.body === 'string';
    if (answer.status !== 401 || !isRepeatable) return answer;
    await answer.body?.cancel();
    headers.set('authorization', `Bearer ${await tokens.renew(token)}`);
    return fetch(url, { ...init, headers });
  };
}

/** The error behind what a library of Google's threw: the answer that it got, or what kept it from getting one. */
export function errorOfLibrary(
  error: unknown,
  { what, host, signal }: { what: string; host: string; signal: AbortSignal | undefined },
): GphotosfsError {
  const { response } = error as {
    response?: { status: number; headers?: globalThis.Headers; data?: unknown };
  };
  if (error instanceof GphotosfsError || response === undefined)
    return networkError(error, what, host, signal);
  const { status, headers, data } = response;
  const body = typeof data === 'string' ? data : (JSON.stringify(data) ?? '');
  const fields = headers instanceof globalThis.Headers ? Object.fromEntries(headers) : {};
  return errorOfRefusal(status, body, { what, host, headers: fields, now: Date.now() });
}
