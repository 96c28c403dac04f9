/** Failures below HTTP, where no answer came or it broke off, as the program's own errors. */
import { errorCode, GphotosfsError } from '../../model/errors.ts';

const certificateCodes =
  /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|CERT_|ERR_TLS_CERT|HOSTNAME_MISMATCH)/;

/** The `code` under the error for a page of somebody else than Google. */
export const strayPageCode = 'GPHOTOSFS_STRAY_PAGE';

/** Nobody could be reached at all, so it won't help to try again within a minute. */
const offlineCodes: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
  strayPageCode,
]);

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not found',
  EAI_AGAIN: 'names can not be looked up',
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the transfer stalled',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer has another length than announced',
};

/** Whether an error of `networkError` means that there is no network, rather than trouble with one request. */
export function isOffline(error: unknown): boolean {
  return error instanceof GphotosfsError && offlineCodes.has(deepCode(error.cause) ?? '');
}

/**
 * The error for what a request threw. Its message names the host and never the rest of the address: links to photos are
 * secrets.
 */
export function networkError(
  error: unknown,
  what: string,
  host: string,
  signal?: AbortSignal,
): GphotosfsError {
  if (error instanceof GphotosfsError) return error;
  const code = deepCode(error) ?? '';
  // The program itself has closed its connections: it is ending, and must not go on trying.
  if (signal?.aborted === true || code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED')
    return new GphotosfsError('interrupted', `${what} was stopped`, { cause: error });
  if (certificateCodes.test(code)) {
    return new GphotosfsError(
      'source-unreachable',
      `${what}: the certificate of ${host} is not trusted (${code})`,
      {
        hint: 'If a company proxy is in between, name its certificate in NODE_EXTRA_CA_CERTS.',
        cause: error,
      },
    );
  }
  const proxy = /Proxy response \((\d+)\)/.exec(error instanceof Error ? error.message : '')?.[1];
  if (proxy !== undefined) {
    return new GphotosfsError(
      'source-unreachable',
      `${what}: the proxy refuses to connect to ${host} (HTTP ${proxy})`,
      {
        hint: 'Check HTTPS_PROXY and NO_PROXY.',
        cause: error,
      },
    );
  }
  const why = words[code] ?? (code === '' ? 'the connection failed' : `the connection failed (${code})`);
  return new GphotosfsError('source-unreachable', `${what}: ${host} can't be reached: ${why}`, {
    hint: 'Check the network and try again.',
    cause: error,
  });
}

/** `fetch` wraps the reason; an attempt at several addresses has one for each. */
function deepCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at !== undefined && at !== null && depth < 5; depth++) {
    const code = errorCode(at);
    if (code !== undefined && code !== '') return code;
    const { cause, errors } = at as { cause?: unknown; errors?: unknown };
    at = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return undefined;
}
