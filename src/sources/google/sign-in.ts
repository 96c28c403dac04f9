/** Signing in: from the owner's consent to `token.json`. */
import { GphotosfsError } from '../../model/errors.ts';
import type { AccountPlace } from './account-place.ts';
import { type ClientSecret, readClientSecret } from './client-secret.ts';
import { type Consent, type ConsentAnswer, createConsent, readConsentAnswer } from './consent.ts';
import { readIdToken } from './identity.ts';
import { type LoopbackPage, startLoopback } from './loopback.ts';
import { standardPatience, withPatience } from './patience.ts';
import { allowedServices, identityScopes, type Service, services } from './scopes.ts';
import { changeToken, readToken, type Token } from './token-file.ts';
import { requestToken, type TokenAnswer } from './token-request.ts';
import { renewalTime } from './tokens.ts';
import { untilAborted } from './until-aborted.ts';

export interface SignInRequest extends AccountPlace {
  /** What to ask for. */
  readonly services: readonly Service[];
  /** Shows the owner the address of the consent page; called once. */
  readonly show: (url: string) => void;
  /** Other ways than the redirect by which the answer may come (pasted); rejects when none will come that way. */
  readonly pasted?:
    | ((isAnswer: (parameters: URLSearchParams) => boolean) => Promise<URLSearchParams>)
    | undefined;
  readonly signal: AbortSignal;
}

export interface SignedIn {
  readonly email: string | undefined;
  readonly allowed: readonly Service[];
  /** Asked for, and not granted. */
  readonly refused: readonly Service[];
}

/** Who hasn't come back by then has closed the page. */
const patienceMs = 15 * 60_000;

/**
 * Asks the owner, in a browser, and keeps what Google gives.
 * @throws `usage` for a wrong client, or another Google account than the label stood for; `sign-in` where the owner
 * doesn't agree; `interrupted`
 */
export async function signIn(request: SignInRequest): Promise<SignedIn> {
  const { endpoints, account, secretPath, tokenPath, pasted } = request;
  const client = readClientSecret(secretPath);
  const before = readToken(tokenPath, account);
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(patienceMs)]);
  const answered = deferred<Exclude<ConsentAnswer, undefined>>();
  const finished = deferred<LoopbackPage>();
  finished.promise.catch(() => {});

  const loopback = await startLoopback(async (parameters) => {
    const answer = readConsentAnswer(consent, parameters);
    if (answer === undefined) return strayPage;
    answered.resolve(answer);
    return finished.promise;
  });
  const consent = await createConsent({
    client,
    url: endpoints.consent,
    redirect: loopback.redirect,
    scopes: [...request.services.map((name) => services[name].scope), ...identityScopes],
    email: before?.email,
  });
  try {
    request.show(consent.url);
    pasted?.((parameters) => readConsentAnswer(consent, parameters) !== undefined).then(
      (parameters) => {
        const answer = readConsentAnswer(consent, parameters);
        if (answer !== undefined) answered.resolve(answer);
      },
      (error: unknown) => answered.reject(error),
    );
    const answer = await untilAborted(answered.promise, signal, () => whyNot(request.signal));
    if ('error' in answer) throw answer.error;
    const signedIn = await keep(request, client, consent, answer.code);
    finished.resolve({
      status: 200,
      title: 'Signed in',
      text: `gphotosfs may read as ${signedIn.email ?? account} now. You can close this page.`,
    });
    return signedIn;
  } catch (error) {
    const text = error instanceof GphotosfsError ? `${error.message}. ${error.hint ?? ''}` : String(error);
    finished.resolve({ status: 200, title: 'Not signed in', text });
    throw error;
  } finally {
    await loopback.close();
  }
}

function whyNot(signal: AbortSignal): GphotosfsError {
  return signal.aborted
    ? new GphotosfsError('interrupted', 'the sign-in was stopped')
    : new GphotosfsError('sign-in', 'nobody answered the consent page', {
        hint: 'Run "gphotosfs login" again.',
      });
}

const strayPage: LoopbackPage = {
  status: 400,
  title: 'Not an answer',
  text: 'This page does not belong to the sign-in that gphotosfs waits for. Start again from the address it has shown.',
};

/** From the code to `token.json`. */
async function keep(
  { http, endpoints, account, tokenPath, services: asked, signal }: SignInRequest,
  client: ClientSecret,
  consent: Consent,
  code: string,
): Promise<SignedIn> {
  const host = new URL(endpoints.token).host;
  const patient = { host, rests: new Map(), patience: standardPatience, signal, log: () => {} };
  const ask = () =>
    requestToken({
      http,
      url: endpoints.token,
      client,
      parameters: {
        grant_type: 'authorization_code',
        code,
        code_verifier: consent.verifier,
        redirect_uri: consent.redirect,
      },
      what: 'the sign-in',
      signal,
    });
  const answer = await withPatience(patient, ask);
  const token = newToken(client, answer);
  const allowed = allowedServices(token.scopes);
  if (allowed.length === 0) {
    throw new GphotosfsError('sign-in', 'you are signed in, but nothing may be read: no box was ticked', {
      hint: 'Run "gphotosfs login" again and tick what gphotosfs shall read.',
    });
  }
  await changeToken(tokenPath, account, (now) => {
    refuseOther(account, now, token);
    return token;
  });
  return {
    email: token.email,
    allowed,
    refused: asked.filter((name) => !allowed.includes(name)),
  };
}

function newToken(client: ClientSecret, answer: TokenAnswer): Token {
  const { refresh_token: refreshToken, refresh_token_expires_in: refreshSeconds, scope = '' } = answer;
  if (refreshToken === undefined) {
    throw new GphotosfsError('sign-in', 'Google gave no lasting token', {
      hint: 'Remove the program at myaccount.google.com/connections and run "gphotosfs login" again.',
    });
  }
  const now = Date.now();
  const identity = readIdToken(answer.id_token);
  return {
    clientId: client.clientId,
    refreshToken,
    accessToken: answer.access_token,
    renewAt: renewalTime(answer, now),
    scopes: scope.split(' ').filter((one) => one !== ''),
    signedInAt: now,
    ...(refreshSeconds === undefined ? {} : { refreshExpiresAt: now + 1000 * refreshSeconds }),
    ...(identity === undefined ? {} : { subject: identity.subject }),
    ...(identity?.email === undefined ? {} : { email: identity.email }),
  };
}

/** Photos of two people must not grow together under one label because the browser was signed in as the other one. */
function refuseOther(account: string, before: Token | undefined, token: Token): void {
  if (before?.subject === undefined || token.subject === undefined || before.subject === token.subject)
    return;
  const name = ({ email, subject }: Token) => email ?? subject;
  throw new GphotosfsError(
    'usage',
    `"${account}" is the account ${name(before)}, and you signed in as ${name(token)}; nothing was changed`,
    {
      hint: `Sign in as ${name(before)}, or use a label of its own: gphotosfs login --account LABEL. To give "${account}" away, run "gphotosfs logout" first.`,
    },
  );
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
