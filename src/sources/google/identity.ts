/** Whose account a token is of, as the id token tells that came with it. */
import { parseJson } from './read-body.ts';

export interface Identity {
  /** Google's lasting id of the account. */
  readonly subject: string;
  readonly email: string | undefined;
}

/**
 * The claims of an id token. It came from the token endpoint over TLS, so its signature needs no check (OpenID Connect
 * Core 1.0, 3.1.3.7, 6). undefined where it can't be read.
 */
export function readIdToken(idToken: string | undefined): Identity | undefined {
  const [, claims] = idToken?.split('.') ?? [];
  if (claims === undefined) return undefined;
  const value = parseJson(Buffer.from(claims, 'base64url').toString('utf8'));
  if (typeof value !== 'object' || value === null) return undefined;
  const { sub, email } = value as { readonly sub?: unknown; readonly email?: unknown };
  if (typeof sub !== 'string' || sub === '') return undefined;
  return { subject: sub, email: typeof email === 'string' && email !== '' ? email : undefined };
}
