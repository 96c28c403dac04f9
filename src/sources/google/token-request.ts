/** One request to Google's token endpoint: a code or a refresh token goes in, tokens come out. */
import { z } from 'zod';
import type { ClientSecret } from './client-secret.ts';
import { errorOfRefusal, errorOfStrayPage } from './google-error.ts';
import { type Http, headerOf } from './http.ts';
import { networkError } from './network-error.ts';
import { parseJson, readText } from './read-body.ts';

const answerSchema = z.object({
  access_token: z.string().min(1),
  /** Seconds from now on. */
  expires_in: z.number().positive(),
  /** At sign-in; after a refresh only where Google gives another one. */
  refresh_token: z.string().min(1).optional(),
  /** Seconds; only for grants that end (the owner's choice, or a client in testing). */
  refresh_token_expires_in: z.number().positive().optional(),
  scope: z.string().optional(),
  id_token: z.string().optional(),
});

export type TokenAnswer = z.infer<typeof answerSchema>;

export interface TokenRequest {
  readonly http: Http;
  readonly url: string;
  readonly client: ClientSecret;
  /** Beside the client's own: `grant_type` and what it needs. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/** More than any answer of the endpoint has. */
const maxAnswerBytes = 64 << 10;

/** @throws `sign-in` where Google doesn't take what it was given; `source-unreachable`, `quota` */
export async function requestToken(request: TokenRequest): Promise<TokenAnswer> {
  const { http, client, parameters, what, signal } = request;
  const url = new URL(request.url);
  const answer = await http.send({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams({
      client_id: client.clientId,
      client_secret: client.clientSecret,
      ...parameters,
    }).toString(),
    followRedirects: false,
    what,
    signal,
  });
  const text = await readText(answer.body, maxAnswerBytes).catch((error: unknown) => {
    throw networkError(error, what, url.host, signal);
  });
  const context = { what, host: url.host, headers: answer.headers, now: Date.now() };
  if (answer.status !== 200) throw errorOfRefusal(answer.status, text, context);
  const parsed = answerSchema.safeParse(parseJson(text));
  if (!parsed.success) throw errorOfStrayPage(headerOf(answer.headers, 'content-type') ?? '', context);
  return parsed.data;
}
