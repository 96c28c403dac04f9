/** Where the account's token goes, and where it doesn't: other hosts, redirects, logs, messages. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { GoogleClient } from '../../../src/sources/google/client.ts';
import { type Endpoints, mayHaveToken } from '../../../src/sources/google/endpoints.ts';
import type { Token } from '../../../src/sources/google/token-file.ts';
import { type FakeGoogle, type Fault, startFakeGoogle } from '../../helpers/google/fake-google.ts';
import { openTestClient, writeGoogleHome } from '../../helpers/google/google-home.ts';

let fake: FakeGoogle;
/** Somebody else's machine. */
let foreign: FakeGoogle;
let home: string;
let client: GoogleClient;
let token: Token;
const logs: string[] = [];

beforeEach(async () => {
  [fake, foreign] = await Promise.all([startFakeGoogle(), startFakeGoogle()]);
  home = mkdtempSync(join(tmpdir(), 'gphotosfs-google-'));
  token = writeGoogleHome(home, fake);
  logs.length = 0;
  client = openTestClient(home, fake, { logs });
  for (const one of [fake, foreign]) {
    one.use('/bytes', (exchange) => exchange.bytes(Buffer.from('a photo'), 'image/jpeg'));
    one.use('/library/v1/albums', (exchange) => exchange.json(200, {}));
  }
  fake.use('/away', (exchange) => exchange.redirect(`${foreign.url}/bytes/1`));
  fake.use('/near', (exchange) => exchange.redirect(`${fake.url}/bytes/1`));
  fake.use('/circle', (exchange) => exchange.redirect(`${fake.url}/circle`));
});

afterEach(async () => {
  await client.close();
  await Promise.all([fake.close(), foreign.close()]);
  rmSync(home, { recursive: true, force: true });
});

const anything = z.unknown();
const albums = (base = fake.endpoints.library) =>
  client.call({ method: 'GET', url: `${base}/v1/albums`, schema: anything, what: 'albums' });

async function read(url: string): Promise<string> {
  const { bytes } = await client.open({ url, authorized: true, what: 'a photo' });
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('the token', () => {
  it('goes to the APIs and the content hosts', async () => {
    await albums();
    expect(await read(`${fake.url}/bytes/1`)).toBe('a photo');
    expect(fake.requests.map(({ authorized }) => authorized)).toEqual([true, true]);
  });

  it('goes to no other host', async () => {
    await expect(albums(foreign.endpoints.library)).rejects.toMatchObject({ kind: 'bad-source' });
    await expect(read(`${foreign.url}/bytes/1`)).rejects.toMatchObject({ kind: 'bad-source' });
    await expect(
      (await client.auth()).request({ url: `${foreign.url}/bytes/1`, retry: false }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('must not see'),
    });
    expect(foreign.requests).toEqual([]);
  });

  it('crosses no redirect, neither to another host nor back to the same', async () => {
    expect(await read(`${fake.url}/away/1`)).toBe('a photo');
    expect(await read(`${fake.url}/near/1`)).toBe('a photo');
    const seen = (google: FakeGoogle) =>
      google.requests.map(({ path, authorized }) => `${path} ${authorized}`);
    expect(seen(foreign)).toEqual(['/bytes/1 false']);
    expect(seen(fake)).toEqual(['/away/1 true', '/near/1 true', '/bytes/1 false']);
  });

  it("follows no redirect of an API, nor of one that Google's own libraries call", async () => {
    const answers = [302, 307].map((status) =>
      fake.plan({
        path: '/library',
        status,
        headers: { location: `${foreign.url}/library/v1/albums` },
        times: 50,
      }),
    );
    await expect(albums()).rejects.toMatchObject({ kind: 'source-unreachable' });
    const url = `${fake.endpoints.library}/v1/albums`;
    await expect((await client.auth()).request({ url, retry: false })).rejects.toMatchObject({ status: 302 });
    expect(answers[0]?.fired).toBeGreaterThan(1);
    expect(foreign.requests).toEqual([]);
  });

  it('is not sent round and round', async () => {
    await expect(read(`${fake.url}/circle/1`)).rejects.toMatchObject({
      message: expect.stringContaining('in circles'),
    });
  });

  it("is renewed also for Google's own libraries", async () => {
    fake.oauth.expireAll();
    fake.use('/drive/v3/files', async (exchange) => {
      if (await fake.oauth.allows(exchange, 'https://www.googleapis.com/auth/drive.readonly'))
        await exchange.json(200, {});
    });
    expect(
      (await (await client.auth()).request({ url: `${fake.endpoints.drive}/files`, retry: false })).status,
    ).toBe(200);
    expect(fake.count('/oauth2/token')).toBe(1);
    expect(fake.count('/drive')).toBe(2);
  });
});

describe('messages', () => {
  const failures: readonly Omit<Fault, 'path'>[] = [
    { status: 401, body: { error: { code: 401, status: 'UNAUTHENTICATED' } } },
    { status: 403, body: { error: { code: 403, message: 'see https://secret.example/link' } } },
    { status: 429, headers: { 'retry-after': '99' } },
    { status: 500, body: 'oops' },
    { status: 200, body: '<html></html>' },
    { status: 404 },
    { reset: true },
    { cutAfter: 2 },
  ];

  it('name neither tokens nor links to photos', async () => {
    const said: string[] = [];
    for (const fault of failures) {
      const planned = fake.plan({ path: /library|bytes/, ...fault, times: 999 });
      const secretLink = `${fake.url}/bytes/secret-link`;
      for (const failing of [
        () => albums(),
        () => read(secretLink),
        () => client.head({ url: secretLink, authorized: true, what: 'a photo' }),
      ]) {
        await failing().catch((error: unknown) => said.push(inspect(error, { depth: 9 })));
      }
      expect(planned.fired, inspect(fault)).toBeGreaterThan(0);
      (planned as { times: number }).times = 0;
      await client.close();
      client = openTestClient(home, fake, {
        logs,
        patience: { totalMs: 200, offlineMs: 100, firstWaitMs: 20 },
      });
    }
    fake.oauth.revokeAll();
    fake.oauth.expireAll();
    await client
      .call({ method: 'GET', url: `${fake.endpoints.picker}/v1/x`, schema: anything, what: 'x' })
      .catch((error: unknown) => said.push(inspect(error, { depth: 9 })));
    expect(said.length).toBeGreaterThan(failures.length);
    const all = [...said, ...logs].join('\n');
    for (const secret of [
      token.accessToken,
      token.refreshToken,
      'fake-secret',
      'ya29.',
      '1//',
      'secret-link',
      'secret.example',
    ]) {
      expect(all).not.toContain(secret);
    }
  });
});

describe('content hosts', () => {
  const google: Endpoints = { ...emptyEndpoints(), contentHosts: ['*.googleusercontent.com'] };
  const cases = [
    ['https://lh3.googleusercontent.com/x', true],
    ['https://photoslibrary.googleapis.com/v1/x', true],
    ['https://LH3.GoogleUserContent.com/x', true],
    // Customers' machines.
    ['https://34.1.2.3.bc.googleusercontent.com/x', false],
    ['https://googleusercontent.com/x', false],
    ['https://lh3.googleusercontent.com.evil.example/x', false],
    ['https://evilgoogleusercontent.com/x', false],
    ['https://evil.example/lh3.googleusercontent.com', false],
    ['https://lh3.googleusercontent.com@evil.example/x', false],
    ['https://lh3.googleusercontent.com:8443/x', false],
    ['http://lh3.googleusercontent.com/x', false],
    ['http://photoslibrary.googleapis.com/v1/x', false],
  ] as const;
  it.each(cases)('%s: %s', (url, may) => expect(mayHaveToken(google, new URL(url))).toBe(may));
});

function emptyEndpoints(): Endpoints {
  return {
    consent: '',
    token: '',
    revoke: '',
    library: 'https://photoslibrary.googleapis.com',
    picker: 'https://photospicker.googleapis.com',
    drive: 'https://www.googleapis.com/drive/v3',
    contentHosts: [],
  };
}
