/** Which account is signed in or out, and where. */
import type { Endpoints } from './endpoints.ts';
import type { Http } from './http.ts';

export interface AccountPlace {
  readonly http: Http;
  readonly endpoints: Endpoints;
  readonly account: string;
  readonly secretPath: string;
  readonly tokenPath: string;
}
