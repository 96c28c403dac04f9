/** What `doctor` says of sign-ins, of Google, and of a clock that differs from Google's. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeGoogle, startFakeGoogle } from '../helpers/google/fake-google.ts';
import { writeGoogleHome } from '../helpers/google/google-home.ts';
import { createPlace, type Place } from './run-program.ts';

let fake: FakeGoogle;
let place: Place;
beforeEach(async () => {
  fake = await startFakeGoogle();
  place = createPlace(fake.env);
});
afterEach(async () => {
  await place.clean();
  await fake.close();
});

async function doctor(): Promise<Map<string, { verdict: string; says: string; remedy: string | null }>> {
  const { stdout } = await place.run('--json', 'doctor');
  const records = stdout
    .trim()
    .split('\n')
    .map(
      (line) => JSON.parse(line) as { check: string; verdict: string; says: string; remedy: string | null },
    );
  return new Map(records.map((one) => [one.check, one]));
}

function addLibrary(): void {
  mkdirSync(place.home, { recursive: true, mode: 0o700 });
  const sources = [{ id: 'library', kind: 'library', account: 'default' }];
  writeFileSync(join(place.home, 'config.json'), JSON.stringify({ sources }), { mode: 0o600 });
}

describe('doctor and accounts', () => {
  it('asks Google nothing where no source needs it', async () => {
    const checks = await doctor();
    expect(checks.get('sign-in')).toMatchObject({ verdict: 'ok', says: 'no source needs one' });
    expect(checks.get('google')?.verdict).toBe('ok');
    expect(fake.requests).toHaveLength(0);
  });

  it('tells a good sign-in from a missing, an ending and an ended one', async () => {
    addLibrary();
    expect((await doctor()).get('sign-in')).toMatchObject({
      verdict: 'failed',
      remedy: 'Run "gphotosfs login".',
    });
    writeGoogleHome(place.home, fake);
    const good = await doctor();
    expect(good.get('sign-in')).toMatchObject({ verdict: 'ok' });
    expect(good.get('google')).toMatchObject({ verdict: 'ok' });
    expect(fake.requests.length).toBeGreaterThan(0);
    expect(fake.requests.every(({ path }) => path.startsWith(new URL(fake.endpoints.token).pathname))).toBe(
      true,
    );
    writeGoogleHome(place.home, fake, { token: { signedInAt: Date.now() - 6 * 86_400_000 } });
    expect((await doctor()).get('sign-in')).toMatchObject({ verdict: 'warning' });
    writeGoogleHome(place.home, fake, { token: { refusedAt: Date.now() - 1000 } });
    expect((await doctor()).get('sign-in')).toMatchObject({ verdict: 'failed' });
  });

  it('sees a clock that is wrong, and a Google that is out of reach', async () => {
    addLibrary();
    writeGoogleHome(place.home, fake);
    const date = new Date(Date.now() + 3600_000).toUTCString();
    const plan = fake.plan({
      path: new URL(fake.endpoints.token).pathname,
      status: 404,
      headers: { date },
      body: '',
    });
    const skewed = await doctor();
    expect(plan.fired).toBe(1);
    expect(skewed.get('google')).toMatchObject({
      verdict: 'warning',
      says: expect.stringMatching(/clock is (?:1h|59m \d+s) behind Google's/) as unknown,
    });
    await fake.close();
    const gone = (await doctor()).get('google');
    expect(gone).toMatchObject({ verdict: 'failed' });
    expect(gone?.remedy).toMatch(/\w/);
    fake = await startFakeGoogle();
  });
});
