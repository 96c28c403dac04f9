/** What lies in the cache without a record, or other than recorded: its bytes decide whether it is fetched again. */
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statOf } from '../../src/cache/cached-file.ts';
import { dropCached, getCached, listSuperseded } from '../../src/index/cached.ts';
import { getRevision } from '../../src/index/revisions.ts';
import { getInode } from '../../src/index/tree.ts';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  exportOf,
  photo,
  type TestHome,
} from '../helpers/test-home.ts';

const bytes = distinctBytes(5, 200_000);
const path = 'years/2021/a.jpg';
let test: TestHome;
let file: string;

beforeEach(async () => {
  test = await createTestHome({ exports: [exportOf([photo('a.jpg', bytes)])] });
  file = join(test.cachePath, path);
});
afterEach(() => test.remove());

const recorded = () => {
  const { sha256: _, ...stat } = getCached(test.index, test.ino(path)) ?? { sha256: undefined };
  return stat;
};
const expectRecorded = () => expect(recorded()).toEqual(statOf(statSync(file)));

describe('a cached file without a record', () => {
  it('(a crash came before the row) is taken as it is, without a fetch', async () => {
    await test.ensure(path);
    dropCached(test.index, test.ino(path));
    expect(await test.ensure(path)).toBe('cached');
    expect(test.source.opened).toEqual(['a.jpg']);
    expectRecorded();
    expectBytes(await test.read(path), bytes);
  });

  it('(the same, found by a reader) is taken as it is', async () => {
    await test.ensure(path);
    dropCached(test.index, test.ino(path));
    expectBytes(await test.read(path, 1000, 5000), bytes.subarray(1000, 6000));
    expect(test.source.opened).toEqual(['a.jpg']);
    expectRecorded();
  });

  it('(copied by its owner, with the time of the copy) is taken and gets its time', async () => {
    await test.cache;
    mkdirSync(join(test.cachePath, 'years/2021'), { recursive: true });
    writeFileSync(file, bytes);
    expect(await test.ensure(path)).toBe('cached');
    expect(test.source.opened).toEqual([]);
    expect(statSync(file).mtimeMs).toBe(1_625_097_600_000);
    expectRecorded();
  });

  it('with other bytes of the same length is fetched, and kept aside', async () => {
    await test.cache;
    mkdirSync(join(test.cachePath, 'years/2021'), { recursive: true });
    const other = Buffer.alloc(bytes.length, 'other');
    writeFileSync(file, other);
    expect(await test.ensure(path)).toBe('fetched');
    expectBytes(test.cached(path), bytes);
    expectBytes(test.cached(`.gphotosfs/superseded/${test.superseded()[0]}`), other);
  });
});

describe('a crash between the rename of a revision and its row', () => {
  it('costs nothing: the new bytes are recognised, the old ones are still kept', async () => {
    const revise = (text: string, id: string, time: number) =>
      exportOf([photo('r.jpg', text, { photoId: 'p' })], { id, time });
    await test.sync([revise('old', 'e1', 1), revise('newer', 'e2', 2)].slice(0, 1));
    const revised = 'years/2021/r.jpg';
    await test.ensure(revised);
    await test.sync([revise('old', 'e1', 1), revise('newer', 'e2', 2)]);
    const ino = test.ino(revised);
    expect(getRevision(test.index, ino)).toMatchObject({ size: 5 });
    // What publishing does up to the moment of the crash.
    const place = join(test.cachePath, revised);
    renameSync(place, join(test.cachePath, '.gphotosfs/superseded/kept.jpg'));
    writeFileSync(place, 'newer');
    const opened = test.source.opened.length;
    expect(await test.ensure(revised)).toBe('cached');
    expect(test.source.opened).toHaveLength(opened);
    expect(getInode(test.index, ino)?.size).toBe(5);
    expect(getRevision(test.index, ino)).toBeUndefined();
    expect((await test.read(revised)).toString()).toBe('newer');
    expect(test.superseded()).toEqual(['kept.jpg']);
  });
});

describe('a cached file that someone', () => {
  beforeEach(async () => {
    expect(await test.ensure(path)).toBe('fetched');
  });
  const expectRefetched = async () => {
    expectBytes(await test.read(path), bytes);
    expect(await test.ensure(path)).toMatch(/cached|fetched/);
    expect(test.source.opened).toHaveLength(2);
    expectBytes(test.cached(path), bytes);
    expectRecorded();
  };

  it('touched is hashed and recorded anew, with its time', async () => {
    utimesSync(file, 1, 1);
    expectBytes(await test.read(path), bytes);
    expect(test.source.opened).toHaveLength(1);
    expect(statSync(file).mtimeMs).toBe(1_625_097_600_000);
    expectRecorded();
  });

  it('copied over itself (another inode) is hashed and recorded anew', async () => {
    copyFileSync(file, `${file}.copy`);
    renameSync(`${file}.copy`, file);
    expectBytes(await test.read(path), bytes);
    expect(test.source.opened).toHaveLength(1);
    expectRecorded();
  });

  it('changed in one bit is fetched again, and the changed bytes are kept', async () => {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(1000) ^ 1, 1000);
    writeFileSync(file, changed);
    await expectRefetched();
    const [kept] = listSuperseded(test.index, test.ino(path));
    expectBytes(test.cached(`.gphotosfs/superseded/${kept?.path}`), changed);
    // The record says what these bytes hash to, not what the file once had.
    expect(kept?.sha256.equals(getCached(test.index, test.ino(path))?.sha256 ?? Buffer.alloc(0))).toBe(false);
  });

  it('changed in one bit without a change of time is not trusted either: the ctime tells', async () => {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(1000) ^ 1, 1000);
    writeFileSync(file, changed);
    utimesSync(file, 1_625_097_600, 1_625_097_600);
    await expectRefetched();
  });

  it('appended to is fetched again', async () => {
    appendFileSync(file, 'x');
    await expectRefetched();
  });

  it('emptied is fetched again', async () => {
    truncateSync(file);
    await expectRefetched();
  });

  it('deleted is fetched again', async () => {
    rmSync(file);
    await expectRefetched();
    expect(test.superseded()).toEqual([]);
  });

  it('deleted with its whole year is fetched again', async () => {
    rmSync(join(test.cachePath, 'years'), { recursive: true });
    await expectRefetched();
  });

  it('replaced by a directory is read from its source, and cannot be cached', async () => {
    rmSync(file);
    mkdirSync(file);
    expectBytes(await test.read(path), bytes);
    await expect(test.ensure(path)).rejects.toMatchObject({ kind: 'bad-cache' });
  });

  it('replaced by a FIFO is fetched again, without waiting for a writer', async () => {
    rmSync(file);
    const { execFileSync } = await import('node:child_process');
    execFileSync('mkfifo', [file]);
    await expectRefetched();
  });
});
