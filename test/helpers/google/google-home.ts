/** A home that is signed in at the fake, and clients of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createGoogleClient,
  type GoogleClient,
  type GoogleClientRequest,
} from '../../../src/sources/google/client.ts';
import type { DailyCounts } from '../../../src/sources/google/daily-budget.ts';
import type { Token } from '../../../src/sources/google/token-file.ts';
import type { FakeGoogle } from './fake-google.ts';
import { allScopes, fakeClient } from './oauth.ts';

export interface GoogleHomeRequest {
  readonly account?: string;
  readonly scopes?: readonly string[];
  readonly token?: Partial<Token>;
}

/** Writes `client_secret.json`. */
export function writeClientSecret(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const { clientId: client_id, clientSecret: client_secret } = fakeClient;
  const installed = { client_id, client_secret, project_id: 'fake', redirect_uris: ['http://localhost'] };
  writeFileSync(join(home, 'client_secret.json'), JSON.stringify({ installed }), { mode: 0o600 });
}

/** Writes `client_secret.json` and a `token.json` as a sign-in leaves it. @returns the token */
export function writeGoogleHome(home: string, fake: FakeGoogle, request: GoogleHomeRequest = {}): Token {
  const { account = 'default', scopes = allScopes } = request;
  writeClientSecret(home);
  const { accessToken, refreshToken } = fake.oauth.issue(scopes);
  const token: Token = {
    clientId: fakeClient.clientId,
    refreshToken,
    accessToken,
    renewAt: Date.now() + 3_000_000,
    scopes,
    signedInAt: Date.now(),
    subject: fake.oauth.account.subject,
    email: fake.oauth.account.email,
    ...request.token,
  };
  writeFileSync(join(home, 'token.json'), JSON.stringify({ [account]: token }), { mode: 0o600 });
  return token;
}

/** A client of the account in `home`, impatient: its waits are short, so that tests are. */
export function openTestClient(
  home: string,
  fake: FakeGoogle,
  more: Partial<GoogleClientRequest> & { readonly logs?: string[] } = {},
): GoogleClient {
  const { logs = [], ...request } = more;
  return createGoogleClient({
    account: 'default',
    endpoints: fake.endpoints,
    secretPath: join(home, 'client_secret.json'),
    tokenPath: join(home, 'token.json'),
    counts: memoryCounts(),
    log: (message) => void logs.push(message),
    limits: { connectMs: 2000, headersMs: 2000, stallMs: 500, connections: 32 },
    patience: { totalMs: 5000, offlineMs: 300, firstWaitMs: 20 },
    ...request,
  });
}

/** Counts that nobody else sees. */
export function memoryCounts(): DailyCounts {
  const counts = new Map<string, number>();
  const key = (...parts: readonly string[]) => parts.join('\n');
  return {
    take(project, day, quota, limit, many) {
      const used = counts.get(key(project, day, quota)) ?? 0;
      const added = Math.max(0, Math.min(many, limit - used));
      counts.set(key(project, day, quota), used + added);
      return added;
    },
    giveBack(project, day, quota, many) {
      counts.set(key(project, day, quota), (counts.get(key(project, day, quota)) ?? 0) - many);
    },
    used: (project, day, quota) => counts.get(key(project, day, quota)) ?? 0,
  };
}
