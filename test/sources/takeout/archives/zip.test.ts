import { execFileSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GphotosfsError } from '../../../../src/model/errors.ts';
import { localFile } from '../../../../src/sources/takeout/archives/local-file.ts';
import { openArchive } from '../../../../src/sources/takeout/archives/open-archive.ts';
import { zipArchive } from '../../../../src/sources/takeout/archives/zip.ts';
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
import { writeZip, type ZipEntry, type ZipOptions } from '../../../helpers/zip-builder.ts';

let dir = '';
let counter = 0;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'gphotosfs-zip-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const newPath = () => join(dir, `${++counter}.zip`);

/** A zip of these entries, its layout, and its archive. */
function make(entries: readonly ZipEntry[], options: ZipOptions = {}) {
  const path = newPath();
  const layout = writeZip(path, entries, options);
  return { path, layout, archive: zipArchive(localFile(path)) };
}

const good = { name: 'Takeout/good.jpg', bytes: photo('good') };

describe('a good zip', () => {
  test.each([
    ['stored', {}],
    ['deflated', { deflate: true }],
    ['with a data descriptor', { deflate: true, descriptor: true }],
    ['stored with a data descriptor', { descriptor: true }],
    ['zip64', { zip64: true }],
    ['zip64 and deflated with a data descriptor', { zip64: true, deflate: true, descriptor: true }],
    ['with a local extra field', { localExtra: Buffer.alloc(500) }],
    ['with two extra fields', { deflate: true, localExtra: Buffer.alloc(8), centralExtra: Buffer.alloc(4) }],
  ])('is read: %s', async (_, options) => {
    const small = photo('small', 300);
    const large = Buffer.concat([photo('large', 900_000), Buffer.alloc(2_000_000, 'text ')]);
    const { archive } = make([
      { name: 'Takeout/small.jpg', bytes: small, ...options },
      { name: 'Takeout/large.mp4', bytes: large, ...options },
      { name: 'Takeout/empty.jpg', bytes: '', ...options },
    ]);
    const { entries, problems, small: kept } = await archive.list(never);
    expect(problems).toEqual([]);
    expect(kept).toBeUndefined();
    expect(entries.map(({ path, size, crc32 }) => ({ path, size, crc32 }))).toEqual([
      { path: 'Takeout/small.jpg', size: 300, crc32: crc32(small) },
      { path: 'Takeout/large.mp4', size: large.length, crc32: crc32(large) },
      { path: 'Takeout/empty.jpg', size: 0, crc32: 0 },
    ]);
    expect(await readPath(archive, 'small.jpg')).toEqual(small);
    expect((await readPath(archive, 'large.mp4')).equals(large)).toBe(true);
    expect(await readPath(archive, 'empty.jpg')).toEqual(Buffer.alloc(0));
    await archive.close();
  });

  test.each([false, true])('gives byte ranges (deflate: %s)', async (deflate) => {
    const bytes = photo('range', 1_500_000);
    const { archive } = make([good, { name: 'Takeout/x.mp4', bytes, deflate }, good]);
    const entry = await entryAt(archive, 'x.mp4');
    expect(entry.seekable).toBe(!deflate);
    const location = await locate(archive, entry);
    for (const [start, end] of [
      [0, 1],
      [1_000_000, 1_000_010],
      [131_071, 131_073],
      [1_499_999, 1_500_000],
      [1_400_000, 9_000_000],
      [1_500_000, 1_500_000],
      [500, 400],
    ] as const) {
      const got = await collect(archive.open(location, { start, end }));
      expect(got.equals(bytes.subarray(start, end)), `${start} to ${end}`).toBe(true);
    }
    await archive.close();
  });

  test('tells the time of the entry', async () => {
    const mtime = new Date('2026-03-04T05:06:08Z');
    const { archive } = make([{ ...good, mtime }]);
    expect((await entryAt(archive, 'good.jpg')).modified).toBe(mtime.getTime() / 1000);
  });

  test('may be empty, have a comment, folders and bytes behind the end', async () => {
    expect((await make([]).archive.list(never)).entries).toEqual([]);
    const comment = Buffer.from(`a comment with PK\x05\x06 in it ${'x'.repeat(30)}`, 'latin1');
    const { path, archive } = make([{ name: 'Takeout/', bytes: '', mode: 0o040755 }, good], { comment });
    writeFileSync(path, Buffer.alloc(100), { flag: 'a' });
    const { entries, problems } = await archive.list(never);
    expect(entries.map((entry) => entry.path)).toEqual(['Takeout/good.jpg']);
    expect(problems).toEqual([]);
  });

  test('has entries over 4 GiB, beyond 4 GiB', async () => {
    const zeros = 5 * 1024 ** 3;
    const { path, archive, layout } = make([
      { name: 'Takeout/huge.mp4', bytes: { zeros } },
      { name: 'Takeout/behind.jpg', bytes: good.bytes },
    ]);
    expect(statSync(path).blocks * 512, 'the file is sparse').toBeLessThan(64 * 1024 ** 2);
    const { entries, problems } = await archive.list(never);
    expect(problems).toEqual([]);
    expect(entries[0]?.size).toBe(zeros);
    expect(entries[0]?.crc32).toBe(layout.entries[0]?.crc32);
    expect(entries[1]?.offset).toBeGreaterThan(zeros);
    expect(await readPath(archive, 'behind.jpg')).toEqual(good.bytes);
    const end = await readPath(archive, 'huge.mp4', { start: zeros - 5 });
    expect(end).toEqual(Buffer.alloc(5));
    await archive.close();
  });

  test('has more than 65,535 entries', async () => {
    const entries = Array.from({ length: 70_000 }, (_, at) => ({
      name: `Takeout/${at}.jpg`,
      bytes: `${at}`,
    }));
    // With zip64 records, and as old writers did it: the count modulo 65,536.
    for (const options of [{}, { lie: { count: 70_000 % 65_536 } }]) {
      const { archive } = make(entries, options);
      const listing = await archive.list(never);
      expect(listing.problems).toEqual([]);
      expect(listing.entries).toHaveLength(70_000);
      expect(String(await readPath(archive, 'Takeout/69999.jpg'))).toBe('69999');
      await archive.close();
    }
  });

  test('of a Takeout, in parts, with sidecars read in bulk', async () => {
    const paths = await buildTakeout(join(dir, 'export'), {
      parts: 2,
      compress: true,
      entries: Array.from({ length: 300 }, (_, at) => ({
        folder: 'Photos from 2021',
        name: `IMG_${at}.jpg`,
        bytes: photo(at, at % 50 === 0 ? 200_000 : 1000),
        takenAt: 1_600_000_000 + at,
      })),
      albums: [{ folder: 'Ätna' }],
    });
    expect(paths.map((path) => path.slice(-35))).toEqual(
      ['takeout-20260101T120000Z-3-001.zip', 'takeout-20260101T120000Z-3-002.zip'].map((name) => `/${name}`),
    );
    for (const [part, path] of paths.entries()) {
      const archive = await openArchive(path);
      const { entries } = await archive.list(never);
      const sidecars = entries.filter((entry) => entry.path.endsWith('.json')).reverse();
      const read = await readAllSmall(archive, sidecars);
      expect(read).toHaveLength(part === 0 ? 151 : 150);
      expect(read.every((one, at) => at === 0 || one.entry.offset > (read[at - 1]?.entry.offset ?? 0))).toBe(
        true,
      );
      for (const { entry, bytes, problem } of read) {
        expect(problem).toBeUndefined();
        const { title } = JSON.parse(String(bytes));
        if (entry.path.includes('2021')) expect(entry.path).toContain(`/${title}.supplemental`);
        else expect(title).toBe('Ätna');
      }
      await archive.close();
    }
  });
});

describe('names', () => {
  test('UTF-8 with and without the flag, CP437, Unicode path field, backslashes', async () => {
    const raw = Buffer.from('caf.jpg');
    const unicode = Buffer.from('Takeout/café.jpg');
    const field = Buffer.concat([
      Buffer.from([0x75, 0x70, 5 + unicode.length, 0, 1]),
      Buffer.alloc(4),
      unicode,
    ]);
    field.writeUInt32LE(crc32(raw), 5);
    const { archive } = make([
      { name: 'Takeout/Zürich/e\u0301.jpg', bytes: 'a' },
      { name: Buffer.from('Takeout/Zürich/macOS.jpg'), bytes: 'b' },
      { name: Buffer.from([...Buffer.from('Takeout/Z'), 0x81, ...Buffer.from('rich.jpg')]), bytes: 'c' },
      { name: raw, bytes: 'd', centralExtra: field },
      { name: Buffer.from('Takeout\\win.jpg'), bytes: 'e' },
    ]);
    const { entries, problems } = await archive.list(never);
    expect(problems).toEqual([]);
    expect(entries.map((entry) => entry.path)).toEqual([
      'Takeout/Zürich/\u00e9.jpg',
      'Takeout/Zürich/macOS.jpg',
      'Takeout/Zürich.jpg',
      'Takeout/café.jpg',
      'Takeout/win.jpg',
    ]);
    for (const [at, entry] of entries.entries())
      expect(String(await collect(archive.open(await locate(archive, entry), {})))).toBe('abcde'[at]);
  });

  test('that climb out are refused, one by one', async () => {
    const bad = [
      '../evil.jpg',
      '/etc/evil',
      'C:/evil',
      '..\\evil',
      'Takeout/../../evil',
      'a\0b',
      `a/${'x'.repeat(5000)}`,
    ];
    const { path, archive } = make([...bad.map((name) => ({ name, bytes: 'x' })), good]);
    const { entries, problems } = await archive.list(never);
    expect(entries.map((entry) => entry.path)).toEqual(['Takeout/good.jpg']);
    expect(problems).toHaveLength(bad.length);
    for (const { where, remedy } of problems) {
      expect(where.startsWith(`${path}: `)).toBe(true);
      expect(remedy).not.toBe('');
    }
    expect(problems[0]?.where).toBe(`${path}: ../evil.jpg`);
    expect(problems[5]?.where).toBe(`${path}: a\\u{0000}b`);
  });
});

describe('entries that are left out', () => {
  test.each<[string, Partial<ZipEntry>, RegExp]>([
    ['encrypted', { lie: { flags: 0x1 } }, /encrypted/],
    ['strongly encrypted', { lie: { flags: 0x41 } }, /encrypted/],
    ['of another compression method', { lie: { method: 12 } }, /method 12/],
    ['a symbolic link', { mode: 0o120777 }, /symbolic link/],
    ['a device', { mode: 0o020644 }, /not a regular file/],
    ['a bomb by its ratio', { deflate: true, lie: { size: 10_000_000 } }, /cannot hold/],
    ['stored, of two sizes', { lie: { size: 11 } }, /said to hold 11/],
    ['reaching beyond the directory', { lie: { headerOffset: 1_000_000 } }, /beyond/],
    ['larger than the archive', { lie: { size: 2 ** 40, compressedSize: 2 ** 40 } }, /beyond/],
    ['with a broken extra field', { centralExtra: Buffer.from([1, 2, 200, 0]) }, /damaged/],
  ])('%s', async (_, special, what) => {
    const { path, archive } = make([
      good,
      { name: 'Takeout/bad.jpg', bytes: 'some bytes', ...special },
      { ...good, name: 'Takeout/after.jpg' },
    ]);
    const { entries, problems } = await archive.list(never);
    expect(entries.map((entry) => entry.path)).toEqual(['Takeout/good.jpg', 'Takeout/after.jpg']);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.where).toBe(`${path}: Takeout/bad.jpg`);
    expect(problems[0]?.what).toMatch(what);
    expect(problems[0]?.remedy).toMatch(/\.$/);
    expect(await readPath(archive, 'after.jpg')).toEqual(good.bytes);
  });

  test('overlapping ones', async () => {
    const path = newPath();
    const first = writeZip(path, [good]).entries[0];
    // The second has the first's bytes as its own; the third reaches over the fourth.
    const { archive } = make([
      good,
      { name: 'Takeout/alias.jpg', bytes: good.bytes, lie: { headerOffset: first?.headerOffset ?? 0 } },
      { name: 'Takeout/long.jpg', bytes: photo(3), lie: { size: 2500, compressedSize: 2500 } },
      { name: 'Takeout/last.jpg', bytes: photo(4) },
    ]);
    const { entries, problems } = await archive.list(never);
    expect(entries.map((entry) => entry.path)).toEqual(['Takeout/good.jpg', 'Takeout/last.jpg']);
    expect(problems.map(({ where, what }) => [where.split(': ')[1], what.includes('overlap')])).toEqual([
      ['Takeout/alias.jpg', true],
      ['Takeout/long.jpg', true],
    ]);
  });

  test('very many are counted, not listed', async () => {
    const { archive } = make(
      Array.from({ length: 350 }, (_, at) => ({ name: `${at}`, bytes: 'x', lie: { flags: 1 } })),
    );
    const { entries, problems } = await archive.list(never);
    expect(entries).toEqual([]);
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)?.what).toMatch(/^250 more entries/);
  });
});

describe('a broken archive is refused', () => {
  test('cut off anywhere', async () => {
    const { path, layout } = make([good, { ...good, name: 'Takeout/b.jpg' }]);
    for (const length of [layout.size - 1, layout.size - 22, layout.directoryOffset, 1000, 4]) {
      const cut = newPath();
      copyFileSync(path, cut);
      truncateSync(cut, length);
      const error = await failureOf(zipArchive(localFile(cut)).list(never));
      expect(error.kind, `${length} of ${layout.size} bytes`).toBe('bad-source');
      expect(error.message).toContain(cut);
      expect(error.hint).toMatch(/Download this part again/);
    }
  });

  test.each<[string, ZipOptions, RegExp]>([
    ['directory beyond the end', { lie: { directoryOffset: 10_000_000 } }, /beyond its end/],
    ['directory larger than the file', { lie: { directorySize: 10_000_000 } }, /beyond its end/],
    [
      'zip64 directory larger than anything',
      { zip64: true, lie: { directorySize: 2 ** 52 } },
      /beyond its end/,
    ],
    ['one of several disks', { lie: { disk: 1 } }, /several disks/],
    ['one of several zip64 disks', { zip64: true, lie: { disk: 1 } }, /several disks/],
  ])('%s', async (_, options, message) => {
    const error = await failureOf(make([good], options).archive.list(never));
    expect(error.kind).toBe('bad-source');
    expect(error.message).toMatch(message);
    expect(error.hint).toBeDefined();
  });

  test('a wrong count, and damage in the directory, cost only what is damaged', async () => {
    const wrong = await make([good], { lie: { count: 7 } }).archive.list(never);
    expect(wrong.entries).toHaveLength(1);
    expect(wrong.problems[0]?.what).toMatch(/holds 1 entries, its end record says 7/);

    const { path, layout, archive } = make([
      good,
      { ...good, name: 'Takeout/b.jpg' },
      { ...good, name: 'Takeout/c.jpg' },
    ]);
    const fd = openSync(path, 'r+');
    writeSync(fd, 'XX', layout.directoryOffset + 46 + good.name.length);
    closeSync(fd);
    const damaged = await archive.list(never);
    expect(damaged.entries.map((entry) => entry.path)).toEqual(['Takeout/good.jpg']);
    expect(damaged.problems[0]?.what).toMatch(/directory is damaged/);
  });

  test('what is no zip', async () => {
    const path = newPath();
    writeFileSync(path, '<html>Sign in</html>');
    expect((await failureOf(openArchive(path))).message).toContain(`${path} is neither a zip nor a tgz`);
    writeFileSync(path, '');
    expect((await failureOf(openArchive(path))).message).toContain(`${path} is empty`);
    expect((await failureOf(openArchive(join(dir, 'missing.zip')))).kind).toBe('source-gone');
  });
});

describe('bytes that are not what the directory says', () => {
  const text = Buffer.alloc(3_000_000, 'zeros and text ');
  test.each<[string, ZipEntry, RegExp]>([
    [
      'inflate to more',
      { name: 'x', bytes: text, deflate: true, lie: { size: 2_999_999 } },
      /more than the 2999999/,
    ],
    ['inflate to far more', { name: 'x', bytes: text, deflate: true, lie: { size: 10 } }, /more than the 10/],
    [
      'inflate to less',
      { name: 'x', bytes: text, deflate: true, lie: { size: 3_000_001 } },
      /3000000 bytes instead/,
    ],
    [
      'small, inflate to more',
      { name: 'x', bytes: 'abc', deflate: true, lie: { size: 2 } },
      /more than the 2/,
    ],
    [
      'small, inflate to less',
      { name: 'x', bytes: 'abc', deflate: true, lie: { size: 4 } },
      /3 bytes instead of 4/,
    ],
    [
      'do not inflate',
      { name: 'x', bytes: 'abc', deflate: true, lie: { data: Buffer.from('garbage!') } },
      /damaged/,
    ],
    [
      'do not inflate to the end',
      { name: 'x', bytes: text, deflate: true, lie: { data: deflateRawSync(text).subarray(0, -50) } },
      /damaged/,
    ],
    [
      'have no local header',
      { name: 'x', bytes: 'abc', lie: { localSignature: 0x12345678 } },
      /no entry at byte/,
    ],
    ['belong to another entry', { name: 'x', bytes: 'abc', lie: { headerOffset: 0 } }, /contradicts itself/],
  ])('%s', async (_, entry, message) => {
    const { path, archive } = make(
      entry.lie?.headerOffset === 0 ? [{ ...good, lie: { headerOffset: 3000 } }, entry] : [entry],
    );
    const { entries } = await archive.list(never);
    const listed = entries.find((one) => one.path === 'x');
    if (listed === undefined) throw new Error('the entry must be listed');
    const location = await locate(archive, listed);
    let given = 0;
    const error = await failureOf(
      (async () => {
        for await (const chunk of archive.open(location, {})) given += chunk.length;
      })(),
    );
    expect(error.kind).toBe('bad-content');
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
    expect(given).toBeLessThanOrEqual(listed.size);

    const [small] = await readAllSmall(archive, [listed], 1e9);
    expect(small?.bytes).toBeUndefined();
    expect(small?.problem?.what).toMatch(message);
    await archive.close();
    expect(descriptorsOf(path)).toBe(0);
  });

  test('a bomb stops at once', async () => {
    const zeros = 512 * 1024 ** 2;
    // Damage behind the first fifth: whoever inflates that far meets another error.
    const data = deflateRawSync(Buffer.alloc(zeros));
    data.fill(0xff, Math.floor(data.length / 5));
    const { archive } = make([
      { name: 'bomb', bytes: { zeros: 0 }, deflate: true, lie: { data, size: 1_000_000 } },
    ]);
    const location = await locate(archive, await entryAt(archive, 'bomb'));
    const before = process.memoryUsage().arrayBuffers;
    expect((await failureOf(collect(archive.open(location, {})))).message).toMatch(/more than the 1000000/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 ** 2);
  });

  test('a sidecar with a wrong CRC-32, one too large, one fine', async () => {
    const { archive } = make([
      { name: 'crc.json', bytes: '{}', lie: { crc32: 1 } },
      { name: 'large.json', bytes: 'x'.repeat(5000), deflate: true },
      { name: 'fine.json', bytes: '{"a":1}', localExtra: Buffer.alloc(900) },
    ]);
    const { entries } = await archive.list(never);
    const read = await readAllSmall(archive, entries, 1000);
    const byPath = Object.fromEntries(read.map((one) => [one.entry.path, one]));
    expect(byPath['crc.json']?.problem?.what).toMatch(/CRC-32/);
    expect(byPath['large.json']?.problem?.what).toMatch(/larger than the 1000 bytes/);
    expect(String(byPath['fine.json']?.bytes)).toBe('{"a":1}');
  });
});

test('random damage never ends in anything but a clear error, nor in more bytes than declared', async () => {
  const { path, layout } = make([
    { name: 'Takeout/a.jpg', bytes: photo(1, 400) },
    { name: 'Takeout/b.json', bytes: '{"title": "b"}'.repeat(20), deflate: true, zip64: true },
    { name: 'Takeout/c.jpg', bytes: photo(2, 300), deflate: true, descriptor: true },
  ]);
  const bytes = readFileSync(path);
  // Most hits where they hurt: in the directory and the end records.
  const place = fc.oneof(
    fc.nat(bytes.length - 1),
    fc.integer({ min: layout.directoryOffset, max: bytes.length - 1 }),
  );
  const outcomes = { whole: 0, damaged: 0 };
  const known = (error: unknown) => {
    outcomes.damaged++;
    if (!(error instanceof GphotosfsError) || error.kind === 'internal') throw error;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }), async (hits) => {
      const broken = Buffer.from(bytes);
      for (const [at, value] of hits) broken[at] = value;
      const file = join(dir, 'fuzz.zip');
      writeFileSync(file, broken);
      const archive = zipArchive(localFile(file));
      try {
        const { entries, problems } = await archive.list(never);
        outcomes.damaged += problems.length;
        for (const entry of entries) {
          let given = 0;
          try {
            for await (const chunk of archive.open(await locate(archive, entry), {})) given += chunk.length;
            outcomes.whole++;
          } catch (error) {
            known(error);
          }
          expect(given).toBeLessThanOrEqual(entry.size);
        }
        await readAllSmall(archive, entries);
      } catch (error) {
        known(error);
      } finally {
        await archive.close();
      }
    }),
    { numRuns: 300 },
  );
  expect(outcomes.whole).toBeGreaterThan(100);
  expect(outcomes.damaged).toBeGreaterThan(100);
});

describe('an archive that changes or vanishes', () => {
  test('is not read with old offsets', async () => {
    const { path, archive } = make([good]);
    const location = await locate(archive, await entryAt(archive, 'good.jpg'));
    expect(await collect(archive.open(location, {}))).toEqual(good.bytes);

    // Another file at the same path, of the same size, while ours is open.
    const other = newPath();
    writeZip(other, [{ ...good, bytes: photo('other') }]);
    rmSync(path);
    copyFileSync(other, path);
    utimesSync(path, 1, 1);
    const error = await failureOf(collect(archive.open(location, {})));
    expect(error.kind).toBe('source-changed');
    expect(error.hint).toMatch(/gphotosfs sync/);
    expect((await failureOf(readAllSmall(archive, []))).kind).toBe('source-changed');
    // A new look takes it as it is now.
    expect(await readPath(archive, 'good.jpg')).toEqual(photo('other'));

    rmSync(path);
    expect((await failureOf(collect(archive.open(location, {})))).kind).toBe('source-gone');
    expect((await failureOf(archive.fingerprint())).kind).toBe('source-gone');
    await archive.close();
    expect(descriptorsOf(path)).toBe(0);
  });

  test('cut off while open', async () => {
    const { path, archive } = make([{ ...good, bytes: photo(1, 3_000_000) }]);
    const location = await locate(archive, await entryAt(archive, 'good.jpg'));
    const error = await failureOf(
      (async () => {
        for await (const _ of archive.open(location, {})) truncateSync(path, 200_000);
      })(),
    );
    expect(['bad-source', 'source-changed']).toContain(error.kind);
  });
});

describe('stopping', () => {
  test.each([false, true])('early leaves nothing behind (deflate: %s)', async (deflate) => {
    const { path, archive } = make([{ ...good, bytes: photo(1, 5_000_000), deflate }]);
    const location = await locate(archive, await entryAt(archive, 'good.jpg'));
    for (let round = 0; round < 20; round++) for await (const _ of archive.open(location, {})) break;
    expect(descriptorsOf(path)).toBe(1);
    await archive.close();
    expect(descriptorsOf(path)).toBe(0);
  });

  test('the file stays open for a reader when the archive is closed', async () => {
    const bytes = photo(1, 3_000_000);
    const { path, archive } = make([{ ...good, bytes }]);
    const location = await locate(archive, await entryAt(archive, 'good.jpg'));
    const chunks: Buffer[] = [];
    for await (const chunk of archive.open(location, {})) {
      await archive.close();
      chunks.push(chunk);
    }
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(descriptorsOf(path)).toBe(0);
  });

  test.each([false, true])('by signal (deflate: %s)', async (deflate) => {
    const { archive } = make([{ ...good, bytes: photo(1, 5_000_000), deflate }]);
    const location = await locate(archive, await entryAt(archive, 'good.jpg'));
    const controller = new AbortController();
    let given = 0;
    const error = await failureOf(
      (async () => {
        for await (const chunk of archive.open(location, { signal: controller.signal })) {
          given += chunk.length;
          controller.abort();
        }
      })(),
    );
    expect(error.kind).toBe('interrupted');
    expect(given).toBeLessThan(5_000_000);
    expect((await failureOf(archive.list(controller.signal))).kind).toBe('interrupted');
  });

  test('many readers at a time share one descriptor', async () => {
    const { path, archive } = make([{ ...good, bytes: photo(1, 1_000_000), deflate: true }]);
    const location = await locate(archive, await entryAt(archive, 'good.jpg'));
    const all = await Promise.all(Array.from({ length: 30 }, () => collect(archive.open(location, {}))));
    expect(all.every((bytes) => bytes.equals(photo(1, 1_000_000)))).toBe(true);
    expect(descriptorsOf(path)).toBe(1);
    await archive.close();
  });
});

describe('zips that others wrote', () => {
  const script = `
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1], 'w')
z.writestr('Takeout/stored.jpg', b'stored bytes')
z.writestr('Takeout/deflated ä.jpg', b'deflated bytes' * 1000, zipfile.ZIP_DEFLATED)
with z.open(zipfile.ZipInfo('Takeout/streamed.jpg'), 'w', force_zip64=True) as f: f.write(b'streamed')
z.writestr('Takeout/bz.jpg', b'bz bytes' * 100, zipfile.ZIP_BZIP2)
z.close()
`;
  test("Python's zipfile", async () => {
    const path = newPath();
    execFileSync('python3', ['-c', script, path]);
    const archive = await openArchive(path);
    const { entries, problems } = await archive.list(never);
    expect(entries).toHaveLength(3);
    expect(problems.map(({ what }) => what)).toEqual([expect.stringMatching(/method 12/)]);
    expect(String(await readPath(archive, 'stored.jpg'))).toBe('stored bytes');
    expect(String(await readPath(archive, 'ä.jpg'))).toBe('deflated bytes'.repeat(1000));
    expect(String(await readPath(archive, 'streamed.jpg'))).toBe('streamed');
  });

  test('behind a program (self-extracting)', async () => {
    const path = newPath();
    const make = `
import sys, zipfile
with open(sys.argv[1], 'wb') as f: f.write(b'#!/bin/sh' + bytes(1000))
with zipfile.ZipFile(sys.argv[1], 'a') as z: z.writestr('Takeout/a.jpg', b'some bytes')
`;
    execFileSync('python3', ['-c', make, path]);
    expect(String(await readPath(await openArchive(path), 'a.jpg'))).toBe('some bytes');
  });

  test("and Python's zipfile finds nothing wrong with the builder's", () => {
    const { path } = make(
      [
        good,
        { name: 'Ä.jpg', bytes: photo(2), deflate: true, zip64: true },
        { name: 'd', bytes: 'd', descriptor: true },
      ],
      {
        zip64: true,
      },
    );
    const out = execFileSync('python3', [
      '-c',
      'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), len(z.namelist()))',
      path,
    ]);
    expect(String(out).trim()).toBe('None 3');
    expect(readFileSync(path).readUInt32LE(0)).toBe(0x04034b50);
  });
});
