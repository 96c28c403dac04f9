/** Google's sign-in as the fake plays it: the consent page, the token endpoint, and revoking. */
import { createHash, randomUUID } from 'node:crypto';
import type { Exchange, Route } from './fake-google.ts';

export const fakeClient = {
  clientId: '123456789012-fake.apps.googleusercontent.com',
  clientSecret: 'fake-secret-GOCSPX',
} as const;

export const libraryScope = 'https://www.googleapis.com/auth/photoslibrary.readonly.appcreateddata';
export const pickerScope = 'https://www.googleapis.com/auth/photospicker.mediaitems.readonly';
export const driveScope = 'https://www.googleapis.com/auth/drive.readonly';
export const allScopes = [libraryScope, pickerScope, driveScope, 'openid', 'email'] as const;

export interface FakeAccount {
  readonly subject: string;
  readonly email: string;
}

export interface IssuedToken {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly scopes: readonly string[];
}

export interface Oauth {
  /** Who is signed in in the browser. */
  account: FakeAccount;
  /** Of access tokens, seconds. */
  lifetime: number;
  /** A refresh gives another refresh token and ends the one before. */
  rotates: boolean;
  /** Grants end after 7 days, as those of a client in testing. */
  testing: boolean;
  /** A token as if the owner had signed in. */
  issue(scopes?: readonly string[]): IssuedToken;
  /** Every grant is taken back, as by the owner at myaccount.google.com. */
  revokeAll(): void;
  /** Access tokens end now; refresh tokens live on. */
  expireAll(): void;
  isAlive(accessToken: string): boolean;
  /** Whether the request has a living token with the scope; otherwise it is answered as Google does. */
  allows(exchange: Exchange, scope: string): Promise<boolean>;
}

interface Grant {
  readonly account: FakeAccount;
  readonly scopes: readonly string[];
}

interface Code extends Grant {
  readonly redirect: string;
  readonly challenge: string;
  readonly offline: boolean;
}

const sevenDays = 7 * 86_400;

export function addOauth(use: (prefix: string, route: Route) => void): Oauth {
  const codes = new Map<string, Code>();
  const refreshTokens = new Map<string, Grant>();
  const accessTokens = new Map<string, Grant & { readonly until: number }>();

  function newAccess(grant: Grant): string {
    const token = `ya29.fake-${randomUUID()}`;
    accessTokens.set(token, { ...grant, until: performance.now() + 1000 * oauth.lifetime });
    return token;
  }

  function newRefresh(grant: Grant): string {
    const token = `1//fake-${randomUUID()}`;
    refreshTokens.set(token, grant);
    return token;
  }

  const oauth: Oauth = {
    account: { subject: '1000000001', email: 'owner@example.com' },
    lifetime: 3599,
    rotates: false,
    testing: false,
    issue(scopes = allScopes) {
      const grant = { account: oauth.account, scopes };
      return { accessToken: newAccess(grant), refreshToken: newRefresh(grant), scopes };
    },
    revokeAll() {
      refreshTokens.clear();
      accessTokens.clear();
    },
    expireAll: () => accessTokens.clear(),
    isAlive(accessToken) {
      return (accessTokens.get(accessToken)?.until ?? 0) > performance.now();
    },
    async allows(exchange, scope) {
      const token = /^Bearer (.+)$/.exec(exchange.headers.authorization ?? '')?.[1];
      if (token === undefined || !oauth.isAlive(token)) {
        await exchange.json(401, token === undefined ? missingCredentials : badCredentials);
        return false;
      }
      if (accessTokens.get(token)?.scopes.includes(scope)) return true;
      await exchange.json(403, insufficientScopes);
      return false;
    },
  };

  async function showConsent(exchange: Exchange): Promise<void> {
    const { query } = exchange.request;
    const wrong = wrongAuthorization(query);
    if (wrong !== undefined)
      return exchange.text(400, 'text/html', `<h1>Error 400: invalid_request</h1>${wrong}`);
    const scopes = (query.get('scope') ?? '').split(' ');
    const hidden = ['redirect_uri', 'state', 'code_challenge', 'access_type', 'prompt']
      .map((name) => `<input type="hidden" name="${name}" value="${escapeHtml(query.get(name) ?? '')}">`)
      .join('');
    const boxes = scopes
      .map(
        (scope) => `<label><input type="checkbox" name="scope" value="${scope}" checked>${scope}</label><br>`,
      )
      .join('');
    const buttons =
      '<button name="decide" value="allow">Continue</button><button name="decide" value="deny">Cancel</button>';
    const page = `<!doctype html><title>Sign in</title><form action="/consent/decide">${hidden}${boxes}${buttons}</form>`;
    return exchange.text(200, 'text/html', page);
  }

  async function decide(exchange: Exchange): Promise<void> {
    const { query } = exchange.request;
    const redirect = query.get('redirect_uri') ?? '';
    const back = new URL(redirect);
    back.searchParams.set('state', query.get('state') ?? '');
    if (query.get('decide') !== 'allow') {
      back.searchParams.set('error', 'access_denied');
      return exchange.redirect(back.href);
    }
    const code = `4/fake-${randomUUID()}`;
    const scopes = query.getAll('scope');
    codes.set(code, {
      account: oauth.account,
      scopes,
      redirect,
      challenge: query.get('code_challenge') ?? '',
      offline: query.get('access_type') === 'offline' && query.get('prompt') === 'consent',
    });
    back.searchParams.set('code', code);
    back.searchParams.set('scope', scopes.join(' '));
    return exchange.redirect(back.href);
  }

  async function giveToken(exchange: Exchange): Promise<void> {
    const form = new URLSearchParams(await exchange.body());
    if (
      form.get('client_id') !== fakeClient.clientId ||
      form.get('client_secret') !== fakeClient.clientSecret
    ) {
      return exchange.json(401, {
        error: 'invalid_client',
        error_description: 'The OAuth client was not found.',
      });
    }
    if (form.get('grant_type') === 'refresh_token') return refresh(exchange, form.get('refresh_token') ?? '');
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (code === undefined || verifier !== code.challenge || form.get('redirect_uri') !== code.redirect) {
      return exchange.json(400, { error: 'invalid_grant', error_description: 'Bad Request' });
    }
    return exchange.json(200, {
      ...common(code),
      ...(code.offline ? { refresh_token: newRefresh(code) } : {}),
      id_token: idToken(code.account),
    });
  }

  async function refresh(exchange: Exchange, refreshToken: string): Promise<void> {
    const grant = refreshTokens.get(refreshToken);
    if (grant === undefined) {
      const error_description = 'Token has been expired or revoked.';
      return exchange.json(400, { error: 'invalid_grant', error_description });
    }
    if (oauth.rotates) refreshTokens.delete(refreshToken);
    return exchange.json(200, {
      ...common(grant),
      ...(oauth.rotates ? { refresh_token: newRefresh(grant) } : {}),
    });
  }

  function common(grant: Grant): object {
    return {
      access_token: newAccess(grant),
      expires_in: oauth.lifetime,
      scope: grant.scopes.join(' '),
      token_type: 'Bearer',
      ...(oauth.testing ? { refresh_token_expires_in: sevenDays - 1 } : {}),
    };
  }

  async function revoke(exchange: Exchange): Promise<void> {
    const form = new URLSearchParams(await exchange.body());
    const token = form.get('token') ?? exchange.request.query.get('token') ?? '';
    if (refreshTokens.delete(token) || accessTokens.delete(token)) {
      accessTokens.clear();
      return exchange.json(200, {});
    }
    return exchange.json(400, { error: 'invalid_token', error_description: 'Token expired or revoked' });
  }

  use('/consent/decide', decide);
  use('/consent', showConsent);
  use('/oauth2/token', giveToken);
  use('/oauth2/revoke', revoke);
  return oauth;
}

/** What Google refuses before it asks anybody. */
function wrongAuthorization(query: URLSearchParams): string | undefined {
  if (query.get('client_id') !== fakeClient.clientId) return 'client_id';
  if (query.get('response_type') !== 'code') return 'response_type';
  if (!/^http:\/\/(127\.0\.0\.1|localhost):\d+(\/.*)?$/.test(query.get('redirect_uri') ?? ''))
    return 'redirect_uri';
  if (query.get('code_challenge_method') !== 'S256' || (query.get('code_challenge') ?? '').length !== 43)
    return 'PKCE';
  return (query.get('scope') ?? '') === '' ? 'scope' : undefined;
}

function idToken({ subject, email }: FakeAccount): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: 'https://accounts.google.com', aud: fakeClient.clientId, sub: subject, email };
  return `${part({ alg: 'RS256' })}.${part(claims)}.${Buffer.from('unsigned').toString('base64url')}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&"<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

const missingCredentials = {
  error: {
    code: 401,
    message:
      'Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
    status: 'UNAUTHENTICATED',
    details: [{ reason: 'CREDENTIALS_MISSING' }],
  },
};
const badCredentials = {
  error: {
    code: 401,
    message: 'Request had invalid authentication credentials. Expected OAuth 2 access token.',
    status: 'UNAUTHENTICATED',
  },
};
const insufficientScopes = {
  error: {
    code: 403,
    message: 'Request had insufficient authentication scopes.',
    status: 'PERMISSION_DENIED',
  },
};
