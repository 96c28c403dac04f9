/**
 * Looking into a folder fetches nothing: file managers find thumbnails, and what indexers and other systems look for is
 * answered without a source. Tumbler and GLib are the very parts of Thunar and Nautilus that ask.
 */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fileUri } from '../../src/thumbnails/store.ts';
import { createPlace, type Place, type Running } from '../cli/run-program.ts';
import { canMount } from '../helpers/mount-client.ts';
import { cameraPhoto } from '../helpers/photographs.ts';
import { buildTakeout, photo, type TakeoutEntry } from '../helpers/takeout-builder.ts';
import { listFiles } from './library.ts';
import { endMount, mount, watchRequests } from './mounting.ts';

const run = promisify(execFile);
const photos = 1000;
const folderOf = (place: Place) => join(place.mountPoint, 'years', '2021');

/** A thousand photos with previews, one without, a video; each fiftieth is in an album. */
function* entries(): Generator<TakeoutEntry> {
  for (let number = 0; number < photos; number++) {
    const name = `IMG_${String(number).padStart(4, '0')}.jpg`;
    const entry = { name, bytes: cameraPhoto(number), takenAt: Date.UTC(2021, 4, 1, 0, number) / 1000 };
    yield { ...entry, folder: 'Photos from 2021' };
    if (number % 50 === 0) yield { ...entry, folder: 'Summer' };
  }
  const video = Buffer.concat([Buffer.from('000000186674797069736f6d', 'hex'), photo('video', 400_000)]);
  yield { folder: 'Photos from 2021', name: 'film.mp4', bytes: video };
  yield { folder: 'Photos from 2021', name: 'plain.jpg', bytes: photo('plain', 300_000) };
}

let place: Place;
let mounted: Running;
const cacheHome = () => join(place.folder, 'xdg');

// One mount for all: as long as nothing is fetched, it is as new.
beforeAll(async () => {
  place = createPlace();
  const archives = await buildTakeout(join(place.folder, 'takeout'), {
    parts: 2,
    compress: true,
    entries: entries(),
    albums: [{ folder: 'Summer' }],
  });
  await place.run('add', 'takeout', ...archives);
  expect((await place.run('sync')).code).toBe(0);
  if (canMount()) mounted = await mount(place);
}, 120_000);
afterAll(() => place.clean());

const cachedFiles = () => listFiles(place.home).filter(({ cached }) => cached !== undefined).length;

/**
 * Asks Tumbler, as Thunar does, and waits until it is done. It tells only who asked, so a monitor of the bus listens.
 * $1 its log, $2 addresses, $3 media types, $4 size
 */
const askScript = `
gdbus wait --session --activate org.freedesktop.thumbnails.Thumbnailer1 --timeout 60
dbus-monitor --session "interface='org.freedesktop.thumbnails.Thumbnailer1'" >"$1" & monitor=$!
wait_for() { for i in $(seq 1200); do grep -q "$1" "$2" && return; sleep 0.1; done; exit 1; }
wait_for NameLost "$1"
gdbus call --session --dest org.freedesktop.thumbnails.Thumbnailer1 \\
  --object-path /org/freedesktop/thumbnails/Thumbnailer1 \\
  --method org.freedesktop.thumbnails.Thumbnailer1.Queue "$2" "$3" "$4" default 0
wait_for member=Finished "$1"
kill $monitor`;

async function askTumbler(paths: readonly string[], flavour = 'normal'): Promise<void> {
  const list = (texts: readonly string[]) => `[${texts.map((text) => `'${text}'`).join(',')}]`;
  const types = paths.map((path) => (path.endsWith('.mp4') ? 'video/mp4' : 'image/jpeg'));
  const [script, log] = [join(place.folder, 'ask'), join(place.folder, 'ask.log')];
  writeFileSync(script, askScript);
  writeFileSync(log, '');
  await run('dbus-run-session', ['--', 'bash', script, log, list(paths.map(fileUri)), list(types), flavour], {
    env: { PATH: process.env.PATH, HOME: place.folder, XDG_CACHE_HOME: cacheHome() },
  });
}

/** How GLib, and so Nautilus, judges the thumbnails of a folder, by name. */
async function askGlib(folder: string): Promise<Map<string, boolean>> {
  const { stdout } = await run('gio', ['list', '-a', 'thumbnail::path,thumbnail::is-valid', folder], {
    env: { PATH: process.env.PATH, HOME: place.folder, XDG_CACHE_HOME: cacheHome() },
    maxBuffer: 1 << 24,
  });
  return new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => [line.split('\t')[0] ?? '', line.includes('thumbnail::is-valid=TRUE')]),
  );
}

describe.runIf(canMount())('browsing', () => {
  it('a thousand photos with thumbnails fetches none of them', async () => {
    const watching = await watchRequests(place, mounted);
    const env = { XDG_CACHE_HOME: cacheHome() };
    const made = await place.runWith(env, 'thumbnails', '--json', place.mountPoint);
    expect(made.code, made.stderr).toBe(0);
    const report = JSON.parse(made.stdout);
    expect(report).toMatchObject({ files: photos + 2, pictures: photos, cards: 2, failed: [] });
    // The beginning of each photo; all of them have 240 MB.
    expect(report.fetchedBytes).toBeLessThanOrEqual((photos + 1) * (68 << 10));

    const names = readdirSync(folderOf(place));
    expect(names).toHaveLength(photos + 2);
    for (const folder of [folderOf(place), join(place.mountPoint, 'albums', 'Summer')]) {
      const judged = await askGlib(folder);
      expect(judged.size).toBe(folder.endsWith('Summer') ? photos / 50 : photos + 2);
      expect([...judged].filter(([, isValid]) => !isValid)).toEqual([]);
    }
    for (const flavour of ['normal', 'large'])
      await askTumbler(
        names.map((name) => join(folderOf(place), name)),
        flavour,
      );
    const { reads, requests } = await watching.stop();
    expect(requests).toBeGreaterThan(0);
    expect(reads).toEqual([]);
    expect(cachedFiles()).toBe(0);

    const synced = await place.runWith(env, 'sync', '--thumbnails', place.mountPoint);
    expect(synced.code, synced.stderr).toBe(0);
    expect(synced.stdout).toContain('1,002 there already; 0 B read for it');
  }, 240_000);

  it('by indexers and other systems costs nothing', async () => {
    const watching = await watchRequests(place, mounted);
    const probes =
      `.DS_Store ._IMG_0001.jpg ._. .metadata_never_index .ql_disablethumbnails .Spotlight-V100 .Trashes
      .fseventsd .localized .hidden .directory .nomedia .trackerignore .git .Trash .Trash-0 .sh_thumbnails Thumbs.db
      desktop.ini autorun.inf folder.jpg cover.jpg .xdg-volume-info .album`.split(/\s+/);
    for (const folder of [place.mountPoint, join(place.mountPoint, 'albums'), folderOf(place)])
      for (const probe of probes) expect(() => lstatSync(join(folder, probe)), probe).toThrow('ENOENT');
    // As updatedb and find do.
    const all = readdirSync(place.mountPoint, { recursive: true, encoding: 'utf8' });
    for (const path of all) statSync(join(place.mountPoint, path));
    const { reads, requests } = await watching.stop();
    expect(requests).toBeGreaterThan(probes.length * 3);
    expect(reads).toEqual([]);
    expect(cachedFiles()).toBe(0);
  }, 240_000);

  it('photos without thumbnails fetches them, so the other tests would have seen it', async () => {
    rmSync(cacheHome(), { recursive: true });
    await askTumbler(['IMG_0001.jpg', 'IMG_0002.jpg'].map((name) => join(folderOf(place), name)));
    // A fetch is published a moment after its reader has the bytes.
    await vi.waitFor(() => expect(cachedFiles()).toBe(2), { timeout: 10_000 });
    expect(existsSync(join(cacheHome(), 'thumbnails', 'normal'))).toBe(true);
  }, 240_000);

  it('a thousand cached photos with thumbnails reads none of them', async () => {
    const env = { XDG_CACHE_HOME: cacheHome() };
    // Others' and the earlier ones are out of the way.
    rmSync(cacheHome(), { recursive: true });
    expect((await place.run('prefetch')).code).toBe(0);
    const made = await place.runWith(env, 'thumbnails', '--json', place.mountPoint);
    expect(made.code, made.stderr).toBe(0);
    // Of a video and of what is no JPEG none can be made: these the file manager tries.
    const counts = { files: 0, cachedFiles: photos + 2, cachedPictures: photos, fetchedBytes: 0, failed: [] };
    expect(JSON.parse(made.stdout)).toMatchObject(counts);

    const watching = await watchRequests(place, mounted);
    const names = readdirSync(folderOf(place)).filter((name) => name.startsWith('IMG_'));
    expect(names).toHaveLength(photos);
    const judged = await askGlib(folderOf(place));
    expect(names.filter((name) => judged.get(name) !== true)).toEqual([]);
    for (const flavour of ['normal', 'large'])
      await askTumbler(
        names.map((name) => join(folderOf(place), name)),
        flavour,
      );
    const { opens, requests } = await watching.stop();
    expect(requests).toBeGreaterThan(0);
    // The kernel may read what is cached by itself, but not without opening it.
    expect(opens).toEqual([]);

    rmSync(cacheHome(), { recursive: true });
    const seeing = await watchRequests(place, mounted);
    await askTumbler([join(folderOf(place), 'IMG_0003.jpg')]);
    expect((await seeing.stop()).opens).toHaveLength(1);
    await endMount(mounted);
  }, 240_000);
});
