import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { folderArchive } from '../../../../src/sources/takeout/archives/folder.ts';
import { openArchive } from '../../../../src/sources/takeout/archives/open-archive.ts';
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

const base = mkdtempSync(join(tmpdir(), 'gphotosfs-folder-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let root = '';
let counter = 0;
beforeEach(() => {
  root = join(base, String(++counter));
  mkdirSync(join(root, 'Takeout', 'a'), { recursive: true });
});

const write = (path: string, bytes: Buffer | string) => writeFileSync(join(root, path), bytes);

describe('a folder', () => {
  test('is listed, read whole, in ranges and in bulk', async () => {
    const [path = ''] = await buildTakeout(join(root, 'export'), {
      format: 'folder',
      entries: Array.from({ length: 130 }, (_, at) => ({
        folder: 'Photos from 2021',
        name: `IMG_${at}.jpg`,
        bytes: photo(at, 3000),
      })),
      files: [{ path: 'Takeout/big.mp4', bytes: photo('big', 3_000_000) }],
    });
    const archive = await openArchive(path);
    expect(archive.sequential).toBe(false);
    const { entries, problems, small } = await archive.list(never);
    expect(problems).toEqual([]);
    expect(small).toBeUndefined();
    expect(entries).toHaveLength(261);
    expect(
      entries.every(({ crc32, seekable, offset }, at) => crc32 === undefined && seekable && offset === at),
    ).toBe(true);
    expect(entries[0]?.modified).toBe(Date.UTC(2026, 0, 1, 12) / 1000);
    expect((await readPath(archive, 'big.mp4')).equals(photo('big', 3_000_000))).toBe(true);
    expect(await readPath(archive, 'big.mp4', { start: 2_000_000, end: 2_000_007 })).toEqual(
      photo('big', 3_000_000).subarray(2_000_000, 2_000_007),
    );
    const sidecars = entries.filter((entry) => entry.path.endsWith('.json'));
    const read = await readAllSmall(archive, sidecars.reverse());
    expect(read).toHaveLength(130);
    for (const { entry, bytes } of read)
      expect(entry.path).toContain(`/${JSON.parse(String(bytes)).title}.supp`);
    expect((await readAllSmall(archive, entries.slice(0, 1), 10))[0]?.problem?.what).toMatch(/larger than/);
    expect(descriptorsOf(path)).toBe(0);
  });

  test('names are NFC, the order is that of their bytes, and NFD files open', async () => {
    const names = ['e\u0301.jpg', 'z.jpg', '\uffee.jpg', '😀.jpg', 'é.png', 'Z.jpg', 'line\nbreak.jpg'];
    for (const name of names) write(`Takeout/a/${name}`, name);
    write('Takeout/a.jpg', '');
    const archive = folderArchive(root);
    const { entries } = await archive.list(never);
    expect(entries.map(({ path }) => path)).toEqual([
      'Takeout/a.jpg',
      'Takeout/a/Z.jpg',
      'Takeout/a/line\nbreak.jpg',
      'Takeout/a/z.jpg',
      'Takeout/a/\u00e9.jpg',
      'Takeout/a/\u00e9.png',
      'Takeout/a/\uffee.jpg',
      'Takeout/a/😀.jpg',
    ]);
    expect(String(await readPath(archive, '\u00e9.jpg'))).toBe('e\u0301.jpg');
  });

  test('its fingerprint changes with size, time and names, and not otherwise', async () => {
    write('Takeout/a/1.jpg', 'one');
    const archive = folderArchive(root);
    const seen = [await archive.fingerprint()];
    expect(await folderArchive(root).fingerprint()).toBe(seen[0]);
    write('Takeout/a/2.jpg', 'two');
    seen.push(await archive.fingerprint());
    utimesSync(join(root, 'Takeout/a/1.jpg'), 5, 5);
    seen.push(await archive.fingerprint());
    renameSync(join(root, 'Takeout/a/1.jpg'), join(root, 'Takeout/a/3.jpg'));
    seen.push(await archive.fingerprint());
    expect(new Set(seen).size).toBe(4);
    // The listing is the one that was fingerprinted, and later ones are fresh.
    expect((await archive.list(never)).entries).toHaveLength(2);
    write('Takeout/a/4.jpg', 'four');
    expect((await archive.list(never)).entries).toHaveLength(3);
  });
});

describe('bad input', () => {
  test('links, FIFOs and impossible names are left out', async () => {
    write('Takeout/a/good.jpg', 'good');
    symlinkSync('/etc/passwd', join(root, 'Takeout/a/link.jpg'));
    symlinkSync('/etc', join(root, 'Takeout/etc'));
    execFileSync('mkfifo', [join(root, 'Takeout/a/fifo.jpg')]);
    writeFileSync(
      Buffer.concat([Buffer.from(`${root}/Takeout/a/`), Buffer.from([0xff, 0xfe]), Buffer.from('.jpg')]),
      'x',
    );
    write('Takeout/a/back\\slash.jpg', 'x');
    const { entries, problems } = await folderArchive(root).list(never);
    expect(entries.map(({ path }) => path)).toEqual(['Takeout/a/good.jpg']);
    const whats = Object.fromEntries(problems.map(({ where, what }) => [where.slice(root.length + 2), what]));
    expect(whats).toEqual({
      'Takeout/a/link.jpg': 'it is a symbolic link',
      'Takeout/etc': 'it is a symbolic link',
      'Takeout/a/fifo.jpg': 'it is not a regular file',
      'Takeout/a/ÿþ.jpg': 'its name is not valid UTF-8',
      'Takeout/a/back\\slash.jpg': 'its name contains a backslash',
    });
  });

  test.skipIf(process.getuid?.() === 0)('a folder that may not be read is a problem', async () => {
    write('Takeout/good.jpg', 'good');
    chmodSync(join(root, 'Takeout/a'), 0);
    const { entries, problems } = await folderArchive(root).list(never);
    chmodSync(join(root, 'Takeout/a'), 0o755);
    expect(entries).toHaveLength(1);
    expect(problems[0]?.what).toMatch(/can't be read \(EACCES\)/);
  });

  test('a folder that is gone', async () => {
    const archive = folderArchive(join(root, 'missing'));
    expect((await failureOf(archive.list(never))).kind).toBe('source-gone');
    expect((await failureOf(archive.fingerprint())).kind).toBe('source-gone');
  });

  const swaps: [string, () => void, string][] = [
    ['other bytes', () => write('Takeout/a/1.jpg', 'changed'), 'source-changed'],
    ['another time', () => utimesSync(join(root, 'Takeout/a/1.jpg'), 5, 5), 'source-changed'],
    ['nothing', () => rmSync(join(root, 'Takeout/a/1.jpg')), 'source-gone'],
    [
      'a link to the very same file',
      () => {
        renameSync(join(root, 'Takeout/a/1.jpg'), join(root, 'moved.jpg'));
        symlinkSync('../../moved.jpg', join(root, 'Takeout/a/1.jpg'));
      },
      'source-changed',
    ],
    [
      'a folder that is a link',
      () => {
        renameSync(join(root, 'Takeout/a'), join(root, 'outside'));
        symlinkSync('../outside', join(root, 'Takeout/a'));
      },
      'source-changed',
    ],
    [
      'a FIFO',
      () => {
        rmSync(join(root, 'Takeout/a/1.jpg'));
        execFileSync('mkfifo', [join(root, 'Takeout/a/1.jpg')]);
      },
      'source-changed',
    ],
    [
      'a folder',
      () => {
        rmSync(join(root, 'Takeout/a/1.jpg'));
        mkdirSync(join(root, 'Takeout/a/1.jpg'));
      },
      'source-changed',
    ],
  ];
  test.each(swaps)('a file replaced by %s is not read', async (_, swap, kind) => {
    write('Takeout/a/1.jpg', 'original');
    const archive = folderArchive(root);
    const entry = await entryAt(archive, '1.jpg');
    const location = await locate(archive, entry);
    expect(String(await collect(archive.open(location, {})))).toBe('original');
    swap();
    const error = await failureOf(collect(archive.open(location, {})));
    expect(error.kind).toBe(kind);
    expect(error.message).toContain(join(root, 'Takeout/a/1.jpg'));
    expect(error.hint).toBeDefined();
    const [small] = await readAllSmall(archive, [entry]);
    expect(small?.bytes).toBeUndefined();
    expect(small?.problem?.where).toContain('Takeout/a/1.jpg');
    expect(descriptorsOf(root)).toBe(0);
  });

  test('a file that changes while it is read does not end well', async () => {
    const path = join(root, 'Takeout/a/1.mp4');
    writeFileSync(path, photo(1, 3_000_000));
    const archive = folderArchive(root);
    const location = await locate(archive, await entryAt(archive, '1.mp4'));
    let given = 0;
    const error = await failureOf(
      (async () => {
        for await (const chunk of archive.open(location, {})) {
          given += chunk.length;
          appendFileSync(path, 'x');
        }
      })(),
    );
    expect(error.kind).toBe('source-changed');
    expect(given).toBeLessThan(3_000_000);
    expect(descriptorsOf(root)).toBe(0);
  });

  test('an address that climbs out is refused', async () => {
    write('Takeout/a/1.jpg', 'x');
    const archive = folderArchive(join(root, 'Takeout'));
    const location = await locate(archive, await entryAt(archive, '1.jpg'));
    for (const raw of ['../secret', '/etc/passwd', 'a/../../secret', 'a//1.jpg'])
      expect((await failureOf(collect(archive.open({ ...location, address: `1:1:${raw}` }, {})))).kind).toBe(
        'internal',
      );
  });

  test('stopping early and by signal', async () => {
    write('Takeout/a/1.mp4', photo(1, 3_000_000));
    const archive = folderArchive(root);
    const location = await locate(archive, await entryAt(archive, '1.mp4'));
    for await (const _ of archive.open(location, {})) break;
    expect(descriptorsOf(root)).toBe(0);
    const controller = new AbortController();
    const stopped = await failureOf(
      (async () => {
        for await (const _ of archive.open(location, { signal: controller.signal })) controller.abort();
      })(),
    );
    expect(stopped.kind).toBe('interrupted');
    expect((await failureOf(archive.list(controller.signal))).kind).toBe('interrupted');
    expect(readdirSync(join(root, 'Takeout/a'))).toEqual(['1.mp4']);
    expect(descriptorsOf(root)).toBe(0);
  });
});
