/** `client_secret.json`: the owner's own client, as console.cloud.google.com hands it out. */
import { readFileSync } from 'node:fs';
import { errorCode, GphotosfsError } from '../../model/errors.ts';

export interface ClientSecret {
  readonly clientId: string;
  readonly clientSecret: string;
}

const howTo =
  'At console.cloud.google.com, Google Auth Platform, Clients, make a client of the type "Desktop app", download its JSON and save it as';

/** The client at `path`. @throws `usage` that says what is wrong with the file, and how to come by a right one */
export function readClientSecret(path: string): ClientSecret {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw refusal(path, 'does not exist');
    throw new GphotosfsError('no-permission', `${path} cannot be read`, {
      hint: 'It must be a file that you may read.',
      cause: error,
    });
  }
  const { installed, web, type } = asRecord(parse(path, text));
  if (installed === undefined && web !== undefined) {
    throw refusal(path, 'is of a client of the type "Web application", which can\'t sign in from here');
  }
  if (type === 'service_account') {
    throw refusal(path, 'is the key of a service account, which has no photos');
  }
  const { client_id: clientId, client_secret: clientSecret } = asRecord(installed);
  if (
    typeof clientId !== 'string' ||
    typeof clientSecret !== 'string' ||
    clientId === '' ||
    clientSecret === ''
  ) {
    throw refusal(
      path,
      'is not the JSON of a Desktop client: "installed" with "client_id" and "client_secret"',
    );
  }
  return { clientId, clientSecret };
}

/** The number of the project that a client belongs to; quotas are counted by project. */
export function projectOf({ clientId }: ClientSecret): string {
  return /^(\d+)-/.exec(clientId)?.[1] ?? clientId;
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // The parser's message would quote the file, and that has a secret.
    throw refusal(path, 'is not valid JSON');
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function refusal(path: string, wrong: string): GphotosfsError {
  return new GphotosfsError('usage', `${path} ${wrong}`, { hint: `${howTo} ${path}.` });
}
