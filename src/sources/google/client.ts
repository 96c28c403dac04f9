/**
 * One Google account as seen from its sources: calls of an API, and bytes by link. Here meet the token and the hosts that may
 * see it, the retries Google advises, the day's quota, and the translation of what goes wrong.
 */
import type { OAuth2Client } from 'google-auth-library';
import {
  type HeadAnswer,
  type HeadRequest,
  headBytes,
  type OpenBytesRequest,
  type OpenedBytes,
  openBytes,
} from './bytes.ts';
import { type CallRequest, callApi } from './call.ts';
import { projectOf, readClientSecret } from './client-secret.ts';
import { createDailyBudget, type DailyBudget, type DailyCounts } from './daily-budget.ts';
import type { Endpoints } from './endpoints.ts';
import { createPerform, createPermit, type ExchangeParts } from './exchange.ts';
import { createHttp, type HttpLimits } from './http.ts';
import { createLibraryFetch, errorOfLibrary } from './library-fetch.ts';
import { type Patience, type Rests, standardPatience, withPatience } from './patience.ts';
import { createTokens } from './tokens.ts';
import { untilAborted } from './until-aborted.ts';

/** An account. All its methods throw `sign-in`, `quota`, `source-unreachable`, `interrupted`, and as Google refuses. */
export interface GoogleClient {
  readonly account: string;
  readonly endpoints: Endpoints;
  readonly budget: DailyBudget;
  /** One API call with the account's token, tried again as Google advises. @throws `bad-source` for an odd answer */
  call<T>(request: CallRequest<T>): Promise<T>;
  /** What a HEAD says of bytes. */
  head(request: HeadRequest): Promise<HeadAnswer>;
  /** Opens bytes: 200, or 206 for a range. It doesn't resume (`resumeBytes`). */
  open(request: OpenBytesRequest): Promise<OpenedBytes>;
  /** For a request for bytes that another thread sends, once: it waits here while the host rests, and is counted; gives the fields that it has to carry. */
  permit(request: HeadRequest): Promise<Readonly<Record<string, string>>>;
  /** For Google's own libraries: the same account, connections and limits. */
  auth(): Promise<OAuth2Client>;
  /** A call that such a library makes, tried again and its errors translated as in `call`. */
  viaLibrary<T>(
    request: { readonly url: string; readonly what: string; readonly signal?: AbortSignal | undefined },
    make: () => Promise<{ readonly data: T }>,
  ): Promise<T>;
  close(): Promise<void>;
}

export interface GoogleClientRequest {
  readonly account: string;
  readonly endpoints: Endpoints;
  /** `client_secret.json` and `token.json`. */
  readonly secretPath: string;
  readonly tokenPath: string;
  readonly counts: DailyCounts;
  readonly log: (message: string) => void;
  readonly limits?: HttpLimits | undefined;
  readonly patience?: Patience | undefined;
}

export function createGoogleClient(request: GoogleClientRequest): GoogleClient {
  const { account, endpoints, secretPath, tokenPath, log, patience = standardPatience } = request;
  const http = createHttp(request.limits);
  const tokens = createTokens({ http, url: endpoints.token, account, secretPath, tokenPath, log });
  const budget = createDailyBudget(request.counts, () => projectOf(readClientSecret(secretPath)));
  const rests: Rests = new Map();

  const parts: ExchangeParts = { http, tokens, budget, endpoints, patience, rests, log };
  const perform = createPerform(parts);
  const permit = createPermit(parts);

  return {
    account,
    endpoints,
    budget,
    async auth() {
      // Loaded for Drive only: it takes a tenth of a second.
      const { OAuth2Client } = await import('google-auth-library');
      const auth = new OAuth2Client({
        transporterOptions: { fetchImplementation: createLibraryFetch(http.fetch, endpoints, tokens) },
      });
      auth.refreshHandler = async () => ({
        access_token: await tokens.current(),
        // Asked for again each minute: `tokens` knows better when a token ends. The library refreshes 5 minutes ahead.
        expiry_date: Date.now() + 6 * 60_000,
      });
      return auth;
    },
    viaLibrary({ url, what, signal }, make) {
      const { host } = new URL(url);
      return withPatience({ host, rests, patience, signal, log }, async () => {
        try {
          // The signal is not for the library: it copies its options deeply, and a copied one never fires.
          return (await untilAborted(make(), signal)).data;
        } catch (error) {
          throw errorOfLibrary(error, { what, host, signal });
        }
      });
    },
    call: (wanted) => callApi(perform, wanted, wanted.url.startsWith(`${endpoints.library}/`)),
    head: (wanted) => headBytes(perform, wanted),
    open: (wanted) => openBytes(perform, wanted),
    permit: ({ url, authorized, daily, what, signal }) =>
      permit({ url: new URL(url), authorized, daily, what, signal }),
    async close() {
      budget.close();
      await http.close();
    },
  };
}
