/** Real backup programs, by the README's recipes: what they keep is right, and what they know they don't read again. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlace, type Place, type Running } from '../cli/run-program.ts';
import { canMount } from '../helpers/mount-client.ts';
import { buildLibrary, contentsOf, filesIn, type Library, listFiles } from './library.ts';
import { type Asked, endMount, mount, watchRequests } from './mounting.ts';

/** The recipes as the README prints them: to be run once, incremental ones, and those that always read everything. */
const [once = [], incremental = [], whole = []] = recipes();

function recipes(): string[][] {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const section = readme.split('\n## Backups\n')[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/```\n([^`]*)```/g)].map(([, block = '']) => block.trim().split('\n'));
}

let place: Place;
let library: Library;
let mounted: Running;

beforeAll(async () => {
  place = createPlace();
  const albums = [
    { folder: 'Summer in Italy', every: 5 },
    { folder: 'Grüße 🌻', every: 7 },
  ];
  // Not small: the bytes of small cached files come with their OPEN, and what is read is counted by READs.
  library = await buildLibrary(join(place.folder, 'takeout'), { photos: 200, size: 160_000, albums });
  await place.run('add', 'takeout', ...library.archives);
  expect((await place.run('sync')).code).toBe(0);
  expect((await place.run('prefetch')).code).toBe(0);
});
afterAll(() => place.clean());

/** Runs a recipe on a tree, keeping its backups in a folder of the test's. */
async function cook(recipe: string, tree: string, backup: string): Promise<string> {
  const command = recipe.replaceAll('~/Photos', tree).replaceAll('/backup', backup);
  expect(command).not.toBe(recipe);
  const secrets = { RESTIC_PASSWORD: 'secret', BORG_PASSPHRASE: 'secret' };
  // The programs' own caches and keys stay in the test's folder; another path, or place of a repository, is expected.
  const env = { ...process.env, ...secrets, HOME: backup, BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes' };
  const options = { env, maxBuffer: 1 << 26 };
  const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', command], options);
  return stdout + stderr;
}

/** Takes out of each backup what is in it; gives the folder of each program's. */
async function restore(tree: string, backup: string): Promise<Record<string, string>> {
  const at = join(backup, 'restored');
  const inTree = tree.slice(1);
  mkdirSync(join(at, 'tar'), { recursive: true });
  mkdirSync(join(at, 'tar-S'));
  mkdirSync(join(at, 'borg'));
  const archives = readdirSync(backup).filter((name) => /^photos-\d+\.tar$/.test(name));
  for (const name of archives.sort())
    await cook(`tar -xf /backup/${name} -g /dev/null -C /backup/restored/tar`, tree, backup);
  await cook('tar -xf /backup/photos.tar -C /backup/restored/tar-S', tree, backup);
  await cook('restic -r /backup/restic restore latest --target /backup/restored/restic', tree, backup);
  const last = 'borg extract /backup/borg::$(borg list --short --last 1 /backup/borg)';
  await cook(`cd /backup/restored/borg && ${last}`, tree, backup);
  return {
    'rsync -a': join(backup, 'rsync'),
    'cp -a': join(backup, 'copy'),
    'tar, incremental': join(at, 'tar'),
    'tar -S': join(at, 'tar-S'),
    restic: join(at, 'restic', inTree),
    borg: join(at, 'borg', inTree),
  };
}

/** Everything the tree holds is in every backup. */
async function expectBackedUp(tree: string, backup: string): Promise<void> {
  const shown = await contentsOf(tree);
  expect(filesIn(shown)).toEqual(library.files);
  expect(shown.size).toBe(200 + 40 + 29);
  for (const [program, folder] of Object.entries(await restore(tree, backup)))
    expect(await contentsOf(folder), program).toEqual(shown);
}

const programOf = (recipe: string): string => recipe.split(' ', 1)[0] ?? '';

it('the README has recipes for all of them', () => {
  expect(once.map(programOf)).toEqual(['restic', 'borg']);
  expect(incremental.map(programOf)).toEqual(['rsync', 'tar', 'restic', 'borg']);
  expect(whole.map(programOf)).toEqual(['cp', 'tar']);
});

describe('backups of the cache', () => {
  it('hold every photo with its bytes, after a second run too', async () => {
    const backup = join(place.folder, 'backup-of-cache');
    mkdirSync(backup);
    for (const recipe of [...once, ...incremental, ...whole, ...incremental])
      await cook(recipe, place.cache, backup);
    await expectBackedUp(place.cache, backup);
  });
});

describe.runIf(canMount())('backups of the mount', () => {
  it('hold every photo with its bytes; a second run reads none, though the mount is a new one', {
    timeout: 300_000,
  }, async () => {
    const backup = join(place.folder, 'backup-of-mount');
    mkdirSync(backup);
    for (const recipe of once) await cook(recipe, place.mountPoint, backup);

    // Another mount each time, and no passthrough: the kernel has no page of a photo from before and reads none by
    // itself, so what is read is asked for.
    const run = async (recipe: string): Promise<Asked> => {
      mounted = await mount(place, '--passthrough', 'off');
      const watching = await watchRequests(place, mounted);
      await cook(recipe, place.mountPoint, backup);
      const asked = await watching.stop();
      await endMount(mounted);
      return asked;
    };
    for (const recipe of [...incremental, ...whole]) {
      const { reads } = await run(recipe);
      expect(new Set(reads).size, `${recipe}, the first time, reads all`).toBe(200);
    }
    for (const recipe of incremental) {
      const { reads, requests } = await run(recipe);
      expect(requests, `${recipe} looks at all, by READDIRPLUS`).toBeGreaterThan(50);
      // borg leaves what has the newest ctime out of its files cache, on any file system: it may be changing yet.
      const expected = programOf(recipe) === 'borg' ? [newestPhoto()] : [];
      expect(namesOf(reads), recipe).toEqual(expected);
    }

    mounted = await mount(place);
    await expectBackedUp(place.mountPoint, backup);
    await endMount(mounted);
  });
});

/** The photos with these inodes. */
function namesOf(inodes: readonly number[]): (string | undefined)[] {
  const files = new Map(listFiles(place.home).map(({ ino, path }) => [ino, path]));
  return [...new Set(inodes)].map((ino) => files.get(ino));
}

/** The one with the newest ctime. */
function newestPhoto(): string | undefined {
  return listFiles(place.home).sort((a, b) => b.ctime - a.ctime)[0]?.path;
}
