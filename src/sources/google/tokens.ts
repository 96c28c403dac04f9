/**
 * The access token of an account, always one that Google takes: refreshed some time before it ends, once for all
 * processes. Whoever refreshes holds the lock of `token.json` and looks there first, for another may just have done it.
 */
import { errorCode, GphotosfsError } from '../../model/errors.ts';
import { type ClientSecret, readClientSecret } from './client-secret.ts';
import { refusalOf } from './google-error.ts';
import type { Http } from './http.ts';
import { changeToken, readToken, type Token } from './token-file.ts';
import { endedHint, loginCommand } from './token-health.ts';
import { requestToken, type TokenAnswer } from './token-request.ts';

export interface Tokens {
  /** A token that lives for some time yet. @throws `sign-in` */
  current(signal?: AbortSignal): Promise<string>;
  /** Another one than `refused`, which Google doesn't take any more. @throws `sign-in` */
  renew(refused: string, signal?: AbortSignal): Promise<string>;
  /** The token of a sign-in since `refused` was given out; undefined where there was none. */
  newer(refused: string): string | undefined;
}

export interface TokensRequest {
  readonly http: Http;
  /** The endpoint's address. */
  readonly url: string;
  readonly account: string;
  readonly secretPath: string;
  readonly tokenPath: string;
  readonly log: (message: string) => void;
}

/** Google refuses a dead token for ever; it isn't asked again about the same one for so long, ms. */
const askAgainAfterMs = 60_000;

export function createTokens(request: TokensRequest): Tokens {
  const { http, account, secretPath, tokenPath, log } = request;
  let held: Token | undefined;
  let refreshing: Promise<Token> | undefined;
  let dead:
    | { readonly refreshToken: string; readonly error: GphotosfsError; readonly until: number }
    | undefined;

  const isFresh = (token: Token | undefined): token is Token =>
    token !== undefined && Date.now() < token.renewAt;
  const read = () => {
    const token = readToken(tokenPath, account);
    if (token === undefined) throw notSignedIn(account);
    return token;
  };

  async function refresh(refused: string | undefined, signal: AbortSignal | undefined): Promise<Token> {
    const client = readClientSecret(secretPath);
    let refusal: GphotosfsError | undefined;
    const step = async (now: Token | undefined): Promise<Token> => {
      if (now === undefined) throw notSignedIn(account);
      if (now.accessToken !== refused && isFresh(now)) return now;
      if (now.clientId !== client.clientId) throw otherClient(account);
      if (dead?.refreshToken === now.refreshToken && performance.now() < dead.until) throw dead.error;
      try {
        return await ask(client, now, signal);
      } catch (error) {
        if (!isDead(error)) throw error;
        refusal = ended(account, now, error);
        dead = { refreshToken: now.refreshToken, error: refusal, until: performance.now() + askAgainAfterMs };
        return { ...now, refusedAt: now.refusedAt ?? Date.now() };
      }
    };
    const token = await changeToken(tokenPath, account, step).catch((error: unknown) => {
      if (!cannotWrite(error)) throw error;
      // A configuration that is mounted read-only: each process has a token of its own then, which does no harm.
      log(`${tokenPath} can't be written, so each start asks Google for another token`);
      return step(readToken(tokenPath, account));
    });
    if (refusal !== undefined) throw refusal;
    if (token === undefined) throw notSignedIn(account);
    return token;
  }

  async function ask(client: ClientSecret, now: Token, signal: AbortSignal | undefined): Promise<Token> {
    const answer = await requestToken({
      http,
      url: request.url,
      client,
      parameters: { grant_type: 'refresh_token', refresh_token: now.refreshToken },
      what: `the sign-in of "${account}"`,
      signal,
    });
    return refreshedToken(now, answer);
  }

  /** Once for all who ask at the same time; one of them giving up doesn't stop it for the others. */
  async function refreshed(refused: string | undefined): Promise<string> {
    refreshing ??= refresh(refused, undefined).finally(() => {
      refreshing = undefined;
    });
    held = await refreshing;
    return held.accessToken;
  }

  return {
    async current() {
      if (isFresh(held)) return held.accessToken;
      const token = read();
      if (!isFresh(token)) return refreshed(undefined);
      held = token;
      return token.accessToken;
    },
    async renew(refused) {
      if (isFresh(held) && held.accessToken !== refused) return held.accessToken;
      held = undefined;
      return refreshed(refused);
    },
    newer(refused) {
      const token = readToken(tokenPath, account);
      if (!isFresh(token) || token.accessToken === refused) return undefined;
      held = token;
      return token.accessToken;
    },
  };
}

/**
 * When an access token is to be refreshed, ms since 1970: 5 minutes before it ends, as Google's own library does, or after
 * three quarters of a short life. Counted from now on this clock, so a wrong clock does no harm.
 */
export function renewalTime({ expires_in: seconds }: TokenAnswer, now = Date.now()): number {
  return now + 1000 * Math.max(seconds - 300, 0.75 * seconds);
}

function isDead(error: unknown): error is GphotosfsError {
  return refusalOf(error)?.reasons.includes('invalid_grant') ?? false;
}

function cannotWrite(error: unknown): boolean {
  // The file itself, or its lock, whose error says so of the folder.
  const known = error instanceof GphotosfsError ? error.cause : error;
  return ['EROFS', 'EACCES', 'EPERM'].includes(errorCode(known) ?? '');
}

function ended(account: string, token: Token, { message, cause }: GphotosfsError): GphotosfsError {
  return new GphotosfsError('sign-in', message, { hint: endedHint(account, token, Date.now()), cause });
}

/** What a refresh doesn't tell stays as it was, the refresh token above all. */
function refreshedToken({ refusedAt: _, ...before }: Token, answer: TokenAnswer): Token {
  const { refresh_token: refreshToken, refresh_token_expires_in: refreshSeconds, scope } = answer;
  return {
    ...before,
    accessToken: answer.access_token,
    renewAt: renewalTime(answer),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(refreshSeconds === undefined ? {} : { refreshExpiresAt: Date.now() + 1000 * refreshSeconds }),
    ...(scope === undefined ? {} : { scopes: scope.split(' ').filter((one) => one !== '') }),
  };
}

function notSignedIn(account: string): GphotosfsError {
  return new GphotosfsError('sign-in', `the account "${account}" is not signed in`, {
    hint: `Run ${loginCommand(account)}.`,
  });
}

function otherClient(account: string): GphotosfsError {
  return new GphotosfsError(
    'sign-in',
    `the account "${account}" was signed in with another client_secret.json`,
    {
      hint: `Run ${loginCommand(account)}.`,
    },
  );
}
