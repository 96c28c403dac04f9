/**
 * One request of an account: with its token, where that may go; tried again as Google advises; counted against the day's
 * quota; and what Google refuses, as an error.
 */
import { GphotosfsError } from '../../model/errors.ts';
import type { DailyBudget, DailyQuota } from './daily-budget.ts';
import { type Endpoints, mayHaveToken } from './endpoints.ts';
import { errorOfRefusal, isScopeMissingError, refusalOf } from './google-error.ts';
import type { Http, HttpAnswer, HttpRequest } from './http.ts';
import { type Patience, type Rests, untilRested, withPatience } from './patience.ts';
import { readText } from './read-body.ts';
import type { Tokens } from './tokens.ts';
import { untilAborted } from './until-aborted.ts';

export interface Exchange extends Omit<HttpRequest, 'headers'> {
  readonly headers?: Readonly<Record<string, string>>;
  /** Send the account's token; only to hosts that may have it. */
  readonly authorized: boolean;
  /** The day's quota that each try counts against. */
  readonly daily: DailyQuota | undefined;
  /** Statuses that are no refusal. */
  readonly accept: (status: number) => boolean;
  /** How long to go on trying after an error, ms, where that is less than the account's patience. */
  readonly patienceFor?: ((error: unknown) => number | undefined) | undefined;
  /** Told each time the host asks to slow down. */
  readonly slowed?: (() => void) | undefined;
}

export interface ExchangeParts {
  readonly http: Http;
  readonly tokens: Tokens;
  readonly budget: DailyBudget;
  readonly endpoints: Endpoints;
  readonly patience: Patience;
  readonly rests: Rests;
  readonly log: (message: string) => void;
}

/** Does the exchange and uses its answer; where either fails in passing, both are done again. */
export type Perform = <T>(exchange: Exchange, use: (answer: HttpAnswer) => Promise<T>) => Promise<T>;

/** A request that another thread is to send, once. */
export type Permitted = Pick<Exchange, 'url' | 'authorized' | 'daily' | 'what' | 'signal'>;

/** Waits while the host rests, counts such a request, and gives the fields that it has to carry. */
export type Permit = (request: Permitted) => Promise<Readonly<Record<string, string>>>;

const maxErrorBytes = 64 << 10;

export function createPerform(parts: ExchangeParts): Perform {
  const { http, tokens, budget, endpoints, patience, rests, log } = parts;

  async function send(exchange: Exchange, token: string | undefined): Promise<HttpAnswer> {
    const { headers = {}, accept, daily, patienceFor: _, slowed: __, ...sent } = exchange;
    if (daily !== undefined) budget.take(daily);
    const authorization = token === undefined ? {} : bearer(token);
    const answer = await http.send({ ...sent, headers: { ...headers, ...authorization } });
    if (accept(answer.status)) return answer;
    const text = await readText(answer.body, maxErrorBytes).catch(() => '');
    const { what } = exchange;
    throw errorOfRefusal(answer.status, text, {
      what,
      host: answer.host,
      headers: answer.headers,
      now: Date.now(),
    });
  }

  /** One try, with a second one where the token was refused and there is another. */
  async function attempt(exchange: Exchange): Promise<HttpAnswer> {
    if (!exchange.authorized) return send(exchange, undefined);
    const token = await untilAborted(tokens.current(), exchange.signal);
    try {
      return await send(exchange, token);
    } catch (error) {
      const another = await anotherToken(error, token, exchange.signal);
      if (another === undefined) throw error;
      return send(exchange, another);
    }
  }

  async function anotherToken(
    error: unknown,
    refused: string,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    if (isScopeMissingError(error)) return tokens.newer(refused);
    return refusalOf(error)?.status === 401 ? untilAborted(tokens.renew(refused), signal) : undefined;
  }

  return async (exchange, use) => {
    refuseOtherHosts(endpoints, exchange);
    const { url, signal, slowed, patienceFor } = exchange;
    const patient = { host: url.host, rests, patience, patienceFor, signal, slowed, log };
    return withPatience(patient, async () => use(await attempt(exchange)));
  };
}

export function createPermit({ tokens, budget, endpoints, patience, rests }: ExchangeParts): Permit {
  return async (request) => {
    refuseOtherHosts(endpoints, request);
    const { url, signal } = request;
    await untilRested({ host: url.host, rests, patience, signal });
    const token = request.authorized ? await untilAborted(tokens.current(), signal) : undefined;
    if (request.daily !== undefined) budget.take(request.daily);
    return token === undefined ? {} : bearer(token);
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** @throws `bad-source` where the token would go to a host that isn't Google's */
function refuseOtherHosts(endpoints: Endpoints, { url, authorized, what }: Permitted): void {
  if (!authorized || mayHaveToken(endpoints, url)) return;
  throw new GphotosfsError('bad-source', `${what}: ${url.host} must not see the account's token`, {
    hint: 'If that host belongs to Google, name it with --content-hosts.',
  });
}
