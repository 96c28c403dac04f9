/** Every error answer that is known of Google, and what becomes of it. */
import { describe, expect, it } from 'vitest';
import { errorOfRefusal, refusalOf } from '../../../src/sources/google/google-error.ts';
import { pacificDay, pacificMidnightAfter } from '../../../src/sources/google/pacific-day.ts';

/** 10:00 in California. */
const now = Date.UTC(2026, 10, 25, 18);
const errorOf = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  errorOfRefusal(status, typeof body === 'string' ? body : JSON.stringify(body), {
    what: 'the list',
    host: 'api.example',
    headers,
    now,
  });

const google = (code: number, message: string, status?: string, more: object = {}) => ({
  error: { code, message, status, ...more },
});
const daily =
  "Quota exceeded for quota metric 'All requests' and limit 'All requests per day' of service 'photoslibrary.googleapis.com' for consumer 'project_number:123'.";
const older =
  "Quota exceeded for quota metric 'photoslibrary.googleapis.com/all_requests' and limit 'ApiCallsPerProjectPerDay' of service 'photoslibrary.googleapis.com'.";
const perMinute =
  "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service 'drive.googleapis.com'.";
const untilMidnight = 14 * 3_600_000;

const cases: readonly (readonly [
  name: string,
  status: number,
  body: unknown,
  wanted: object,
  hint?: string,
])[] = [
  [
    'a page token with other parameters',
    400,
    google(
      400,
      'When using a page token, you must use the same parameters as the previous request.',
      'INVALID_ARGUMENT',
    ),
    { kind: 'bad-source' },
    'next run',
  ],
  [
    'no token',
    401,
    google(401, 'Request is missing required authentication credential.', 'UNAUTHENTICATED', {
      details: [{ reason: 'CREDENTIALS_MISSING' }],
    }),
    { kind: 'sign-in' },
    'gphotosfs login',
  ],
  [
    'a scope that was not granted',
    403,
    google(403, 'Request had insufficient authentication scopes.', 'PERMISSION_DENIED'),
    { kind: 'sign-in' },
    'boxes ticked',
  ],
  [
    'the same in the newer form',
    403,
    google(403, 'no', 'PERMISSION_DENIED', { details: [{ reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT' }] }),
    { kind: 'sign-in' },
    'boxes ticked',
  ],
  [
    'an API that is not enabled',
    403,
    google(
      403,
      'Photos Library API has not been used in project 123 before or it is disabled. Enable it by visiting https://console.example',
      'PERMISSION_DENIED',
    ),
    { kind: 'sign-in' },
    'Enable it',
  ],
  [
    'the same of Drive',
    403,
    google(403, 'Access Not Configured.', undefined, {
      errors: [{ domain: 'usageLimits', reason: 'accessNotConfigured' }],
    }),
    { kind: 'sign-in' },
    'Enable it',
  ],
  [
    "the day's quota",
    429,
    google(429, daily, 'RESOURCE_EXHAUSTED'),
    { kind: 'quota', retryAfterMs: untilMidnight },
    'Go on after 26 Nov',
  ],
  [
    "the day's quota, older form",
    429,
    google(429, older, 'RESOURCE_EXHAUSTED'),
    { kind: 'quota', retryAfterMs: untilMidnight },
  ],
  [
    "the day's quota, with reasons",
    429,
    google(429, daily, 'RESOURCE_EXHAUSTED', { errors: [{ domain: 'global', reason: 'rateLimitExceeded' }] }),
    { kind: 'quota', retryAfterMs: untilMidnight },
  ],
  [
    "Drive's daily limit",
    403,
    google(403, 'Daily Limit Exceeded', undefined, {
      errors: [{ domain: 'usageLimits', reason: 'dailyLimitExceeded' }],
    }),
    { kind: 'quota', retryAfterMs: untilMidnight },
  ],
  [
    'a file in Drive that was downloaded too often',
    403,
    google(403, 'The download quota for this file has been exceeded.', undefined, {
      errors: [{ domain: 'usageLimits', reason: 'downloadQuotaExceeded' }],
    }),
    { kind: 'quota', retryAfterMs: 24 * 3_600_000, ofOneArchive: true },
    'Go on after 26 Nov',
  ],
  ['a rate', 429, google(429, perMinute, 'RESOURCE_EXHAUSTED'), { kind: 'quota', retryAfterMs: 30_000 }],
  [
    "Drive's rate, as a 403",
    403,
    google(403, 'User Rate Limit Exceeded', undefined, {
      errors: [{ domain: 'usageLimits', reason: 'userRateLimitExceeded' }],
    }),
    { kind: 'quota', retryAfterMs: 30_000 },
  ],
  ['a 429 of the content host', 429, '<html>Too many</html>', { kind: 'quota', retryAfterMs: 30_000 }],
  ['a link that has expired', 403, '<html>403</html>', { kind: 'no-permission' }, 'next run'],
  [
    'an abusive file',
    403,
    google(403, 'This file has been identified as malware.', undefined, {
      errors: [{ reason: 'cannotDownloadAbusiveFile' }],
    }),
    { kind: 'no-permission' },
  ],
  [
    'what is not there',
    404,
    google(404, 'Requested entity was not found.', 'NOT_FOUND'),
    { kind: 'source-gone' },
    'deleted at Google',
  ],
  [
    'a range beyond the end',
    416,
    google(416, 'no', undefined, { errors: [{ reason: 'requestedRangeNotSatisfiable' }] }),
    { kind: 'source-changed' },
    'gphotosfs sync',
  ],
  [
    'a server error',
    500,
    google(500, 'Internal error', 'INTERNAL'),
    { kind: 'source-unreachable', retryAfterMs: undefined },
  ],
  ['a redirect of an API', 302, '', { kind: 'source-unreachable' }, 'login page'],
  [
    'a dead grant',
    400,
    { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' },
    { kind: 'sign-in' },
    'gphotosfs login',
  ],
  ['an unknown client', 401, { error: 'invalid_client' }, { kind: 'sign-in' }, 'Clients'],
  [
    'a list around it',
    403,
    [google(403, 'Request had insufficient authentication scopes.', 'PERMISSION_DENIED')],
    { kind: 'sign-in' },
  ],
];

describe('an error answer', () => {
  it.each(cases.map(([name, ...rest]) => ({ name, rest })))(
    '$name',
    ({ rest: [status, body, wanted, hint = ''] }) => {
      const error = errorOf(status, body);
      expect(error).toMatchObject(wanted);
      expect(error.message).toMatch(/^the list: /);
      expect(error.hint ?? '').toContain(hint);
      expect(refusalOf(error)?.status).toBe(status);
    },
  );

  it('is waited for as it asks: seconds or a date', () => {
    expect(errorOf(503, '', { 'retry-after': '7' }).retryAfterMs).toBe(7000);
    expect(errorOf(429, '', { 'retry-after': new Date(now + 90_000).toUTCString() }).retryAfterMs).toBe(
      90_000,
    );
    expect(errorOf(429, '', { 'retry-after': 'soon' }).retryAfterMs).toBe(30_000);
  });

  it('tells a date by the clock of who answered, and one that is past is no advice', () => {
    const at = (ms: number) => new Date(now + ms).toUTCString();
    // Our clock is ten minutes ahead.
    const late = { 'retry-after': at(-570_000), date: at(-600_000) };
    expect(errorOf(429, '', late).retryAfterMs).toBe(30_000);
    expect(errorOf(503, '', { ...late, 'retry-after': at(-560_000) }).retryAfterMs).toBe(40_000);
    expect(errorOf(503, '', { 'retry-after': at(-1000) }).retryAfterMs).toBeUndefined();
    expect(errorOf(429, '', { 'retry-after': at(-1000) }).retryAfterMs).toBe(30_000);
  });

  it('may be anything, and is an error all the same', () => {
    for (const body of [
      '',
      'null',
      '[]',
      '7',
      '{"error":null}',
      '{"error":{"errors":7,"details":[null],"message":{}}}',
      '{"error":{"status":{}}}',
    ]) {
      expect(errorOf(400, body).kind).toBe('bad-source');
    }
  });
});

describe('a Pacific day', () => {
  it('begins at midnight in California, in summer and in winter', () => {
    expect(pacificDay(Date.UTC(2026, 0, 15, 7, 59))).toBe('2026-01-14');
    expect(pacificDay(Date.UTC(2026, 0, 15, 8))).toBe('2026-01-15');
    expect(pacificMidnightAfter(Date.UTC(2026, 0, 15, 8))).toBe(Date.UTC(2026, 0, 16, 8));
    expect(pacificMidnightAfter(Date.UTC(2026, 6, 15, 6, 59, 59))).toBe(Date.UTC(2026, 6, 15, 7));
  });

  it('has 23 or 25 hours where the clock changes', () => {
    expect(pacificMidnightAfter(Date.UTC(2026, 2, 8, 8))).toBe(Date.UTC(2026, 2, 9, 7));
    expect(pacificMidnightAfter(Date.UTC(2026, 10, 1, 7))).toBe(Date.UTC(2026, 10, 2, 8));
  });
});
