/** What stands in an answer of Google's that isn't what was asked for, in the shapes that its services use. */
import { parseJson } from './read-body.ts';

/** An answer that isn't what was asked for. */
export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  /** What Google calls it: `PERMISSION_DENIED`, `userRateLimitExceeded`, `invalid_grant`. */
  readonly reasons: readonly string[];
  /** Google's own words; empty where the answer was no error object. */
  readonly message: string;
}

export function readRefusal(status: number, body: string): Refusal {
  const answer = asRecord(parseJson(body));
  const error = answer.error;
  // OAuth's endpoints: {"error": "invalid_grant", "error_description": "…"}.
  if (typeof error === 'string') return { status, reasons: [error], message: text(answer.error_description) };
  const { status: name, message, errors, details } = asRecord(error);
  const reasons = [name, ...[...list(errors), ...list(details)].map((one) => asRecord(one).reason)];
  return { status, reasons: reasons.filter((one) => typeof one === 'string'), message: text(message) };
}

export function isDeadGrant(refusal: Refusal): boolean {
  return has(refusal, 'invalid_grant', 'invalid_rapt');
}

export function isScopeMissing(refusal: Refusal): boolean {
  return (
    has(refusal, 'ACCESS_TOKEN_SCOPE_INSUFFICIENT', 'insufficientPermissions', 'insufficient_scope') ||
    (refusal.status === 403 && /insufficient (authentication scopes|permission)/i.test(refusal.message))
  );
}

export function isSwitchedOff(refusal: Refusal): boolean {
  return (
    has(refusal, 'SERVICE_DISABLED', 'accessNotConfigured') ||
    (refusal.status === 403 && /has not been used in project|it is disabled/i.test(refusal.message))
  );
}

/** The limit's name stands only in the message: "limit 'All requests per day'", "ApiCallsPerProjectPerDay". */
export function isDailyQuota(refusal: Refusal): boolean {
  return (
    has(refusal, 'dailyLimitExceeded', 'dailyLimitExceededUnreg') ||
    ((refusal.status === 429 || refusal.status === 403) && /per ?day/i.test(refusal.message))
  );
}

/**
 * A file that many have downloaded, or one often, is closed for a day, to its owner as well; others of the account aren't
 * (rclone#2652, rclone#3477).
 */
export function isFileQuota(refusal: Refusal): boolean {
  return has(refusal, 'downloadQuotaExceeded');
}

export function isRate(refusal: Refusal): boolean {
  return has(
    refusal,
    'rateLimitExceeded',
    'userRateLimitExceeded',
    'quotaExceeded',
    'RATE_LIMIT_EXCEEDED',
    'RESOURCE_EXHAUSTED',
  );
}

export function has({ reasons }: Refusal, ...wanted: readonly string[]): boolean {
  return reasons.some((reason) => wanted.includes(reason));
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  // Some services wrap the error object into a list.
  const one: unknown = Array.isArray(value) ? value[0] : value;
  return typeof one === 'object' && one !== null ? (one as Record<string, unknown>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Google's words may be long, and quote a link that is a secret. */
function text(value: unknown): string {
  return typeof value === 'string' ? value.replace(/https?:\/\/\S+/g, '…').slice(0, 300) : '';
}
