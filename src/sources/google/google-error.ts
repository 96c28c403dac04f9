/**
 * What Google's error answers mean, as the program's own kinds of errors: the one place that reads them.
 *
 * Statuses alone don't tell: 403 is a missing scope, an API that is switched off, a link that has expired, or (Drive) a
 * rate; 429 is a rate or the day's quota. So status, `status` text, reasons and, where nothing else tells, the message
 * are looked at together.
 */
import { type ErrorDetails, GphotosfsError } from '../../model/errors.ts';
import { strayPageCode } from './network-error.ts';
import { pacificMidnightAfter } from './pacific-day.ts';
import {
  has,
  isDailyQuota,
  isDeadGrant,
  isFileQuota,
  isRate,
  isScopeMissing,
  isSwitchedOff,
  type Refusal,
  readRefusal,
} from './refusal.ts';

/** The answer behind an error of this module; undefined for errors of other places. */
export function refusalOf(error: unknown): Refusal | undefined {
  const cause = error instanceof GphotosfsError ? error.cause : undefined;
  return cause instanceof RefusalCause ? cause.refusal : undefined;
}

/** Whether the token lacks a permission that was not granted; a newer sign-in may have it. */
export function isScopeMissingError(error: unknown): boolean {
  const refusal = refusalOf(error);
  return refusal !== undefined && isScopeMissing(refusal);
}

/** Carries the answer on an error; its message has no link and no token. */
class RefusalCause extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(`HTTP ${refusal.status} ${refusal.message}`.trimEnd());
    this.refusal = refusal;
  }
}

export interface RefusalContext {
  /** What was to be done, as a noun: `the list of albums`. */
  readonly what: string;
  /** The host that answered. */
  readonly host: string;
  /** Header fields, names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Wall clock, ms. */
  readonly now: number;
}

/** Google advises at least 30 s after a 429 (best-practices guide); it sends no Retry-After with most of them. */
const waitAfterRateMs = 30_000;
/** What Google's help says of a file in Drive that was downloaded too often: up to 24 hours. */
const waitForFileMs = 24 * 3_600_000;
const signInHint = 'Run "gphotosfs login".';

/** The error that an answer with this status and body stands for. */
export function errorOfRefusal(status: number, body: string, context: RefusalContext): GphotosfsError {
  const refusal = readRefusal(status, body);
  const { what, host } = context;
  const cause = new RefusalCause(refusal);
  const said = refusal.message === '' ? `HTTP ${status}` : `HTTP ${status}: ${refusal.message}`;
  const fail = (
    kind: GphotosfsError['kind'],
    why: string,
    details: Pick<ErrorDetails, 'hint' | 'retryAfterMs' | 'ofOneArchive'> = {},
  ) => new GphotosfsError(kind, `${what}: ${why}`, { ...details, cause });

  if (isDeadGrant(refusal)) {
    return fail('sign-in', 'the sign-in has expired or was taken back', { hint: signInHint });
  }
  if (has(refusal, 'invalid_client', 'unauthorized_client', 'deleted_client')) {
    return fail('sign-in', `Google doesn't know the client of client_secret.json (${said})`, {
      hint: 'Download it again from console.cloud.google.com, Clients, then run "gphotosfs login".',
    });
  }
  if (status === 401)
    return fail('sign-in', 'Google does not take the sign-in any more', { hint: signInHint });
  if (isSwitchedOff(refusal)) {
    return fail('sign-in', `the API is not enabled in your project (${said})`, {
      hint: `Enable it at console.cloud.google.com, APIs & Services, Library (${host}), wait some minutes and try again.`,
    });
  }
  if (isScopeMissing(refusal)) {
    return fail('sign-in', 'the sign-in does not allow it (a permission was not granted)', {
      hint: 'Run "gphotosfs login" and leave all boxes ticked.',
    });
  }
  if (isFileQuota(refusal)) {
    return fail('quota', `it was downloaded too often, so Drive closes it for a day (${said})`, {
      hint: goOnHint(context.now, waitForFileMs),
      retryAfterMs: waitForFileMs,
      ofOneArchive: true,
    });
  }
  if (isDailyQuota(refusal)) {
    const retryAfterMs = pacificMidnightAfter(context.now) - context.now;
    return fail('quota', "the day's quota is used up", {
      hint: goOnHint(context.now, retryAfterMs),
      retryAfterMs,
    });
  }
  const advised = retryAfter(context);
  if (status === 429 || isRate(refusal)) {
    const retryAfterMs = advised ?? waitAfterRateMs;
    return fail('quota', `too many requests (${said})`, {
      hint: goOnHint(context.now, retryAfterMs),
      retryAfterMs,
    });
  }
  if (status >= 500 || status === 408) {
    return fail('source-unreachable', `${host} has a problem (${said})`, {
      hint: 'Try again later.',
      ...(advised === undefined ? {} : { retryAfterMs: advised }),
    });
  }
  if (status >= 300 && status < 400)
    return fail('source-unreachable', `${host} sends elsewhere (${said})`, captive);
  if (status === 404 || status === 410) return fail('source-gone', `it is not there (${said})`, hints.gone);
  if (status === 403) return fail('no-permission', `Google refuses it (${said})`, hints.refused);
  if (status === 412 || status === 416)
    return fail('source-changed', `it is not what it was (${said})`, hints.changed);
  return fail('bad-source', `Google refuses the request (${said})`, hints.odd);
}

/** What to do where who asked knows no better. */
const hints = {
  gone: { hint: 'If it was deleted at Google, that is why; else it is tried again by the next run.' },
  refused: {
    hint: 'It is tried again by the next run. If it is not yours, ask its owner whether you may download it.',
  },
  changed: { hint: 'Run "gphotosfs sync", then try again.' },
  odd: { hint: 'It is tried again by the next run. If it stays so, please report it.' },
} as const;

/** What a page that isn't Google's comes from, mostly. */
const captive = {
  hint: 'Is there a login page between here and Google (hotel, company)? Open a web page in a browser to see it.',
} as const;

/** The error for an answer that should be JSON and isn't: mostly the login page of a network. */
export function errorOfStrayPage(
  type: string,
  { what, host }: Pick<RefusalContext, 'what' | 'host'>,
): GphotosfsError {
  const isPage = /html/i.test(type);
  return new GphotosfsError(
    'source-unreachable',
    `${what}: ${host} answered with ${isPage ? 'a web page' : 'something that is not JSON'}`,
    { ...captive, cause: Object.assign(new Error('stray page'), { code: strayPageCode }) },
  );
}

/** "Go on after …" in the owner's own clock. */
export function goOnHint(now: number, waitMs: number): string {
  const at = new Date(now + waitMs);
  const text = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' }).format(at);
  return `Go on after ${text}.`;
}

/**
 * Seconds, or a date (RFC 9110, 10.2.3), as ms from now. A date is told by the clock of who answered, where it tells that: ours
 * may be wrong. One that is past is no advice.
 */
function retryAfter({ headers, now }: RefusalContext): number | undefined {
  const advice = firstOf(headers['retry-after']);
  if (/^\d{1,9}$/.test(advice)) return Number(advice) * 1000;
  const theirs = Date.parse(firstOf(headers.date));
  const waitMs = Date.parse(advice) - (Number.isNaN(theirs) ? now : theirs);
  return waitMs > 0 ? waitMs : undefined;
}

function firstOf(value: string | readonly string[] | undefined): string {
  return ((typeof value === 'string' ? value : value?.[0]) ?? '').trim();
}
