import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { GoogleClient } from '../../../src/sources/google/client.ts';
import type { Token } from '../../../src/sources/google/token-file.ts';
import { type FakeGoogle, startFakeGoogle } from '../../helpers/google/fake-google.ts';
import { type GoogleHomeRequest, openTestClient, writeGoogleHome } from '../../helpers/google/google-home.ts';
import { driveScope, libraryScope } from '../../helpers/google/oauth.ts';
import { startTokenProcess } from '../../helpers/google/token-process.ts';

let fake: FakeGoogle;
let home: string;
const clients: GoogleClient[] = [];

beforeEach(async () => {
  fake = await startFakeGoogle();
  home = mkdtempSync(join(tmpdir(), 'gphotosfs-google-'));
  for (const [path, scope] of [
    ['/library/v1/x', libraryScope],
    ['/drive/v3/x', driveScope],
  ] as const) {
    fake.use(path, async (exchange) => {
      if (await fake.oauth.allows(exchange, scope)) await exchange.json(200, {});
    });
  }
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await fake.close();
  rmSync(home, { recursive: true, force: true });
});

const tokenPath = () => join(home, 'token.json');
const stored = () => (JSON.parse(readFileSync(tokenPath(), 'utf8')) as { default: Token }).default;
const signIn = (token: Partial<Token> = {}, more: GoogleHomeRequest = {}) =>
  writeGoogleHome(home, fake, { token, ...more });
const due = { renewAt: Date.now() - 1000 };

function open(): GoogleClient {
  const client = openTestClient(home, fake);
  clients.push(client);
  return client;
}
const call = (client: GoogleClient, url = `${fake.endpoints.library}/v1/x`) =>
  client.call({ method: 'GET', url, schema: z.unknown(), what: 'it' });

describe('a token', () => {
  it('is refreshed ahead of its end, and what the answer leaves out is kept', async () => {
    const before = signIn(due);
    await call(open());
    const after = stored();
    expect(after).toMatchObject({ ...before, accessToken: expect.anything(), renewAt: expect.anything() });
    expect(after.accessToken).not.toBe(before.accessToken);
    expect(after.renewAt - Date.now()).toBeGreaterThan(3_200_000);
    expect(fake.requests.map(({ path }) => path)).toEqual(['/oauth2/token', '/library/v1/x']);
    expect(statSync(tokenPath()).mode & 0o777).toBe(0o600);
    expect(readdirSync(home).sort()).toEqual(['client_secret.json', 'token.json']);
  });

  it('is refreshed once for all calls that wait for it', async () => {
    signIn(due);
    const client = open();
    await Promise.all(Array.from({ length: 20 }, () => call(client)));
    expect(fake.count('/oauth2/token')).toBe(1);
  });

  it('of a clock that was wrong is replaced when Google refuses it', async () => {
    signIn({ renewAt: Date.now() + 99 * 86_400_000 });
    fake.oauth.expireAll();
    const client = open();
    await Promise.all(Array.from({ length: 10 }, () => call(client)));
    expect(fake.count('/oauth2/token')).toBe(1);
    expect(stored().renewAt - Date.now()).toBeLessThan(4_000_000);
  });

  it('of a short life is not refreshed for each call', async () => {
    fake.oauth.lifetime = 60;
    signIn(due);
    const client = open();
    for (let count = 0; count < 3; count++) await call(client);
    expect(fake.count('/oauth2/token')).toBe(1);
  });

  it('that another process has refreshed is used', async () => {
    signIn(due);
    await call(open());
    await call(open());
    expect(fake.count('/oauth2/token')).toBe(1);
  });

  it('that Google replaces with each refresh is never lost', async () => {
    fake.oauth.rotates = true;
    const { refreshToken } = signIn(due);
    for (let count = 0; count < 3; count++) {
      await call(open());
      writeFileSync(tokenPath(), JSON.stringify({ default: { ...stored(), ...due } }));
    }
    expect(stored().refreshToken).not.toBe(refreshToken);
    expect(fake.count('/oauth2/token')).toBe(3);
  });

  it('survives a token endpoint that is out of order for a moment', async () => {
    signIn(due);
    const faults = [fake.plan({ path: '/oauth2', status: 503 }), fake.plan({ path: '/oauth2', reset: true })];
    await call(open());
    expect(faults.map(({ fired }) => fired)).toEqual([1, 1]);
  });

  it.each([false, true])('is one for several processes at once (rotating: %s)', async (rotates) => {
    fake.oauth.rotates = rotates;
    fake.conditions.latencyMs = 100;
    signIn(due);
    let start = () => {};
    const go = new Promise<void>((resolve) => {
      start = resolve;
    });
    const task = {
      endpoints: fake.endpoints,
      secretPath: join(home, 'client_secret.json'),
      tokenPath: tokenPath(),
      url: `${fake.endpoints.library}/v1/x`,
    };
    const running = Array.from({ length: 3 }, () => startTokenProcess(task, go));
    setTimeout(start, 3000);
    const ended = await Promise.all(running);
    expect(ended.map(({ code, said }) => `${code} ${said}`)).toEqual(Array(3).fill('0 ready\n'));
    expect(fake.count('/oauth2/token')).toBe(1);
    expect(fake.oauth.isAlive(stored().accessToken)).toBe(true);
    await call(open());
    expect(readdirSync(home).sort()).toEqual(['client_secret.json', 'token.json']);
  });
});

describe.runIf(process.getuid?.() === 0)('a home that is mounted read-only', () => {
  it('has fresh tokens all the same', async () => {
    execFileSync('mount', ['-t', 'tmpfs', 'none', home]);
    try {
      const before = signIn(due);
      execFileSync('mount', ['-o', 'remount,ro', home]);
      const client = open();
      await call(client);
      await call(client);
      expect(stored()).toEqual(before);
      expect(fake.count('/oauth2/token')).toBe(1);
    } finally {
      execFileSync('umount', [home]);
    }
  });
});

describe('a sign-in', () => {
  it('that has ended is told at once, remembered, and not asked about again and again', async () => {
    signIn({ ...due, signedInAt: Date.now() - 90 * 86_400_000 });
    fake.oauth.revokeAll();
    const client = open();
    const began = performance.now();
    for (let count = 0; count < 5; count++) {
      await expect(call(client)).rejects.toMatchObject({ kind: 'sign-in', hint: 'Run "gphotosfs login".' });
    }
    expect(performance.now() - began).toBeLessThan(2000);
    expect(fake.count('/oauth2/token')).toBe(1);
    expect(stored().refusedAt).toBeGreaterThan(Date.now() - 10_000);
  });

  it('of a client in testing says how to make it last', async () => {
    signIn({ ...due, signedInAt: Date.now() - 7 * 86_400_000 - 60_000 });
    fake.oauth.revokeAll();
    await expect(call(open())).rejects.toMatchObject({ hint: expect.stringContaining('Publish app') });
  });

  it('made anew elsewhere is found without a restart', async () => {
    signIn(due);
    fake.oauth.revokeAll();
    const client = open();
    await expect(call(client)).rejects.toMatchObject({ kind: 'sign-in' });
    signIn();
    await call(client);
  });

  it('with a box ticked later is found without a restart', async () => {
    signIn({}, { scopes: [libraryScope] });
    const client = open();
    await call(client);
    const drive = `${fake.endpoints.drive}/x`;
    await expect(call(client, drive)).rejects.toMatchObject({
      kind: 'sign-in',
      hint: expect.stringContaining('boxes'),
    });
    expect(fake.count('/oauth2/token')).toBe(0);
    signIn();
    await call(client, drive);
  });

  it('that was never made, was made with another client, or lies in a damaged file says so', async () => {
    signIn();
    rmSync(tokenPath());
    await expect(call(open())).rejects.toMatchObject({
      kind: 'sign-in',
      message: expect.stringContaining('not signed in'),
    });
    signIn({ ...due, clientId: 'another' });
    await expect(call(open())).rejects.toMatchObject({
      kind: 'sign-in',
      message: expect.stringContaining('another client'),
    });
    writeFileSync(tokenPath(), '{"default": {"accessToken": 7}}');
    await expect(call(open())).rejects.toMatchObject({
      kind: 'sign-in',
      message: expect.stringContaining('damaged'),
    });
    expect(fake.requests).toEqual([]);
  });
});
