/** `login`: asks the owner in a browser, here or (with `--no-browser`) anywhere, and keeps what Google gives. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { GphotosfsError } from '../model/errors.ts';
import { readPasted } from '../sources/google/consent.ts';
import { endpointsOf } from '../sources/google/endpoints.ts';
import { createHttp } from '../sources/google/http.ts';
import { checkServices, type Service, serviceNames, services } from '../sources/google/scopes.ts';
import { type SignedIn, signIn } from '../sources/google/sign-in.ts';
import type { Context } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { formatCounted } from './format.ts';
import type { Run } from './run.ts';

export const run: Run = async (context) => {
  const { settings, paths, output } = context;
  const http = createHttp();
  try {
    const signedIn = await signIn({
      http,
      endpoints: endpointsOf(settings),
      account: settings.account,
      secretPath: paths.clientSecret,
      tokenPath: paths.tokens,
      services: wantedServices(context),
      show: (url) => showConsent(context, url),
      pasted: settings.noBrowser ? (isAnswer) => readAnswer(context, isAnswer) : undefined,
      signal: context.signal(),
    });
    const { email, allowed, refused } = signedIn;
    const record = { type: 'login', account: settings.account, email: email ?? null, allowed, refused };
    output.result(record, describe(settings.account, signedIn));
    for (const service of refused) tellRefused(context, service);
    for (const service of serviceNames)
      if (!allowed.includes(service) && !refused.includes(service)) tellLost(context, service);
    return refused.length === 0 ? exitCodes.done : exitCodes.partial;
  } finally {
    await http.close();
  }
};

/** What the owner names, else what the account's sources need; without any yet, all of them, to be unticked there. */
function wantedServices({ settings, config }: Context): readonly Service[] {
  if (settings.service.length > 0) return checkServices(settings.service);
  const kinds = config.sources.filter(({ account }) => account === settings.account).map(({ kind }) => kind);
  const needed = serviceNames.filter((name) => kinds.includes(name));
  return needed.length === 0 ? serviceNames : needed;
}

function showConsent({ settings, output }: Context, url: string): void {
  const lines = ['Open this page in a browser and agree:', '', url, ''];
  if (settings.noBrowser) {
    lines.push(
      'Its last page, at 127.0.0.1, will not load unless the browser runs on this machine.',
      'Then copy its address from the browser, paste it here and press Enter:',
    );
  }
  output.result({ type: 'consent', url }, lines);
  if (!settings.noBrowser) openBrowser(url);
}

/** Where there is a screen. That it fails needs no words: the address is shown. */
function openBrowser(url: string): void {
  const { platform, env } = process;
  const hasScreen = platform === 'darwin' || env.DISPLAY !== undefined || env.WAYLAND_DISPLAY !== undefined;
  if (!hasScreen) return;
  const command = platform === 'darwin' ? 'open' : 'xdg-open';
  const child = spawn(command, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}

/** Reads lines until one is the answer. */
async function readAnswer(
  { output }: Context,
  isAnswer: (parameters: URLSearchParams) => boolean,
): Promise<URLSearchParams> {
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) {
      if (line.trim() === '') continue;
      const parameters = readPasted(line);
      if (isAnswer(parameters)) return parameters;
      output.log('warn', 'that is not the address of the last page of this sign-in; please paste it whole');
    }
  } finally {
    lines.close();
    process.stdin.destroy();
  }
  throw new GphotosfsError('usage', 'the standard input ended before an address was pasted', {
    hint: 'Run it in a terminal (with docker: docker run -it), or without --no-browser and with the port forwarded.',
  });
}

function describe(account: string, { email, allowed }: SignedIn): string[] {
  const label = account === 'default' ? '' : ` (${account})`;
  return [
    `signed in as ${email ?? 'the account'}${label}; ${formatCounted(allowed.length, 'service')} may be read:`,
    ...allowed.map((service) => `  ${services[service].name}`),
  ];
}

/** Not asked for this time: a new sign-in takes the place of the last one, with all that it allowed. */
function tellLost(context: Context, service: Service): void {
  const ids = sourcesOf(context, service);
  if (ids === '') return;
  context.output.log(
    'warn',
    `this sign-in does not allow ${services[service].name}, so ${ids} can't be read. Run "gphotosfs login" without --service to allow all that the sources need`,
  );
}

/** The ids of the account's sources that need a service. */
function sourcesOf({ config, settings }: Context, service: Service): string {
  return config.sources
    .filter(({ kind, account }) => kind === String(service) && account === settings.account)
    .map(({ id }) => id)
    .join(', ');
}

function tellRefused(context: Context, service: Service): void {
  const ids = sourcesOf(context, service);
  const effect = ids === '' ? '' : `; ${ids} can't be read without it`;
  context.output.log(
    'warn',
    `not allowed: ${services[service].name}${effect}. Run "gphotosfs login" again to allow it`,
  );
}
