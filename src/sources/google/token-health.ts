/**
 * How long sign-ins will last, told while there is time. A client whose consent screen is in "Testing" loses every sign-in
 * after 7 days; Google says so in some answers (`refresh_token_expires_in`), otherwise only the sign-in's age hints at it.
 */
import { allowedServices, type Service, serviceNames } from './scopes.ts';
import { readTokens, type Token } from './token-file.ts';

export interface TokenHealth {
  /** The owner's label. */
  readonly account: string;
  readonly email: string | undefined;
  /** `ending`: within days, perhaps; `ended`: Google doesn't take it any more. */
  readonly state: 'good' | 'ending' | 'ended';
  /** When it ends, or may end, ms since 1970. */
  readonly endsAt: number | undefined;
  readonly signedInAt: number;
  readonly allowed: readonly Service[];
  /** Services that the sign-in doesn't allow. */
  readonly missing: readonly Service[];
  /** What is wrong or will be, and what to do about it: whole sentences. */
  readonly warning: string | undefined;
  readonly hint: string | undefined;
}

const dayMs = 86_400_000;
/** Google: support.google.com/cloud 15549945. */
const testingMs = 7 * dayMs;
/** Whoever signs in again is warned in time, and not yet on the first days. */
const warnBeforeMs = 3 * dayMs;

const publish =
  'At console.cloud.google.com, Google Auth Platform, Audience, choose "Publish app" (no review is needed for your own use), then run';

/** The health of every account that is signed in. @throws `sign-in` where `token.json` is damaged */
export function tokenHealth(tokenPath: string, now = Date.now()): readonly TokenHealth[] {
  return Object.entries(readTokens(tokenPath)).map(([account, token]) => healthOf(account, token, now));
}

function healthOf(account: string, token: Token, now: number): TokenHealth {
  const allowed = allowedServices(token.scopes);
  return {
    account,
    email: token.email,
    signedInAt: token.signedInAt,
    allowed,
    missing: serviceNames.filter((name) => !allowed.includes(name)),
    ...outlook(account, token, now),
  };
}

function outlook(
  account: string,
  token: Token,
  now: number,
): Pick<TokenHealth, 'state' | 'endsAt' | 'warning' | 'hint'> {
  const who = `the sign-in of "${account}"`;
  const endsAt = token.refreshExpiresAt ?? token.signedInAt + testingMs;
  if (token.refusedAt !== undefined || (token.refreshExpiresAt ?? now) < now) {
    const hint = endedHint(account, token, token.refusedAt ?? now);
    return { state: 'ended', endsAt: token.refusedAt ?? endsAt, warning: `${who} has ended.`, hint };
  }
  const isNear = endsAt - now < warnBeforeMs;
  const day = new Date(endsAt).toISOString().slice(0, 10);
  if (token.refreshExpiresAt !== undefined && isNear) {
    const hint = isOfTesting(token)
      ? `${publish} ${loginCommand(account)}.`
      : `Run ${loginCommand(account)} before.`;
    return { state: 'ending', endsAt, warning: `${who} ends on ${day}.`, hint };
  }
  if (token.refreshExpiresAt === undefined && isNear && endsAt > now) {
    const warning = `${who} ends on ${day} if your client is still in "Testing".`;
    return { state: 'ending', endsAt, warning, hint: `${publish} ${loginCommand(account)}.` };
  }
  return { state: 'good', endsAt: token.refreshExpiresAt, warning: undefined, hint: undefined };
}

/** What to do about a sign-in that Google has ended at `at`: most die of a client in "Testing". */
export function endedHint(account: string, token: Token, at: number): string {
  const age = at - token.signedInAt;
  const isSevenDays = Math.abs(age - testingMs) < dayMs / 2 || isOfTesting(token);
  return isSevenDays
    ? `It ended after 7 days, as with a client in "Testing". ${publish} ${loginCommand(account)}.`
    : `Run ${loginCommand(account)}.`;
}

/** The command that signs in with this label. */
export function loginCommand(account: string): string {
  return `"gphotosfs login${account === 'default' ? '' : ` --account ${account}`}"`;
}

function isOfTesting({ signedInAt, refreshExpiresAt }: Token): boolean {
  return refreshExpiresAt !== undefined && refreshExpiresAt - signedInAt < testingMs + dayMs;
}
