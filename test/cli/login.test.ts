/** Signing in and out as a user does, at the stand-in for Google: in a real browser, and with a pasted address. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Token } from '../../src/sources/google/token-file.ts';
import { type FakeGoogle, startFakeGoogle } from '../helpers/google/fake-google.ts';
import { writeClientSecret, writeGoogleHome } from '../helpers/google/google-home.ts';
import { allScopes, driveScope, libraryScope } from '../helpers/google/oauth.ts';
import { addPhotos } from '../helpers/google/photos.ts';
import { createPlace, type Place, type Running, until } from './run-program.ts';

const chromiumPath = '/usr/bin/chromium';

let fake: FakeGoogle;
let place: Place;
let browser: Browser | undefined;

beforeEach(async () => {
  fake = await startFakeGoogle();
  place = createPlace(fake.env);
  writeClientSecret(place.home);
});
afterEach(async () => {
  await place.clean();
  await fake.close();
});
afterAll(() => browser?.close());

const tokenPath = () => join(place.home, 'token.json');
const tokens = () => JSON.parse(readFileSync(tokenPath(), 'utf8')) as Record<string, Token>;

/** The address that the program shows. */
async function consentUrl(login: Running): Promise<URL> {
  await until(() => /\/consent\?\S+/.test(login.stdout()));
  return new URL(/(http\S+\/consent\?\S+)/.exec(login.stdout())?.[1] ?? '');
}

/** What a browser ends at when its user agrees, without one. */
async function agree(url: URL, more: Readonly<Record<string, string>> = {}): Promise<URL> {
  const decide = new URL(`${fake.url}/consent/decide`);
  for (const name of ['redirect_uri', 'state', 'code_challenge', 'access_type', 'prompt']) {
    decide.searchParams.set(name, url.searchParams.get(name) ?? '');
  }
  for (const scope of (more.scopes ?? url.searchParams.get('scope') ?? '').split(' ')) {
    decide.searchParams.append('scope', scope);
  }
  decide.searchParams.set('decide', more.decide ?? 'allow');
  const { headers } = await fetch(decide, { redirect: 'manual' });
  return new URL(headers.get('location') ?? '');
}

async function visit(url: URL | string, host?: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    get(url, { headers: host === undefined ? {} : { host } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    }).on('error', reject);
  });
}

describe('login in a browser', () => {
  // CI has the browser; elsewhere it may be missing.
  it.skipIf(!existsSync(chromiumPath) && process.env.CI === undefined)(
    'asks, takes the answer, and keeps the token for its owner alone',
    async () => {
      const login = place.start('login');
      const url = await consentUrl(login);
      expect(Object.fromEntries(url.searchParams)).toMatchObject({
        response_type: 'code',
        access_type: 'offline',
        prompt: 'consent',
        code_challenge_method: 'S256',
        scope: allScopes.join(' '),
      });
      expect(url.searchParams.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
      browser ??= await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
      const page = await browser.newPage();
      await page.goto(url.href);
      await page.click('button[value=allow]');
      await page.waitForURL(/127\.0\.0\.1:\d+\/\?/);
      expect(await page.textContent('h1')).toBe('Signed in');
      await page.close();

      const { code, stdout, stderr } = await login.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('signed in as owner@example.com');
      expect(statSync(tokenPath()).mode & 0o777).toBe(0o600);
      expect(readdirSync(place.home).sort()).toEqual(['client_secret.json', 'token.json']);
      const { default: token } = tokens();
      expect(token).toMatchObject({
        email: 'owner@example.com',
        subject: '1000000001',
        scopes: [...allScopes],
      });
      expect(fake.oauth.isAlive(token?.accessToken ?? '')).toBe(true);
      expect(token?.refreshToken).toBeTruthy();
    },
  );

  it('says so when its owner does not agree', async () => {
    const login = place.start('login');
    const page = await visit(await agree(await consentUrl(login), { decide: 'deny' }));
    expect(page.text).toContain('Not signed in');
    const { code, stderr } = await login.ended;
    expect(code).toBe(4);
    expect(stderr).toContain('you did not agree');
    expect(existsSync(tokenPath())).toBe(false);
  });

  it('takes no answer to a question that it did not ask', async () => {
    const login = place.start('login');
    const back = await agree(await consentUrl(login));
    const forged = new URL(back);
    forged.searchParams.set('state', 'x'.repeat(43));
    expect((await visit(forged)).status).toBe(400);
    expect((await visit(back, 'evil.example')).status).toBe(404);
    expect(fake.count('/oauth2/token')).toBe(0);
    expect((await visit(back)).status).toBe(200);
    expect((await login.ended).code).toBe(0);
  });

  it('does nothing more when it is stopped', async () => {
    const login = place.start('login');
    await consentUrl(login);
    login.child.kill('SIGINT');
    expect((await login.ended).code).toBe(130);
    expect(existsSync(tokenPath())).toBe(false);
  });
});

describe('login --no-browser', () => {
  it('takes the address from a browser elsewhere', async () => {
    const login = place.converse('login', '--no-browser', '--account', 'partner');
    const back = await agree(await consentUrl(login));
    login.child.stdin?.write('https://example.com/?code=nothing\n\n');
    await until(() => login.stderr().includes('that is not the address'));
    login.child.stdin?.write(`${back.href}\n`);
    const { code, stdout } = await login.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('paste it here');
    expect(Object.keys(tokens())).toEqual(['partner']);
  });

  it('ends where nothing can be pasted', async () => {
    const { code, stderr } = await place.run('login', '--no-browser');
    expect(code).toBe(2);
    expect(stderr).toContain('docker run -it');
  });
});

describe('what may be read', () => {
  it('is what the owner wants to be asked for', async () => {
    const login = place.start('login', '--service', 'drive');
    const url = await consentUrl(login);
    expect(url.searchParams.get('scope')).toBe(`${driveScope} openid email`);
    await visit(await agree(url));
    expect((await login.ended).code).toBe(0);
    expect(tokens().default?.scopes).toEqual([driveScope, 'openid', 'email']);
    expect((await place.run('login', '--service', 'photos')).code).toBe(2);
  });

  it("is what the account's sources need, and no more", async () => {
    expect((await place.run('add', 'drive')).stdout).toContain('Next: gphotosfs login, then gphotosfs sync');
    expect((await place.run('add', 'library', '--account', 'partner')).stdout).toContain(
      'Next: gphotosfs login --account partner, then gphotosfs sync',
    );
    const login = place.start('login');
    const url = await consentUrl(login);
    expect(url.searchParams.get('scope')).toBe(`${driveScope} openid email`);
    await visit(await agree(url));
    expect((await login.ended).code).toBe(0);
    expect((await place.run('add', 'drive')).stdout).toContain('Next: gphotosfs sync');

    // What needs another permission says so, and the next sign-in asks for it, too.
    expect((await place.run('add', 'library')).stdout).toContain(
      'Next: gphotosfs login, then gphotosfs sync',
    );
    addPhotos(fake);
    const picking = await place.run('pick');
    expect(picking.code).toBe(4);
    expect(picking.stderr).toContain('gphotosfs login');
    const again = place.start('login');
    const all = await consentUrl(again);
    expect(all.searchParams.get('scope')).toBe(allScopes.join(' '));
    await visit(await agree(all));
    expect((await again.ended).code).toBe(0);

    // A sign-in for less takes the rest away, and says from whom.
    const less = place.start('login', '--service', 'drive');
    await visit(await agree(await consentUrl(less)));
    const { code, stderr } = await less.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/does not allow the Photos Library API.*, so library\S* can't be read/);
    expect(stderr).not.toContain('Takeout archives');
  });

  it('is noted also where the sign-in is damaged, and what to do about that is told', async () => {
    writeFileSync(tokenPath(), '{"default": {"refreshToken');
    for (const kind of ['drive', 'library']) {
      const { code, stdout, stderr } = await place.run('add', kind);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`${kind}: added`);
      expect(stdout).toContain(
        `Next: delete ${tokenPath()}, which is damaged; gphotosfs login, then gphotosfs sync`,
      );
    }
    expect((await place.run('sources')).stdout).toMatch(/drive.*library/s);
    expect(readFileSync(tokenPath(), 'utf8')).toBe('{"default": {"refreshToken');
  });

  it('is told when a box was not ticked', async () => {
    const login = place.start('login', '--json');
    const url = JSON.parse(await firstLine(login)) as { url: string };
    await visit(await agree(new URL(url.url), { scopes: `${libraryScope} openid email` }));
    const { code, stdout, stderr } = await login.ended;
    expect(code).toBe(3);
    expect(JSON.parse(stdout.split('\n')[1] ?? '')).toMatchObject({
      allowed: ['library'],
      refused: ['picker', 'drive'],
    });
    expect(stderr).toContain('Takeout archives in Google Drive');
  });

  it('must be something', async () => {
    const login = place.start('login');
    await visit(await agree(await consentUrl(login), { scopes: 'openid email' }));
    expect((await login.ended).code).toBe(4);
    expect(existsSync(tokenPath())).toBe(false);
  });
});

async function firstLine(login: Running): Promise<string> {
  await until(() => login.stdout().includes('\n'));
  return login.stdout().split('\n')[0] ?? '';
}

describe('another Google account', () => {
  it('does not take the place of the one before', async () => {
    const before = writeGoogleHome(place.home, fake);
    fake.oauth.account = { subject: '1000000002', email: 'partner@example.com' };
    const login = place.start('login');
    const url = await consentUrl(login);
    expect(url.searchParams.get('login_hint')).toBe('owner@example.com');
    await visit(await agree(url));
    const { code, stderr } = await login.ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/is the account owner@example\.com, and you signed in as partner@example\.com/);
    expect(stderr).toContain('gphotosfs logout');
    expect(tokens()).toEqual({ default: before });
  });

  it('has its own label', async () => {
    writeGoogleHome(place.home, fake);
    fake.oauth.account = { subject: '1000000002', email: 'partner@example.com' };
    const login = place.start('login', '--account', 'partner');
    await visit(await agree(await consentUrl(login)));
    expect((await login.ended).code).toBe(0);
    expect(Object.values(tokens()).map(({ email }) => email)).toEqual([
      'owner@example.com',
      'partner@example.com',
    ]);
  });
});

describe('client_secret.json', () => {
  const cases: readonly (readonly [string, string | undefined, RegExp])[] = [
    ['missing', undefined, /does not exist/],
    ['of a web client', '{"web":{"client_id":"a","client_secret":"SECRET"}}', /Web application/],
    ['of a service account', '{"type":"service_account","private_key":"SECRET"}', /service account/],
    [
      'of another shape',
      '{"installed":{"client_id":7,"client_secret":"SECRET"}}',
      /not the JSON of a Desktop client/,
    ],
    ['no JSON', '{"installed": SECRET', /not valid JSON/],
  ];
  it.each(cases)('%s: says what to do', async (_, text, message) => {
    const other = createPlace(fake.env);
    mkdirSync(other.home, { recursive: true });
    if (text !== undefined) writeFileSync(join(other.home, 'client_secret.json'), text);
    const { code, stderr } = await other.run('login');
    await other.clean();
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toContain('make a client of the type "Desktop app"');
    expect(stderr).not.toContain('SECRET');
    expect(fake.requests).toHaveLength(0);
  });
});

describe('logout', () => {
  it('gives the token back and deletes it, of one account', async () => {
    const { accessToken } = writeGoogleHome(place.home, fake);
    const { default: mine } = tokens();
    const { refreshToken } = fake.oauth.issue();
    writeFileSync(tokenPath(), JSON.stringify({ default: mine, partner: { ...mine, refreshToken } }));
    const { code, stdout } = await place.run('logout');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'owner@example.com is signed out; cached photos stay.\n',
    });
    expect(fake.oauth.isAlive(accessToken)).toBe(false);
    expect(Object.keys(tokens())).toEqual(['partner']);
    expect((await place.run('logout')).stdout).toContain('was not signed in');
    expect(fake.count('/oauth2/revoke')).toBe(1);
  });

  it('deletes it also when Google can not be told', async () => {
    writeGoogleHome(place.home, fake);
    const fault = fake.plan({ path: '/oauth2/revoke', status: 503 });
    const { code, stderr } = await place.run('logout');
    expect(code).toBe(3);
    expect(stderr).toContain('myaccount.google.com/connections');
    expect(tokens()).toEqual({});
    expect(fault.fired).toBe(1);
  });
});

describe('status', () => {
  const day = 86_400_000;
  const cases: readonly (readonly [string, Partial<Token>, string | undefined])[] = [
    ['a young one', { signedInAt: Date.now() - day }, undefined],
    [
      'one that may be of a client in testing',
      { signedInAt: Date.now() - 5 * day },
      'if your client is still in "Testing"',
    ],
    ['one that has lived on', { signedInAt: Date.now() - 8 * day }, undefined],
    [
      'one that Google gave 7 days',
      { signedInAt: Date.now() - 5 * day, refreshExpiresAt: Date.now() + 2 * day },
      'Publish app',
    ],
    [
      'one that ended',
      { signedInAt: Date.now() - 90 * day, refusedAt: Date.now() - day },
      'has ended. Run "gphotosfs login"',
    ],
  ];
  it.each(cases)('warns of a sign-in in time: %s', async (_, token, warning) => {
    writeGoogleHome(place.home, fake, { token, scopes: [driveScope] });
    const { code, stdout } = await place.run('status');
    expect(code).toBe(0);
    expect(stdout).toContain('default, owner@example.com\n');
    if (warning === undefined) expect(stdout).not.toContain('the sign-in');
    else expect(stdout).toContain(warning);
    expect(fake.requests).toHaveLength(0);
  });

  it('shows the rest when token.json is damaged', async () => {
    writeFileSync(tokenPath(), '{"default": {}}');
    const { code, stdout } = await place.run('status');
    expect(code).toBe(0);
    expect(stdout).toContain('photos ');
    expect(stdout).toContain('token.json is damaged');
  });
});
