/** Signing out: the token goes back to Google. */
import type { AccountPlace } from './account-place.ts';
import type { Http } from './http.ts';
import { changeToken, type Token } from './token-file.ts';

/** What became of a sign-out. */
export interface SignedOut {
  readonly email: string | undefined;
  /** Google has taken the token back. Otherwise it has only been deleted here. */
  readonly revoked: boolean;
}

/**
 * Gives the token back to Google and deletes it, in any case. undefined where the account wasn't signed in.
 * @throws `interrupted`
 */
export async function signOut(
  place: AccountPlace & { readonly signal: AbortSignal },
): Promise<SignedOut | undefined> {
  const { http, endpoints, account, tokenPath, signal } = place;
  let token: Token | undefined;
  await changeToken(tokenPath, account, (now) => {
    token = now;
    return undefined;
  });
  if (token === undefined) return undefined;
  return { email: token.email, revoked: await revoke(http, endpoints.revoke, token.refreshToken, signal) };
}

async function revoke(http: Http, url: string, refreshToken: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { status, body } = await http.send({
      method: 'POST',
      url: new URL(url),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token: refreshToken }).toString(),
      followRedirects: false,
      what: 'the sign-out',
      signal,
    });
    await body.dump().catch(() => {});
    // 400 invalid_token: it was dead already.
    return status === 200 || status === 400;
  } catch {
    return false;
  }
}
