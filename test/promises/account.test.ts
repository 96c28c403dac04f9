/** A mount of an account's photos, while Google refuses, stalls, or is away. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlace, type Place, type Running } from '../cli/run-program.ts';
import { type FakeGoogle, startFakeGoogle } from '../helpers/google/fake-google.ts';
import { writeGoogleHome } from '../helpers/google/google-home.ts';
import { jpeg } from '../helpers/google/media.ts';
import { addPhotos } from '../helpers/google/photos.ts';
import { fakePhoto } from '../helpers/google/photos-home.ts';
import { canMount, runProgram } from '../helpers/mount-client.ts';
import { endMount, mount } from './mounting.ts';

let fake: FakeGoogle;
let place: Place;
const items = Array.from({ length: 12 }, (_, at) => fakePhoto(at, { bytes: jpeg(at, 200_000 + at) }));

beforeEach(async () => {
  fake = await startFakeGoogle();
  addPhotos(fake).items.push(...items);
  place = createPlace(fake.env);
  writeGoogleHome(place.home, fake);
  expect((await place.run('add', 'library')).code).toBe(0);
  expect((await place.run('sync')).code).toBe(0);
});
afterEach(async () => {
  await place.clean();
  await fake.close();
});

const folder = () => join(place.mountPoint, 'years/2021');

interface Read {
  readonly seconds: number;
  readonly stderr: string;
  readonly isRight: boolean;
}

/** Reads a photo as a program does. */
async function read(at: number): Promise<Read> {
  const began = performance.now();
  const { stderr } = await runProgram('cmp', join(folder(), `p${at}.jpg`), original(at));
  return { seconds: (performance.now() - began) / 1000, stderr, isRight: stderr === '' };
}

function original(at: number): string {
  const path = join(place.folder, `original-${at}`);
  writeFileSync(path, jpeg(at, 200_000 + at));
  return path;
}

async function expectRefused(at: number, seconds: number): Promise<void> {
  const got = await read(at);
  expect(got.stderr).toContain('Input/output error');
  expect(got.seconds).toBeLessThan(seconds);
}

describe.runIf(canMount())('a mount of an account', () => {
  let mounted: Running;

  it('whose sign-in was taken back says how to sign in, reads what is cached, and goes on after a sign-in', async () => {
    mounted = await mount(place);
    expect(await read(0)).toMatchObject({ isRight: true });
    fake.oauth.revokeAll();
    await expectRefused(1, 2);
    expect(readdirSync(folder())).toHaveLength(items.length);
    expect(await read(0)).toMatchObject({ isRight: true });
    expect(mounted.stderr()).toContain('gphotosfs login');
    expect((await place.run('prefetch')).code).toBe(4);
    writeGoogleHome(place.home, fake);
    // A place that failed is passed over for 10 s.
    expect(await read(2)).toMatchObject({ isRight: true });
    await endMount(mounted);
  });

  it('outlives a stalled transfer, and is browsed meanwhile', async () => {
    mounted = await mount(place);
    const fault = fake.plan({ path: '/media', method: 'GET', stallAfter: 65_536 });
    const reading = read(3);
    let slowest = 0;
    let isDone = false;
    reading.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      const began = performance.now();
      expect((await runProgram('ls', '-l', folder())).status).toBe(0);
      slowest = Math.max(slowest, performance.now() - began);
      await sleep(500);
    }
    const { isRight, seconds } = await reading;
    expect([isRight, fault.fired]).toEqual([true, 1]);
    // 15 s of silence, then the rest.
    expect(seconds).toBeGreaterThan(10);
    expect(seconds).toBeLessThan(30);
    expect(slowest).toBeLessThan(5000);
    await endMount(mounted);
  });

  it('outlives 429, 500 and connections that break', async () => {
    mounted = await mount(place);
    const faults = [
      fake.plan({ path: '/media', status: 429, headers: { 'retry-after': '1' } }),
      fake.plan({ path: '/media', status: 500 }),
      fake.plan({ path: '/media', reset: true }),
      fake.plan({ path: '/media', cutAfter: 100_000 }),
    ];
    expect(await read(4)).toMatchObject({ isRight: true });
    expect(faults.map(({ fired }) => fired)).toEqual([1, 1, 1, 1]);
    await endMount(mounted);
  });

  it('without a network reads what is cached, and tells of the rest soon', async () => {
    mounted = await mount(place);
    expect(await read(5)).toMatchObject({ isRight: true });
    await fake.close();
    await expectRefused(6, 5);
    expect(await read(5)).toMatchObject({ isRight: true });
    expect(mounted.stderr()).toContain("can't be reached");
    await endMount(mounted);
    expect((await place.run('prefetch')).code).toBe(5);
    fake = await startFakeGoogle();
  });
});
