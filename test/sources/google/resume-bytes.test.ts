import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GphotosfsError } from '../../../src/model/errors.ts';
import type { GoogleClient } from '../../../src/sources/google/client.ts';
import { type ResumeRequest, resumeBytes } from '../../../src/sources/google/resume-bytes.ts';
import { type Content, type FakeGoogle, startFakeGoogle } from '../../helpers/google/fake-google.ts';
import { openTestClient } from '../../helpers/google/google-home.ts';

let fake: FakeGoogle;
let client: GoogleClient;
let content: Content;
let etag: string | undefined;
const photo = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));

beforeEach(async () => {
  fake = await startFakeGoogle();
  client = openTestClient('/nowhere', fake);
  content = photo;
  etag = '"v1"';
  fake.use('/bytes', (exchange) => exchange.bytes(content, 'image/jpeg', etag === undefined ? {} : { etag }));
});

afterEach(async () => {
  await client.close();
  await fake.close();
});

async function read(more: Partial<ResumeRequest> = {}, path = '/bytes/1'): Promise<Buffer> {
  const { end } = more;
  const open = (start: number) =>
    client.open({ url: `${fake.url}${path}`, authorized: false, what: 'a photo', start, end });
  const chunks: Buffer[] = [];
  for await (const chunk of resumeBytes({ open, what: 'a photo', firstWaitMs: 5, ...more }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof GphotosfsError ? error.kind : String(error)),
  );

describe('resumed bytes', () => {
  it('go on where they broke or stalled', async () => {
    const faults = [{ cutAfter: 100_000 }, { stallAfter: 50_000 }, { cutAfter: 0 }, { reset: true }].map(
      (fault) => fake.plan({ path: '/bytes', ...fault }),
    );
    expect(photo.equals(await read())).toBe(true);
    expect(faults.map(({ fired }) => fired)).toEqual([1, 1, 1, 1]);
    expect(fake.requests.map(({ range }) => range).slice(0, 3)).toEqual([
      undefined,
      'bytes=100000-',
      'bytes=150000-',
    ]);
  });

  it('keep to the range that was asked for', async () => {
    const fault = fake.plan({ path: '/bytes', cutAfter: 20_000 });
    expect(photo.subarray(1000, 90_000).equals(await read({ start: 1000, end: 90_000 }))).toBe(true);
    expect(fault.fired).toBe(1);
    expect(fake.requests.map(({ range }) => range)).toEqual(['bytes=1000-89999', 'bytes=21000-89999']);
  });

  it('skip what they have where a server sends all again', async () => {
    const fault = fake.plan({ path: '/bytes', cutAfter: 100_000 });
    const again = fake.plan({ path: '/bytes', ignoreRange: true });
    const got = await read();
    expect([fault.fired, again.fired]).toEqual([1, 1]);
    expect(photo.equals(got)).toBe(true);
  });

  it('never join two versions', async () => {
    fake.plan({ path: '/bytes', cutAfter: 100_000 });
    const reading = read({
      check: () => {
        etag = '"v2"';
      },
    });
    expect(await kindOf(reading)).toBe('source-changed');
    expect(fake.requests).toHaveLength(2);
  });

  it('give up after some breaks without progress', async () => {
    const fault = fake.plan({ path: '/bytes', cutAfter: 10, times: 99 });
    expect(await kindOf(read())).toBe('source-unreachable');
    expect(fault.fired).toBe(6);
  });

  it('go on for as long as there is progress', async () => {
    const fault = fake.plan({ path: '/bytes', cutAfter: 70_000, times: 99 });
    expect(photo.equals(await read())).toBe(true);
    expect(fault.fired).toBe(5);
    expect(fake.requests).toHaveLength(5);
  });

  it('without length and mark are not resumed', async () => {
    etag = undefined;
    const fault = fake.plan({ path: '/bytes', chunked: true, cutAfter: 100_000 });
    expect(await kindOf(read())).toBe('source-unreachable');
    expect(fault.fired).toBe(1);
    expect(fake.requests).toHaveLength(1);
  });
});
