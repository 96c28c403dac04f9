/** How Google's limits are kept: a day's quota that is counted here, and a host that asks for a rest. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { GoogleClient } from '../../../src/sources/google/client.ts';
import type { DailyCounts } from '../../../src/sources/google/daily-budget.ts';
import { type FakeGoogle, startFakeGoogle } from '../../helpers/google/fake-google.ts';
import { memoryCounts, openTestClient, writeGoogleHome } from '../../helpers/google/google-home.ts';

let fake: FakeGoogle;
let home: string;
let counts: DailyCounts;
let client: GoogleClient;
const logs: string[] = [];

beforeEach(async () => {
  fake = await startFakeGoogle();
  home = mkdtempSync(join(tmpdir(), 'gphotosfs-google-'));
  writeGoogleHome(home, fake);
  counts = memoryCounts();
  logs.length = 0;
  client = openTestClient(home, fake, { counts, logs });
  for (const api of ['/library', '/picker', '/drive']) fake.use(api, (exchange) => exchange.json(200, {}));
  fake.use('/bytes', (exchange) => exchange.bytes(Buffer.from('photo'), 'image/jpeg'));
});
afterEach(async () => {
  await client.close();
  await fake.close();
  rmSync(home, { recursive: true, force: true });
});

const call = (base = fake.endpoints.library, signal?: AbortSignal) =>
  client.call({ method: 'GET', url: `${base}/v1/x`, schema: z.unknown(), what: 'it', signal });
const head = (daily: 'bytes' | undefined) =>
  client.head({ url: `${fake.url}/bytes/1`, authorized: false, daily, what: 'a photo' });

describe("the day's quota", () => {
  it('counts each request of the Library API and of its bytes, tries included', async () => {
    const fault = fake.plan({ path: '/library', status: 500, times: 2 });
    await call();
    await head('bytes');
    expect(fault.fired).toBe(2);
    expect([client.budget.left('requests'), client.budget.left('bytes')]).toEqual([10_000 - 3, 75_000 - 1]);
    await call(fake.endpoints.picker);
    await call(fake.endpoints.drive);
    await head(undefined);
    expect([client.budget.left('requests'), client.budget.left('bytes')]).toEqual([10_000 - 3, 75_000 - 1]);
  });

  it('stops by itself when it is used up, and says when to go on', async () => {
    let left = 2;
    counts = { ...memoryCounts(), take: () => (left-- > 0 ? 1 : 0) };
    await client.close();
    client = openTestClient(home, fake, { counts });
    await call();
    await call();
    const error = await call().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'quota', hint: expect.stringMatching(/^Go on after \d+ \w+ \d{4}/) });
    const { retryAfterMs } = error as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(25 * 3_600_000);
    expect(fake.count('/library')).toBe(2);
  });

  it("is not waited for when Google says that it's used up", async () => {
    const message = "Quota exceeded for quota metric 'All requests' and limit 'All requests per day'.";
    const fault = fake.plan({
      path: '/library',
      status: 429,
      body: { error: { code: 429, message, status: 'RESOURCE_EXHAUSTED' } },
    });
    const began = performance.now();
    await expect(call()).rejects.toMatchObject({ kind: 'quota' });
    expect(performance.now() - began).toBeLessThan(1500);
    expect(fault.fired).toBe(1);
  });
});

describe('a host that asks for a rest', () => {
  it('is left alone by all requests', async () => {
    const fault = fake.plan({ path: '/library', status: 429, headers: { 'retry-after': '1' } });
    const first = call();
    while (fault.fired === 0 || logs.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all([first, ...Array.from({ length: 20 }, () => call())]);
    const [asked = 0, ...others] = fake.requests.map(({ at }) => at);
    expect(others).toHaveLength(21);
    expect(Math.min(...others) - asked).toBeGreaterThan(950);
  });

  it('is left alone by requests that other threads send, too', async () => {
    const fault = fake.plan({ path: '/bytes', status: 429, headers: { 'retry-after': '1' } });
    const first = head(undefined);
    while (fault.fired === 0 || logs.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const asked = fake.requests[0]?.at ?? 0;
    const url = `${fake.url}/bytes/2`;
    const fields = await client.permit({ url, authorized: true, daily: 'bytes', what: 'a photo' });
    expect(performance.now() - asked).toBeGreaterThan(950);
    expect(fields.authorization).toMatch(/^Bearer /);
    await first;
    // Not counted before it is permitted.
    const rests = fake.plan({ path: '/bytes', status: 429, headers: { 'retry-after': '3' } });
    const second = head(undefined).catch(() => {});
    while (rests.fired === 0 || logs.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const stop = new AbortController();
    const waiting = client.permit({
      url,
      authorized: false,
      daily: 'bytes',
      what: 'it',
      signal: stop.signal,
    });
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ kind: 'interrupted' });
    expect(client.budget.left('bytes')).toBe(75_000 - 1);
    await second;
  });

  it('for longer than patience lasts is not waited for', async () => {
    const fault = fake.plan({ path: '/library', status: 503, headers: { 'retry-after': '600' }, times: 9 });
    await expect(call()).rejects.toMatchObject({ kind: 'source-unreachable', retryAfterMs: 600_000 });
    expect(fault.fired).toBe(1);
  });

  it('can be stopped being waited for at once', async () => {
    fake.plan({ path: '/library', status: 429, headers: { 'retry-after': '3' } });
    const first = call().catch(() => {});
    while (logs.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const stop = new AbortController();
    const waiting = call(undefined, stop.signal);
    const began = performance.now();
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ kind: 'interrupted' });
    expect(performance.now() - began).toBeLessThan(1000);
    await first;
  });
});

describe('no network', () => {
  it('is told soon', async () => {
    const { endpoints } = fake;
    await client.close();
    const began = performance.now();
    for (const library of ['http://127.0.0.1:1', 'http://no-such-host.invalid']) {
      client = openTestClient(home, fake, { endpoints: { ...endpoints, library } });
      await expect(call(library)).rejects.toMatchObject({
        kind: 'source-unreachable',
        message: expect.stringContaining(new URL(library).host),
      });
    }
    expect(performance.now() - began).toBeLessThan(8000);
  });
});
