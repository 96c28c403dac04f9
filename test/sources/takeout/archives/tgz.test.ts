import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Location } from '../../../../src/model/words.ts';
import type { Archive } from '../../../../src/sources/takeout/archives/archive.ts';
import { localFile } from '../../../../src/sources/takeout/archives/local-file.ts';
import { openArchive } from '../../../../src/sources/takeout/archives/open-archive.ts';
import { tgzArchive } from '../../../../src/sources/takeout/archives/tgz.ts';
import {
  collect,
  descriptorsOf,
  entryAt,
  failureOf,
  locate,
  never,
  readAllSmall,
  readPath,
} from '../../../helpers/archive-reading.ts';
import { buildTakeout, photo } from '../../../helpers/takeout-builder.ts';
import { type TgzEntry, writeTgz } from '../../../helpers/tgz-builder.ts';

let dir = '';
let counter = 0;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'gphotosfs-tgz-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function make(entries: readonly TgzEntry[]) {
  const path = join(dir, `${++counter}.tgz`);
  await writeTgz(path, entries);
  return { path, archive: tgzArchive(localFile(path)) };
}

const numbered = (count: number, size = 50_000): TgzEntry[] =>
  Array.from({ length: count }, (_, at) => ({ name: `Takeout/${at}.jpg`, bytes: photo(at, size) }));

async function locateAll(archive: Archive): Promise<Location[]> {
  const { entries } = await archive.list(never);
  return Promise.all(entries.map((entry) => locate(archive, entry)));
}

/** All that openMany gives, by offset. */
async function takeMany(archive: Archive, locations: readonly Location[]): Promise<Map<number, Buffer>> {
  const taken = new Map<number, Buffer>();
  if (archive.openMany === undefined) throw new Error('a tgz has openMany');
  for await (const { location, bytes } of archive.openMany(locations, never))
    taken.set(location.offset, await collect(bytes));
  return taken;
}

describe('a good tgz', () => {
  test('is listed with CRC-32 and sidecars in one pass', async () => {
    const [path = ''] = await buildTakeout(join(dir, 'export'), {
      format: 'tgz',
      entries: [
        { folder: 'Photos from 2021', name: 'IMG_1.jpg', bytes: photo(1, 700_000) },
        {
          folder: 'Photos from 2021',
          name: `${'long '.repeat(60)}é.jpg`,
          bytes: photo(2),
          sidecarName: 'S.JSON',
        },
        { folder: 'Photos from 2021', name: 'empty.jpg', bytes: '', sidecar: false },
      ],
      files: [{ path: 'Takeout/big.json', bytes: 'x'.repeat(1024 * 1024 + 1) }],
    });
    const archive = await openArchive(path);
    expect(archive.sequential).toBe(true);
    const { entries, problems, small } = await archive.list(never);
    expect(problems).toEqual([]);
    expect(entries.map(({ path: name, size, crc32: crc }) => [name.split('/').at(-1), size, crc])).toEqual([
      ['big.json', 1024 * 1024 + 1, crc32('x'.repeat(1024 * 1024 + 1))],
      ['IMG_1.jpg', 700_000, crc32(photo(1, 700_000))],
      ['IMG_1.jpg.supplemental-metadata.json', expect.any(Number), expect.any(Number)],
      [`${'long '.repeat(60)}é.jpg`, 2048, crc32(photo(2))],
      ['S.JSON', expect.any(Number), expect.any(Number)],
      ['empty.jpg', 0, 0],
    ]);
    expect([...(small?.keys() ?? [])]).toEqual([2, 4]);
    expect(JSON.parse(String(small?.get(2))).title).toBe('IMG_1.jpg');
    expect(entries[0]?.modified).toBe(Date.UTC(2026, 0, 1, 12) / 1000);
    expect(entries.every((entry) => !entry.seekable)).toBe(true);
    const sidecars = entries.filter((entry) => /S\.JSON$|big\.json$/.test(entry.path));
    const [big, fine] = await readAllSmall(archive, sidecars, 1024 * 1024);
    expect(big?.problem?.what).toMatch(/larger than/);
    expect(fine?.bytes).toEqual(small?.get(4));
    expect((await readPath(archive, 'IMG_1.jpg')).equals(photo(1, 700_000))).toBe(true);
    expect(await readPath(archive, 'empty.jpg')).toEqual(Buffer.alloc(0));
    await archive.close();
    expect(descriptorsOf(path)).toBe(0);
  });

  test('gives ranges, dropping what is before', async () => {
    const { archive } = await make(numbered(3, 600_000));
    const got = await readPath(archive, '1.jpg', { start: 300_000, end: 300_100 });
    expect(got).toEqual(photo(1, 600_000).subarray(300_000, 300_100));
    expect(await readPath(archive, '2.jpg', { start: 599_999 })).toEqual(photo(2, 600_000).subarray(-1));
  });

  test('gives many in one pass, in order, and stops behind the last', async () => {
    const { path, archive } = await make(numbered(40));
    const locations = await locateAll(archive);
    const wanted = [30, 3, 7].flatMap((at) => locations[at] ?? []);
    const taken = await takeMany(archive, wanted);
    expect([...taken.keys()]).toEqual([3, 7, 30]);
    for (const [at, bytes] of taken) expect(bytes.equals(photo(at, 50_000))).toBe(true);
    expect(await takeMany(archive, [])).toEqual(new Map());

    // What comes behind the last one wanted isn't read: here it is damaged.
    const broken = join(dir, `${++counter}.tgz`);
    copyFileSync(path, broken);
    truncateSync(broken, statSync(path).size - 200_000);
    const cut = tgzArchive(localFile(broken));
    const fingerprint = await cut.fingerprint();
    const again = await takeMany(
      cut,
      wanted.map((location) => ({ ...location, fingerprint })),
    );
    expect([...again.keys()]).toEqual([3, 7, 30]);
  });

  test('goes on when a file is not taken to its end, or not at all', async () => {
    const { path, archive } = await make(numbered(6, 600_000));
    const locations = await locateAll(archive);
    const seen: number[] = [];
    for await (const { location, bytes } of archive.openMany?.(locations, never) ?? []) {
      seen.push(location.offset);
      if (location.offset === 1) continue;
      if (location.offset === 2) for await (const _ of bytes) break;
      else expect((await collect(bytes)).equals(photo(location.offset, 600_000))).toBe(true);
      if (location.offset === 4) break;
    }
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    await archive.close();
    expect(descriptorsOf(path)).toBe(0);
  });

  test('written by GNU tar', async () => {
    const folder = join(dir, 'gnu');
    // Longer than the 100 bytes of the old name field, short enough for ustar's two.
    const long = `${'n'.repeat(90)}.jpg`;
    const deep = `é${'d'.repeat(90)}`;
    mkdirSync(join(folder, 'Takeout', deep), { recursive: true });
    writeFileSync(join(folder, 'Takeout', deep, long), photo(9));
    writeFileSync(join(folder, 'Takeout', 'a.json'), '{}');
    symlinkSync('/etc/passwd', join(folder, 'Takeout', 'link.jpg'));
    for (const format of ['gnu', 'pax', 'ustar']) {
      const path = join(dir, `${format}.tgz`);
      execFileSync('tar', ['--sort=name', `--format=${format}`, '-czf', path, './Takeout'], { cwd: folder });
      const archive = await openArchive(path);
      const { entries, problems } = await archive.list(never);
      expect(entries.map((entry) => entry.path)).toEqual(['Takeout/a.json', `Takeout/${deep}/${long}`]);
      expect(problems).toEqual([
        { where: `${path}: ./Takeout/link.jpg`, what: 'it is a link', remedy: expect.any(String) },
      ]);
      expect(await readPath(archive, long)).toEqual(photo(9));
    }
  });

  test('of several gzip members', async () => {
    const { path } = await make(numbered(4));
    const tar = gunzipSync(readFileSync(path));
    writeFileSync(path, Buffer.concat([gzipSync(tar.subarray(0, 70_000)), gzipSync(tar.subarray(70_000))]));
    const { entries, problems } = await tgzArchive(localFile(path)).list(never);
    expect(problems).toEqual([]);
    expect(entries).toHaveLength(4);
  });
});

describe('bad input', () => {
  test('links, devices and names that climb out are left out', async () => {
    const { path, archive } = await make([
      { name: '../evil.jpg', bytes: 'x' },
      { name: '/etc/evil', bytes: 'x' },
      { name: `../${'x'.repeat(300)}`, bytes: 'x' },
      { name: 'Takeout/link', type: 'symlink', linkname: '/etc/passwd' },
      { name: 'Takeout/hard', type: 'link', linkname: 'Takeout/good.jpg' },
      { name: 'Takeout/null', type: 'character-device' },
      { name: 'Takeout/', type: 'directory' },
      { name: 'Takeout/good.jpg', bytes: photo(1) },
    ]);
    const { entries, problems } = await archive.list(never);
    expect(entries.map(({ path: name, offset }) => [name, offset])).toEqual([['Takeout/good.jpg', 7]]);
    expect(problems.map(({ what }) => what)).toEqual([
      expect.stringMatching(/climbs out/),
      expect.stringMatching(/absolute/),
      expect.stringMatching(/climbs out/),
      'it is a link',
      'it is a link',
      'it is not a regular file',
    ]);
    expect(problems[0]?.where).toBe(`${path}: ../evil.jpg`);
    expect(await readPath(archive, 'good.jpg')).toEqual(photo(1));
  });

  /** The tar of five photos, and where each entry begins in it. */
  async function fivePhotos() {
    const { path } = await make(numbered(5));
    return { tar: gunzipSync(readFileSync(path)), starts: [0, 1, 2, 3, 4].map((at) => at * (512 + 50_176)) };
  }

  const written = (bytes: Buffer) => {
    const path = join(dir, `${++counter}.tgz`);
    writeFileSync(path, bytes);
    return { path, archive: tgzArchive(localFile(path)) };
  };

  test.each([
    ['within a photo', 30_000, 3],
    ['within a header', 100, 3],
    ['between two entries', 0, 3],
  ])('a tar that is cut off %s keeps what came before', async (_, beyond, whole) => {
    const { tar, starts } = await fivePhotos();
    const { path, archive } = written(gzipSync(tar.subarray(0, (starts[3] ?? 0) + beyond)));
    const { entries, problems } = await archive.list(never);
    expect(entries).toHaveLength(whole);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.where).toBe(path);
    expect(problems[0]?.what).toMatch(/not downloaded to its end.*3 files before that are used/);
    expect(problems[0]?.remedy).toMatch(/Download this part again/);
  });

  test('a gzip that is cut off keeps what came before', async () => {
    const { tar } = await fivePhotos();
    const zipped = gzipSync(tar);
    const { archive } = written(zipped.subarray(0, (zipped.length * 7) / 10));
    const { entries, problems } = await archive.list(never);
    expect(entries).toHaveLength(3);
    expect(problems).toHaveLength(1);
    expect(
      (await collect(archive.open(await locate(archive, entries[2] ?? fail()), {}))).equals(photo(2, 50_000)),
    ).toBe(true);
  });

  test('a damaged gzip, a damaged header, and what is no tar', async () => {
    const { tar, starts } = await fivePhotos();
    const zipped = gzipSync(tar);
    zipped.fill(0, zipped.length - 8, zipped.length - 4); // its own CRC-32
    const crc = await written(zipped).archive.list(never);
    expect(crc.problems[0]?.what).toMatch(/incorrect data check/);

    const header = Buffer.from(tar);
    header.fill(0x58, starts[2], (starts[2] ?? 0) + 10);
    const damaged = await written(gzipSync(header)).archive.list(never);
    expect(damaged.entries).toHaveLength(2);
    expect(damaged.problems[0]?.what).toMatch(/Invalid tar header/);

    const none = await written(gzipSync('just a text')).archive.list(never);
    expect(none.entries).toEqual([]);
    expect(none.problems).toHaveLength(1);
  });

  test('a damaged archive fails the file that is hit, and says so', async () => {
    const { tar, starts } = await fivePhotos();
    const whole = written(gzipSync(tar));
    const locations = await locateAll(whole.archive);
    const cut = written(gzipSync(tar.subarray(0, (starts[3] ?? 0) + 20_000)));
    const fingerprint = await cut.archive.fingerprint();
    const taken: number[] = [];
    const error = await failureOf(
      (async () => {
        for await (const { location, bytes } of cut.archive.openMany?.(
          locations.map((one) => ({ ...one, fingerprint })),
          never,
        ) ?? []) {
          await collect(bytes);
          taken.push(location.offset);
        }
      })(),
    );
    expect(taken).toEqual([0, 1, 2]);
    expect(error.kind).toBe('bad-source');
    await cut.archive.close();
    expect(descriptorsOf(cut.path)).toBe(0);
  });

  test('random damage never ends in anything but a clear error', async () => {
    const { path } = await make([
      ...numbered(3, 600),
      { name: `Takeout/${'é'.repeat(80)}.json`, bytes: '{}' },
    ]);
    const tar = gunzipSync(readFileSync(path));
    const outcomes = { whole: 0, problems: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(tar.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (hits) => {
          const broken = Buffer.from(tar);
          for (const [at, value] of hits) broken[at] = value;
          const { archive } = written(gzipSync(broken));
          const { entries, problems } = await archive.list(never);
          outcomes.problems += problems.length;
          for (const entry of entries) {
            expect(await collect(archive.open(await locate(archive, entry), {}))).toHaveLength(entry.size);
            outcomes.whole++;
          }
          await archive.close();
        },
      ),
      { numRuns: 100 },
    );
    expect(outcomes.whole).toBeGreaterThan(50);
    expect(outcomes.problems).toBeGreaterThan(10);
  });

  test('a location of another size is refused', async () => {
    const { archive } = await make(numbered(1));
    const location = { ...(await locate(archive, await entryAt(archive, '0.jpg'))), size: 49_999 };
    const error = await failureOf(collect(archive.open(location, {})));
    expect(error.kind).toBe('bad-content');
    expect(error.message).toMatch(/50000 bytes instead of 49999/);
  });

  test('a changed or vanished archive is noticed', async () => {
    const { path, archive } = await make(numbered(2));
    const location = await locate(archive, await entryAt(archive, '0.jpg'));
    await writeTgz(path, numbered(3));
    expect((await failureOf(collect(archive.open(location, {})))).kind).toBe('source-changed');
    expect((await failureOf(takeMany(archive, [location]))).kind).toBe('source-changed');
    rmSync(path);
    expect((await failureOf(collect(archive.open(location, {})))).kind).toBe('source-gone');
  });

  test('a signal stops listing and reading', async () => {
    const { path, archive } = await make(numbered(40, 200_000));
    const locations = await locateAll(archive);
    const controller = new AbortController();
    const error = await failureOf(
      (async () => {
        for await (const { bytes } of archive.openMany?.(locations, controller.signal) ?? []) {
          await collect(bytes);
          controller.abort();
        }
      })(),
    );
    expect(error.kind).toBe('interrupted');
    expect((await failureOf(archive.list(controller.signal))).kind).toBe('interrupted');
    await archive.close();
    expect(descriptorsOf(path)).toBe(0);
  });
});

function fail(): never {
  throw new Error('missing');
}
