/** Thumbnails of a library: one read of a head for each uncached photo, files as the specification wants them. */
import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { GphotosfsError } from '../../src/model/errors.ts';
import { fitted } from '../../src/thumbnails/picture.ts';
import { placeThumbnails, type ThumbnailsReport } from '../../src/thumbnails/place-thumbnails.ts';
import { drawPlaceholder } from '../../src/thumbnails/placeholder.ts';
import { compressPixels, readTexts, writePng } from '../../src/thumbnails/png.ts';
import { fileUri } from '../../src/thumbnails/store.ts';
import type { MemoryExport } from '../helpers/memory-source.ts';
import { cameraPhoto, encodeJpeg, exifSegment, withSegments } from '../helpers/photographs.ts';
import {
  createTestHome,
  distinctBytes,
  exportOf,
  kindOf,
  photo,
  type TestHome,
} from '../helpers/test-home.ts';

let home: TestHome;

const mountPoint = '/home/ada/My Photos';
const folder = () => join(home.folder, 'xdg', 'thumbnails');
const takenAt = 1_625_097_600;

const library: MemoryExport = exportOf(
  [
    photo('a b.jpg', cameraPhoto(1), { albums: ['Summer; 1'] }),
    photo('c.jpg', cameraPhoto(2)),
    photo('plain.jpg', distinctBytes(1, 300_000)),
    photo('film.mp4', distinctBytes(2, 300_000)),
  ],
  { albums: [{ folder: 'Summer; 1' }] },
);

function place({ signal = new AbortController().signal, onlyNew = false } = {}): Promise<ThumbnailsReport> {
  const { index, source } = home;
  return placeThumbnails({
    index,
    sources: [source],
    cache: home.cache.root,
    onlyNew,
    mountPoint,
    folder: folder(),
    signal,
    progress: () => {},
  });
}

function pathOf(path: string, size = 'normal'): string {
  const name = createHash('md5')
    .update(fileUri(join(mountPoint, path)))
    .digest('hex');
  return join(folder(), size, `${name}.png`);
}

const textsOf = (path: string, size = 'normal') =>
  Object.fromEntries(readTexts(readFileSync(pathOf(path, size))) ?? []);

/** Width and height stand at the beginning of a PNG. */
function dimensions(path: string, size: string): number[] {
  const png = readFileSync(pathOf(path, size));
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

describe('thumbnails', () => {
  afterEach(() => home.remove());

  it('are placed for each path of each file, as the specification wants them', async () => {
    home = await createTestHome({ exports: [library] });
    expect(await place()).toMatchObject({ files: 4, pictures: 2, cards: 2, present: 0, failed: [] });
    for (const path of ['years/2021/a b.jpg', 'albums/Summer; 1/a b.jpg', 'years/2021/film.mp4']) {
      expect(textsOf(path)).toEqual({
        'Thumb::URI': fileUri(join(mountPoint, path)),
        'Thumb::MTime': String(takenAt),
        Software: 'gphotosfs',
        'X-gphotosfs::Content': expect.stringMatching(/^\d+ \d+$/),
        ...(path.endsWith('.mp4') && { 'X-gphotosfs::Card': '1' }),
      });
      expect(statSync(pathOf(path)).mode & 0o777).toBe(0o600);
    }
    for (const directory of ['', 'normal', 'large'])
      expect(statSync(join(folder(), directory)).mode & 0o777).toBe(0o700);
    expect(Math.max(...dimensions('years/2021/a b.jpg', 'normal'))).toBe(128);
    // What the camera wrote, not made larger.
    expect(Math.max(...dimensions('years/2021/a b.jpg', 'large'))).toBe(160);
    expect(readdirSync(join(folder(), 'normal'))).toHaveLength(5);
  });

  it('cost the beginning of a photo, nothing for a video, and nothing the second time', async () => {
    home = await createTestHome({ exports: [library] });
    const { fetchedBytes } = await place();
    expect([...home.source.opened].sort()).toEqual(['a b.jpg', 'c.jpg', 'plain.jpg']);
    expect(fetchedBytes).toBeLessThanOrEqual(3 * (68 << 10));
    expect(fetchedBytes).toBeGreaterThan(1000);
    const before = home.source.opened.length;
    expect(await place()).toMatchObject({ pictures: 0, cards: 0, present: 4, fetchedBytes: 0 });
    expect(home.source.opened).toHaveLength(before);
  });

  it('of what is cached come from the cache; a card goes where there is none, for the file manager to make one', async () => {
    home = await createTestHome({ exports: [library] });
    await home.ensure('years/2021/c.jpg');
    expect(await place()).toMatchObject({ files: 3, cachedFiles: 1, cachedPictures: 1, cachedPresent: 0 });
    expect(textsOf('years/2021/c.jpg')).not.toHaveProperty('X-gphotosfs::Card');
    expect(Math.max(...dimensions('years/2021/c.jpg', 'large'))).toBe(160);
    for (const path of ['years/2021/a b.jpg', 'years/2021/film.mp4', 'years/2021/plain.jpg'])
      await home.ensure(path);
    const opened = home.source.opened.length;
    // The picture that was there stays; no picture can be made of film.mp4 and plain.jpg, which is no JPEG.
    const counts = { files: 0, cachedFiles: 4, cachedPictures: 0, cachedPresent: 2, fetchedBytes: 0 };
    expect(await place()).toMatchObject(counts);
    expect(home.source.opened).toHaveLength(opened);
    expect(readdirSync(join(folder(), 'normal'))).toHaveLength(3);
    expect(() => textsOf('years/2021/film.mp4')).toThrow('ENOENT');
  });

  it('of cached JPEGs without a preview are all of them made smaller, upright, if they are small', async () => {
    const picture = fitted(drawPlaceholder('photo'), 200);
    const turnedLeft = withSegments(encodeJpeg(picture), exifSegment(Buffer.alloc(0), { orientation: 8 }));
    const tooLarge = Buffer.concat([encodeJpeg(picture), Buffer.alloc(2 << 20)]);
    home = await createTestHome({
      exports: [exportOf([photo('small.jpg', turnedLeft), photo('large.jpg', tooLarge)])],
    });
    expect(await place()).toMatchObject({ pictures: 0, cards: 2 });
    for (const name of ['small.jpg', 'large.jpg']) await home.ensure(`years/2021/${name}`);
    expect(await place()).toMatchObject({ cachedFiles: 2, cachedPictures: 1, cachedPresent: 0 });
    expect(dimensions('years/2021/small.jpg', 'large')).toEqual([picture.height, picture.width]);
    expect(Math.max(...dimensions('years/2021/small.jpg', 'normal'))).toBe(128);
    expect(readdirSync(join(folder(), 'large'))).toHaveLength(1);
  });

  it('show the revision once that is cached, though it has the same time', async () => {
    const item = (number: number) => photo('a.jpg', cameraPhoto(number), { photoId: 'a' });
    home = await createTestHome({ exports: [exportOf([item(1)])] });
    await home.ensure('years/2021/a.jpg');
    await place();
    const before = readFileSync(pathOf('years/2021/a.jpg'));
    await home.sync([exportOf([item(1)]), exportOf([item(2)], { id: 'e2', time: 1_700_000_000 })]);
    expect(await place()).toMatchObject({ cachedPresent: 1, cachedPictures: 0 });
    await home.ensure('years/2021/a.jpg');
    expect(await place()).toMatchObject({ cachedPresent: 0, cachedPictures: 1 });
    expect(readFileSync(pathOf('years/2021/a.jpg')).equals(before)).toBe(false);
    expect(textsOf('years/2021/a.jpg')['Thumb::MTime']).toBe(String(takenAt));
  });

  it('after a sync are made of what was cached since the last time only', async () => {
    home = await createTestHome({ exports: [library] });
    await home.ensure('years/2021/plain.jpg');
    expect(await place({ onlyNew: true })).toMatchObject({ cachedFiles: 1, cachedPictures: 0 });
    home.index.db.prepare('UPDATE cached SET at = at - 60').run();
    await home.ensure('years/2021/c.jpg');
    expect(await place({ onlyNew: true })).toMatchObject({ cachedFiles: 1 });
    expect(await place()).toMatchObject({ cachedFiles: 2 });
  });

  it("leaves others' that are right, replaces those that are not", async () => {
    home = await createTestHome({ exports: [library] });
    const path = 'years/2021/c.jpg';
    const foreign = (mtime: number) =>
      writePng(compressPixels(drawPlaceholder('photo')), {
        'Thumb::URI': fileUri(join(mountPoint, path)),
        'Thumb::MTime': String(mtime),
        Software: 'another',
      });
    mkdirSync(join(folder(), 'normal'), { recursive: true });
    writeFileSync(pathOf(path), foreign(takenAt));
    await place();
    expect(textsOf(path).Software).toBe('another');
    expect(textsOf(path, 'large').Software).toBe('gphotosfs');
    writeFileSync(pathOf(path), foreign(takenAt - 1));
    await place();
    expect(textsOf(path)).toMatchObject({ Software: 'gphotosfs', 'Thumb::MTime': String(takenAt) });
    writeFileSync(pathOf(path), 'no PNG');
    await place();
    expect(textsOf(path).Software).toBe('gphotosfs');
    // What is cached keeps what somebody else made.
    writeFileSync(pathOf(path), foreign(takenAt));
    await home.ensure(path);
    expect(await place()).toMatchObject({ cachedPresent: 1 });
    expect(textsOf(path).Software).toBe('another');
  });

  it('follow a time that becomes final', async () => {
    const files = [{ name: 'late.jpg', bytes: cameraPhoto(3) }];
    const item = { files, yearFolder: 2021, provisional: true };
    home = await createTestHome({ exports: [exportOf([item])] });
    await place();
    const before = textsOf('years/2021/late.jpg')['Thumb::MTime'];
    await home.sync([exportOf([{ ...item, provisional: false, takenAt: takenAt + 60 }])]);
    expect(await place()).toMatchObject({ pictures: 1 });
    expect(textsOf('years/2021/late.jpg')['Thumb::MTime']).toBe(String(takenAt + 60));
    expect(before).toBe(String(takenAt));
  });

  it('of a tgz are made in one pass', async () => {
    const tgz = exportOf(
      [photo('a.jpg', cameraPhoto(1)), photo('b.jpg', cameraPhoto(2)), photo('v.mp4', 'v')],
      {
        archives: [{ name: 'x.tgz', shape: 'tgz' }],
      },
    );
    home = await createTestHome({ exports: [tgz] });
    const { openMany } = home.source;
    const passes: number[] = [];
    home.source.openMany = (locations, ...rest) => {
      passes.push(locations.length);
      return openMany(locations, ...rest);
    };
    expect(await place()).toMatchObject({ pictures: 2, cards: 1, failed: [] });
    expect(passes).toEqual([2]);
  });

  it('of what a zip has, too, are not taken from a newer tgz', async () => {
    const [one, two] = [photo('a.jpg', cameraPhoto(1)), photo('b.jpg', cameraPhoto(2))];
    const tgz = { id: 'e2', time: 1_700_000_000, archives: [{ name: 'x.tgz', shape: 'tgz' }] } as const;
    home = await createTestHome({ exports: [exportOf([one, two]), exportOf([one, two], tgz)] });
    const { open, openMany } = home.source;
    const archives = new Set<string>();
    home.source.open = (location, ...rest) => {
      archives.add(location.archive);
      return open(location, ...rest);
    };
    home.source.openMany = (locations, ...rest) => {
      archives.add('x.tgz');
      return openMany(locations, ...rest);
    };
    expect(await place()).toMatchObject({ pictures: 2, failed: [] });
    expect([...archives]).not.toContain('x.tgz');
    expect(archives.size).toBe(1);
  });

  it('come from another place where the best one fails', async () => {
    const one = photo('a.jpg', cameraPhoto(1));
    const other = { id: 'e2', time: 1_700_000_000 };
    home = await createTestHome({ exports: [exportOf([one]), exportOf([one], other)] });
    home.source.breakOpen({ kind: 'throw', at: 0, error: 'source-gone', file: 'a.jpg' });
    expect(await place()).toMatchObject({ pictures: 1, cards: 0, failed: [] });
    expect(home.source.fired).toHaveLength(1);
    expect(home.source.opened).toHaveLength(2);
  });

  it('of a tgz that is gone fail, and the rest is made', async () => {
    const tgz = exportOf([photo('a.jpg', cameraPhoto(1)), photo('v.mp4', 'v')], {
      archives: [{ name: 'x.tgz', shape: 'tgz' }],
    });
    const zip = exportOf([photo('z.jpg', cameraPhoto(3))], { id: 'e2', time: 1_700_000_000 });
    home = await createTestHome({ exports: [tgz, zip] });
    // biome-ignore lint/correctness/useYield: it fails before.
    home.source.openMany = async function* () {
      throw new GphotosfsError('source-gone', 'x.tgz is gone');
    };
    const { failed, pictures, cards } = await place();
    expect(failed).toMatchObject([{ path: 'years/2021/a.jpg', kind: 'source-gone' }]);
    expect([pictures, cards]).toEqual([1, 1]);
  });

  it('are missing where a source fails, which is told, and made the next time', async () => {
    home = await createTestHome({ exports: [library] });
    home.source.breakOpen({ kind: 'throw', at: 0, error: 'bad-content', file: 'c.jpg' });
    const { failed, pictures } = await place();
    expect(home.source.fired).toHaveLength(1);
    expect(failed).toMatchObject([{ path: 'years/2021/c.jpg', kind: 'bad-content' }]);
    expect(pictures).toBe(1);
    expect(await place()).toMatchObject({ failed: [], present: 3, pictures: 1 });
  });

  it.runIf(process.getuid?.() === 0)("are not put into another user's folder", async () => {
    home = await createTestHome({ exports: [library] });
    const theirs = join(home.folder, 'xdg');
    mkdirSync(theirs);
    chownSync(theirs, 65_534, 65_534);
    expect(await kindOf(place())).toBe('usage');
    expect(readdirSync(theirs)).toEqual([]);
  });

  it('stop when they are told to', async () => {
    home = await createTestHome({ exports: [library] });
    expect((await place({ signal: AbortSignal.abort() })).stopped?.kind).toBe('interrupted');
  });
});

describe('the address of a file', () => {
  it('is written as GLib writes it', () => {
    // `gio info` of GLib 2.74 told.
    const path = '/tmp/a b!$&\'()*+,-.;=@[]^_`{|}~:%é🌸"<>#?x';
    expect(fileUri(path)).toBe(
      "file:///tmp/a%20b!$&'()*+,-.%3B=@%5B%5D%5E_%60%7B%7C%7D~:%25%C3%A9%F0%9F%8C%B8%22%3C%3E%23%3Fx",
    );
  });
});
