/** A lost index of an account's photos: Google knows neither names nor the sizes that were put right; the journal does. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { jpeg } from '../helpers/google/media.ts';
import { fakePhoto } from '../helpers/google/photos-home.ts';
import { useAccountPlace } from './account-place.ts';

const home = useAccountPlace();

const ok = async (...args: string[]) => {
  const ended = await home.run(...args);
  expect(ended.code, ended.stderr + ended.stdout).toBe(0);
  return ended.results;
};
const status = async () => (await ok('status'))[0];
const gets = () =>
  home.fake.requests.filter(({ path, method }) => path.startsWith('/media') && method === 'GET').length;
const years = () =>
  execFileSync('sh', ['-c', 'find years -type f -printf "%p %s %T@\\n" | sort'], {
    cwd: home.place.cache,
    encoding: 'utf8',
  });

it('is made again as it was, also where a HEAD goes on being wrong', async () => {
  home.photos.items = [
    fakePhoto(5),
    fakePhoto(6, { bytes: jpeg(6, 41_000), headSize: 40_000 }),
    fakePhoto(7, { filename: 'p5.jpg' }),
    fakePhoto(8),
  ];
  await ok('add', 'library');
  await ok('sync');
  // Added later, and taken before all others: a list that is begun anew has it first.
  home.photos.items = [...home.photos.items, fakePhoto(1)];
  await ok('sync');
  await ok('prefetch');
  const before = { years: years(), status: await status() };
  expect(before.status).toMatchObject({ files: 5, cachedFiles: 5 });
  expect(before.years).toMatch(/p6\.jpg 41000 /);
  const fetched = gets();
  for (const end of ['', '-wal', '-shm']) rmSync(join(home.place.home, `index.db${end}`), { force: true });
  const rebuilt = await ok('sync', '--rebuild');
  expect(rebuilt[0]).toMatchObject({ type: 'rebuild', files: 5, cachedFiles: 5, lost: 0 });
  expect(rebuilt.at(-1)).toMatchObject({ sources: [{ newItems: 0, newFiles: 0 }] });
  expect(await status()).toMatchObject({ files: 5, cachedFiles: 5, complete: true, revisions: 0 });
  expect((await ok('sync')).at(-1)).toMatchObject({ sources: [{ newItems: 0, newFiles: 0 }] });
  await ok('prefetch');
  expect(years()).toBe(before.years);
  // The same where the source goes and comes back: what isn't cached must be found at its new home.place, too.
  await ok('remove', 'library');
  await ok('add', 'library');
  expect((await ok('sync')).at(-1)).toMatchObject({ sources: [{ newItems: 0, newFiles: 0 }] });
  expect(gets()).toBe(fetched);
  rmSync(join(home.place.cache, 'years/2021/p6.jpg'));
  await ok('prefetch');
  expect(years()).toBe(before.years);
  expect(gets()).toBe(fetched + 1);
});
