import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GphotosfsError } from '../../../src/model/errors.ts';
import type { OpenedBytes } from '../../../src/sources/google/bytes.ts';
import type { GoogleClient } from '../../../src/sources/google/client.ts';
import { refusalOf } from '../../../src/sources/google/google-error.ts';
import { type FakeGoogle, startFakeGoogle } from '../../helpers/google/fake-google.ts';
import { openTestClient, writeGoogleHome } from '../../helpers/google/google-home.ts';
import { libraryScope } from '../../helpers/google/oauth.ts';

let fake: FakeGoogle;
let home: string;
let logs: string[];
let client: GoogleClient;
const photo = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));

beforeEach(async () => {
  fake = await startFakeGoogle();
  home = mkdtempSync(join(tmpdir(), 'gphotosfs-google-'));
  writeGoogleHome(home, fake);
  logs = [];
  client = openTestClient(home, fake, { logs });
  fake.use('/library/v1/echo', async (exchange) => {
    if (!(await fake.oauth.allows(exchange, libraryScope))) return;
    const { method, query } = exchange.request;
    await exchange.json(200, { method, query: [...query], body: await exchange.body() });
  });
  fake.use('/bytes', (exchange) => exchange.bytes(photo, 'image/jpeg', { etag: '"v1"' }));
});

afterEach(async () => {
  await client.close();
  await fake.close();
  rmSync(home, { recursive: true, force: true });
});

const echo = z.object({
  method: z.string(),
  query: z.array(z.tuple([z.string(), z.string()])),
  body: z.string(),
});
const call = (more: object = {}) =>
  client.call({
    method: 'GET',
    url: `${fake.endpoints.library}/v1/echo`,
    schema: echo,
    what: 'the echo',
    ...more,
  });

async function failure(promise: Promise<unknown>): Promise<GphotosfsError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof GphotosfsError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

async function read({ bytes }: OpenedBytes): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a call', () => {
  it('sends method, query and body with the token, and gives the checked answer', async () => {
    const answer = await call({
      method: 'POST',
      query: { id: ['a', 'b'], size: 5, none: undefined },
      body: { x: 1 },
    });
    expect(answer).toEqual({
      method: 'POST',
      query: [
        ['id', 'a'],
        ['id', 'b'],
        ['size', '5'],
      ],
      body: '{"x":1}',
    });
    expect(fake.requests.map(({ authorized }) => authorized)).toEqual([true]);
  });

  it('waits as long as Google says and tries again', async () => {
    const fault = fake.plan({ path: '/library', status: 429, headers: { 'retry-after': '1' }, times: 2 });
    const began = performance.now();
    await call();
    expect(fault.fired).toBe(2);
    expect(performance.now() - began).toBeGreaterThan(1950);
    expect(logs).toHaveLength(2);
  });

  it.each(['0', new Date(Date.UTC(2020, 0)).toUTCString()])(
    'is not repeated at once where Google says so, for each try is one of the day (Retry-After: %s)',
    async (advice) => {
      const fault = fake.plan({
        path: '/library',
        status: 503,
        headers: { 'retry-after': advice },
        times: 10_000,
      });
      expect((await failure(call())).kind).toBe('source-unreachable');
      // Waits of 20 ms, doubled each time, in 5 s.
      expect(fault.fired).toBeGreaterThan(3);
      expect(fault.fired).toBeLessThan(10);
    },
  );

  it('outlives server errors, resets and a stalled answer', async () => {
    const faults = [
      fake.plan({ path: '/library', status: 500 }),
      fake.plan({ path: '/library', status: 503, body: 'busy' }),
      fake.plan({ path: '/library', reset: true }),
      fake.plan({ path: '/library', stallAfter: 3 }),
      fake.plan({ path: '/library', cutAfter: 3 }),
    ];
    expect((await call()).method).toBe('GET');
    expect(faults.map(({ fired }) => fired)).toEqual([1, 1, 1, 1, 1]);
  });

  it('refreshes a token that Google refuses, once', async () => {
    fake.oauth.expireAll();
    await call();
    expect(fake.count('/oauth2/token')).toBe(1);
    expect(fake.count('/library')).toBe(2);
  });

  it('says what to do when the sign-in was taken back', async () => {
    fake.oauth.revokeAll();
    const error = await failure(call());
    expect(error.kind).toBe('sign-in');
    expect(error.hint).toContain('gphotosfs login');
    expect(refusalOf(error)?.reasons).toContain('invalid_grant');
    await failure(call());
    expect(fake.count('/oauth2/token')).toBe(1);
  });

  it('tells an odd answer from a login page', async () => {
    const odd = fake.plan({ path: '/library', status: 200, body: { method: 7 } });
    expect((await failure(call())).kind).toBe('bad-source');
    const page = fake.plan({
      path: '/library',
      status: 200,
      body: '<html>Welcome to the hotel</html>',
      times: 99,
    });
    expect((await failure(call())).kind).toBe('source-unreachable');
    expect([odd.fired, page.fired > 0]).toEqual([1, true]);
  });

  it('ends at once when it is stopped while it waits', async () => {
    fake.plan({ path: '/library', status: 429, headers: { 'retry-after': '4' } });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const began = performance.now();
    expect((await failure(call({ signal: stop.signal }))).kind).toBe('interrupted');
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

describe('a client that was closed', () => {
  it('ends what goes on as "interrupted", for there is nobody to wait for', async () => {
    await client.close();
    expect((await failure(call())).kind).toBe('interrupted');
    expect(logs).toEqual([]);
  });
});

describe('bytes', () => {
  const open = (more: object = {}) =>
    client.open({ url: `${fake.url}/bytes/1`, authorized: false, what: 'a photo', ...more });

  it('come whole or as a range, and HEAD tells their length', async () => {
    expect(await client.head({ url: `${fake.url}/bytes/1`, authorized: false, what: 'a photo' })).toEqual({
      size: photo.length,
      type: 'image/jpeg',
    });
    const whole = await open();
    expect([whole.size, whole.start, whole.etag]).toEqual([photo.length, 0, '"v1"']);
    expect(photo.equals(await read(whole))).toBe(true);
    const part = await open({ start: 1000, end: 2000 });
    expect([part.size, part.start]).toEqual([photo.length, 1000]);
    expect(photo.subarray(1000, 2000).equals(await read(part))).toBe(true);
    expect(fake.requests.every(({ authorized }) => !authorized)).toBe(true);
  });

  it('that break off or stall throw', async () => {
    for (const fault of [{ cutAfter: 70_000 }, { stallAfter: 70_000 }]) {
      const planned = fake.plan({ path: '/bytes', ...fault });
      expect((await failure(open().then(read))).kind).toBe('source-unreachable');
      expect(planned.fired).toBe(1);
    }
  });

  it('of another range than was asked for are refused', async () => {
    const headers = { 'content-range': 'bytes 5-9/200000' };
    const fault = fake.plan({ path: '/bytes', status: 206, headers, body: '56789', times: 99 });
    expect((await failure(open({ start: 1000, end: 1005 }))).message).toContain('another range');
    expect(fault.fired).toBeGreaterThan(0);
  });
});
