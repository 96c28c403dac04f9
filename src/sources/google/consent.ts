/**
 * Asking the owner: the address of Google's consent page, and what comes back from there by way of the browser. PKCE ties
 * the code to this process, `state` the redirect to this question.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { CodeChallengeMethod, OAuth2Client } from 'google-auth-library';
import { GphotosfsError } from '../../model/errors.ts';
import type { ClientSecret } from './client-secret.ts';

export interface ConsentRequest {
  readonly client: ClientSecret;
  /** The consent page. */
  readonly url: string;
  /** Where Google sends the browser afterwards, on loopback. */
  readonly redirect: string;
  readonly scopes: readonly string[];
  /** The account to offer first. */
  readonly email?: string | undefined;
}

export interface Consent {
  /** For the owner's browser. */
  readonly url: string;
  readonly redirect: string;
  /** Proves to the token endpoint that this process asked. */
  readonly verifier: string;
  readonly state: string;
}

export async function createConsent({
  client,
  url,
  redirect,
  scopes,
  email,
}: ConsentRequest): Promise<Consent> {
  const google = new OAuth2Client({
    clientId: client.clientId,
    redirectUri: redirect,
    endpoints: { oauth2AuthBaseUrl: url },
  });
  const { codeVerifier: verifier, codeChallenge = '' } = await google.generateCodeVerifierAsync();
  const state = randomBytes(32).toString('base64url');
  const asking = google.generateAuthUrl({
    // Only with both of these a refresh token is sure to come.
    access_type: 'offline',
    prompt: 'consent',
    scope: [...scopes],
    state,
    code_challenge: codeChallenge,
    code_challenge_method: CodeChallengeMethod.S256,
    ...(email === undefined ? {} : { login_hint: email }),
  });
  return { url: asking, redirect, verifier, state };
}

/** What a redirect brought: the code; or why there is none; undefined where it doesn't answer this question. */
export type ConsentAnswer = { readonly code: string } | { readonly error: GphotosfsError } | undefined;

/** Reads the parameters of a redirect. One with another `state` is not an answer, whoever sent it. */
export function readConsentAnswer({ state }: Consent, parameters: URLSearchParams): ConsentAnswer {
  if (!isSame(parameters.get('state') ?? '', state)) return undefined;
  const code = parameters.get('code');
  if (code !== null && code !== '') return { code };
  const why = parameters.get('error') ?? '';
  const message = why === 'access_denied' ? 'you did not agree' : `Google answered "${why.slice(0, 100)}"`;
  return {
    error: new GphotosfsError('sign-in', `the sign-in was not completed: ${message}`, {
      hint: 'Run "gphotosfs login" again. A page "Access blocked" before that means: see native-notes/google-account.md.',
    }),
  };
}

/** An address as pasted from a browser, or only what stands behind its `?`. */
export function readPasted(text: string): URLSearchParams {
  const pasted = text.trim().replace(/^["'<]|["'>]$/g, '');
  return new URLSearchParams(
    pasted.includes('?') ? pasted.slice(pasted.indexOf('?') + 1).split('#')[0] : pasted,
  );
}

function isSame(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
