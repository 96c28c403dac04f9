/** A later export has other bytes of a photo: the former ones are shown until the new ones are there, and kept after. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorCode } from '../../src/model/errors.ts';
import { createPlace, type Place } from '../cli/run-program.ts';
import { canMount, eventually, runProgram } from '../helpers/mount-client.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { endMount, mount } from './mounting.ts';

let place: Place;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place.clean());

const former = photo('former', 40_000);
const newer = photo('newer', 50_000);

const addExport = async (exportTime: string, bytes: Buffer): Promise<void> => {
  const entry = { folder: 'Photos from 2021', name: 'IMG_1.jpg', bytes };
  const other = { folder: 'Photos from 2021', name: 'IMG_2.jpg', bytes: photo('other', 9000) };
  const paths = await buildTakeout(join(place.folder, exportTime), { exportTime, entries: [entry, other] });
  await place.run('add', 'takeout', ...paths);
  expect((await place.run('sync')).code).toBe(0);
};

describe.runIf(canMount())('a revision', () => {
  it('takes the place of what was shown once it is in the cache; status says where the former bytes are', async () => {
    await addExport('20260101T120000Z', former);
    expect((await place.run('prefetch')).code).toBe(0);
    const mounted = await mount(place);
    const path = join(place.mountPoint, 'years/2021/IMG_1.jpg');
    const shown = async () => (await runProgram('cat', path)).stdout;
    expect((await shown()).equals(former)).toBe(true);

    await addExport('20260301T120000Z', newer);
    expect((await shown()).equals(former), 'until the new bytes are there').toBe(true);
    const status = async () => JSON.parse((await place.run('status', '--json')).stdout);
    expect(await status()).toMatchObject({
      revisions: 1,
      superseded: { files: 0, bytes: 0 },
      complete: false,
    });

    expect((await place.run('prefetch')).code).toBe(0);
    for (const since = performance.now(); performance.now() - since < 10_000; )
      if ((await shown()).equals(newer)) break;
    expect((await shown()).equals(newer)).toBe(true);
    const folder = join(place.cache, '.gphotosfs/superseded');
    const after = await status();
    expect(after).toMatchObject({ revisions: 0, complete: true });
    expect(after.superseded).toEqual({ files: 1, bytes: former.length, folder });
    const [kept = ''] = readdirSync(folder);
    expect(readFileSync(join(folder, kept)).equals(former)).toBe(true);
    expect((await place.run('status')).stdout).toMatch(/former +1 file, 40\.0 kB .*superseded/);
    await endMount(mounted);
  });

  it.each(['kernel', 'fuse-native'])(
    'of the same length is never mixed with the former bytes in one reader (--driver %s)',
    async (driver) => {
      const [before, after] = [photo('before', 9_000_000), photo('after', 9_000_000)];
      await addExport('20260101T120000Z', before);
      const mounted = await mount(place, '--driver', driver);
      const path = join(place.mountPoint, 'years/2021/IMG_1.jpg');
      const shown = async () => (await runProgram('cat', path)).stdout;
      const file = await open(path);
      try {
        const bytes = Buffer.alloc(before.length);
        const { bytesRead: begun } = await file.read(bytes, 0, 65_536, 0);
        expect(bytes.subarray(0, begun).equals(before.subarray(0, begun))).toBe(true);
        await addExport('20260301T120000Z', after);
        expect((await place.run('prefetch')).code).toBe(0);
        // The kernel driver gives them to whoever opens it now; the other cannot keep the two apart, and gives them later.
        await eventually(shown, (now) => now.equals(after) || now.length === 0);
        let [end, outcome] = [begun, 'all bytes'];
        try {
          while (end < bytes.length) end += (await file.read(bytes, end, bytes.length - end, end)).bytesRead;
        } catch (error) {
          outcome = errorCode(error) ?? String(error);
        }
        expect(outcome).toBe('EIO');
        expect(bytes.subarray(0, end).equals(before.subarray(0, end))).toBe(true);
      } finally {
        await file.close();
      }
      const opened = await eventually(shown, (now) => now.length > 0);
      expect(opened.equals(after), 'who opens it now').toBe(true);
      await endMount(mounted);
    },
  );

  it.each([
    ['shorter', 4_000_000],
    ['longer', 14_000_000],
  ])(
    'that is %s gives its former readers their bytes or an error, and cuts nobody who comes after it',
    async (which, length) => {
      const [before, after] = [photo('before', 9_000_000), photo('after', length)];
      await addExport('20260101T120000Z', before);
      expect((await place.run('prefetch')).code).toBe(0);
      const mounted = await mount(place, '--passthrough', 'off');
      const path = join(place.mountPoint, 'years/2021/IMG_1.jpg');
      const shown = async () => (await runProgram('cat', path)).stdout;
      const file = await open(path);
      const bytes = Buffer.alloc(before.length + (1 << 20));
      let { bytesRead: end } = await file.read(bytes, 0, 65_536, 0);
      await addExport('20260301T120000Z', after);
      expect((await place.run('prefetch')).code).toBe(0);
      expect((await eventually(shown, (now) => now.equals(after))).equals(after)).toBe(true);
      await runProgram('stat', path);
      await sleep(1200);
      await runProgram('ls', '-l', dirname(path));
      let failure: unknown;
      for (let got = 1; got > 0; end += got) {
        got = await file.read(bytes, end, 1 << 20, end).then(
          ({ bytesRead }) => bytesRead,
          (error: unknown) => {
            failure = error;
            return 0;
          },
        );
      }
      await file.close();
      expect(bytes.subarray(0, end).equals(before.subarray(0, end))).toBe(true);
      // Its last page would be filled with zeros up to the new end.
      if (which === 'longer') expect(failure).toMatchObject({ code: 'EIO' });
      else expect([failure, end]).toEqual([undefined, before.length]);
      const size = () => statSync(path).size;
      expect(await eventually(size, (now) => now === length)).toBe(length);
      expect((await shown()).equals(after)).toBe(true);
      await endMount(mounted);
    },
  );
});
