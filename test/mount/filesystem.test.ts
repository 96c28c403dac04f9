/** The file system as functions, without a mount. */
import { closeSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { albumsIno, rootIno, yearsIno } from '../../src/index/open.ts';
import { dropSource } from '../../src/index/sources.ts';
import { type Filesystem, openFilesystem } from '../../src/mount/filesystem.ts';
import {
  createTestHome,
  distinctBytes,
  expectBytes,
  exportOf,
  openFds,
  photo,
  type TestHome,
} from '../helpers/test-home.ts';

const bytes = distinctBytes(1, 100_000);
let test: TestHome;
let filesystem: Filesystem;
let before: string[];
/** SQLite keeps a closed connection's descriptor while another one of the process is open; they are not ours. */
const openInCache = () =>
  openFds()
    .filter((path) => path.startsWith(test.cachePath) && !path.endsWith('journal'))
    .sort();

beforeEach(async () => {
  const items = [
    photo('Café.jpg', bytes, {
      albums: ['Trip', 'Best'],
      photoId: 'id-1',
      title: 'Café.jpg',
      description: { description: 'A café\nin Rome', people: ['Ada', 'Grace'], place: [41.9, -12.5] },
    }),
    photo('early.jpg', 'early', { takenAt: -1_000_000_000, yearFolder: 1938 }),
    photo('plain.jpg', 'plain', { provisional: true }),
    ...Array.from({ length: 50 }, (_, at) => photo(`${at}.jpg`, `${at}`, { yearFolder: 2000 })),
  ];
  test = await createTestHome({
    exports: [exportOf(items, { albums: [{ folder: 'Trip' }, { folder: 'Best', title: 'The best' }] })],
  });
  await test.cache;
  before = openInCache();
  filesystem = openFilesystem(join(test.home, 'index.db'), test.cachePath);
});
afterEach(async () => {
  filesystem.close();
  expect(openInCache(), 'nothing stays open').toEqual(before);
  await test.remove();
});

const names = (ino: number) => filesystem.readdir(ino, 0, 1000).map(({ name }) => name);
const text = (path: string, name: string) =>
  filesystem.getxattr(test.ino(path), `user.gphotosfs.${name}`)?.toString();

describe('lookup', () => {
  it('finds names byte for byte', () => {
    const year = test.ino('years/2021');
    expect(filesystem.lookup(year, 'Café.jpg')).toMatchObject({ kind: 'file', size: bytes.length });
    // The unique key is the same, the name is not.
    for (const other of [
      'Café.jpg'.normalize('NFD'),
      'café.jpg',
      'Café.JPG',
      'Café.jpg​',
      '',
      '.',
      '..',
      'Café.jpg/',
    ])
      expect(filesystem.lookup(year, other), JSON.stringify(other)).toBeUndefined();
    expect(filesystem.lookup(test.ino('years/2021/Café.jpg'), 'x')).toBeUndefined();
    expect(filesystem.lookup(999_999, 'x')).toBeUndefined();
  });

  it('gives what getattr gives', () => {
    const found = filesystem.lookup(test.ino('years/1938'), 'early.jpg');
    expect(found).toEqual(filesystem.getattr(found?.ino ?? 0));
    expect(found).toMatchObject({ mtime: -1_000_000_000, ctime: -1_000_000_000, nlink: 1, size: 5 });
    expect(filesystem.getattr(999_999)).toBeUndefined();
  });
});

describe('readdir', () => {
  it('lists in cookie order, and goes on from any cookie', () => {
    expect(names(rootIno)).toEqual(['years', 'albums']);
    const year = test.ino('years/2000');
    const whole = filesystem.readdir(year, 0, 1000);
    expect(whole.map(({ name }) => name)).toEqual(Array.from({ length: 50 }, (_, at) => `${at}.jpg`));
    const cookies = whole.map(({ cookie }) => cookie);
    expect(cookies).toEqual(cookies.toSorted((a, b) => a - b));
    // FUSE's cookies 1 and 2 are `.` and `..`.
    expect(Math.min(...cookies)).toBeGreaterThan(2);
    for (const [at, cookie] of cookies.entries())
      expect(filesystem.readdir(year, cookie, 7)).toEqual(whole.slice(at + 1, at + 8));
    expect(filesystem.readdir(test.ino('years/2021/Café.jpg'), 0, 10)).toEqual([]);
  });

  it('shows an entry that comes while it is being read, behind the others', async () => {
    const year = test.ino('years/1938');
    const first = filesystem.readdir(year, 0, 1)[0];
    const more = exportOf([photo('late.jpg', 'late', { yearFolder: 1938 })], {
      id: 'e2',
      time: 1_700_000_000,
    });
    await test.sync([...test.source.exports, more]);
    expect(filesystem.readdir(year, first?.cookie ?? 0, 10).map(({ name }) => name)).toEqual(['late.jpg']);
  });

  it('knows parents and link targets', () => {
    expect(filesystem.parentOf(rootIno)).toBe(rootIno);
    expect(filesystem.parentOf(test.ino('years/2021'))).toBe(yearsIno);
    expect(filesystem.parentOf(test.ino('albums/Trip'))).toBe(albumsIno);
    expect(filesystem.readlink(test.ino('albums/Trip/Café.jpg'))).toBe('../../years/2021/Café.jpg');
    expect(() => filesystem.readlink(test.ino('years/2021/Café.jpg'))).toThrow('no symlink');
  });
});

describe('extended attributes', () => {
  it('tell what the sidecar said', () => {
    const path = 'years/2021/Café.jpg';
    expect(filesystem.listxattr(test.ino(path)).toSorted()).toEqual(
      ['albums', 'description', 'id', 'people', 'place', 'source', 'state'].map(
        (name) => `user.gphotosfs.${name}`,
      ),
    );
    expect(text(path, 'id')).toBe('id-1');
    expect(text(path, 'description')).toBe('A café\nin Rome');
    expect(text(path, 'people')).toBe('Ada\nGrace');
    expect(text(path, 'place')).toBe('41.9,-12.5');
    expect(text(path, 'albums')?.split('\n').toSorted()).toEqual(['The best', 'Trip']);
    expect(text(path, 'source')).toBe('memory:/exports/e1.zip');
    expect(text(path, 'provisional')).toBeUndefined();
    expect(text('years/2021/plain.jpg', 'provisional')).toBe('1');
  });

  it('are none for directories and links, nor under other names', () => {
    for (const path of ['years', 'years/2021', 'albums/Trip/Café.jpg']) {
      expect(filesystem.listxattr(test.ino(path))).toEqual([]);
      expect(text(path, 'state')).toBeUndefined();
    }
    const ino = test.ino('years/2021/Café.jpg');
    for (const name of [
      'state',
      'user.state',
      'security.capability',
      'user.gphotosfs.',
      'user.gphotosfs.toString',
      'user.gphotosfs.constructor',
    ])
      expect(filesystem.getxattr(ino, name), name).toBeUndefined();
  });

  it('say whether the bytes are here', async () => {
    const path = 'years/2021/Café.jpg';
    expect(text(path, 'state')).toBe('remote');
    await test.ensure(path);
    expect(text(path, 'state')).toBe('cached');
    dropSource(test.index, 'memory');
    expect(text(path, 'state')).toBe('cached');
    expect(text('years/2021/plain.jpg', 'state')).toBe('unavailable');
  });
});

describe('open', () => {
  const path = 'years/2021/Café.jpg';

  it('gives the cached file, or none where a source has it', async () => {
    expect(filesystem.open(test.ino(path))).toMatchObject({ fd: undefined, size: bytes.length });
    await test.ensure(path);
    const { fd, size } = filesystem.open(test.ino(path));
    expect(size).toBe(bytes.length);
    expectBytes(readFileSync(fd ?? -1), bytes);
    closeSync(fd ?? -1);
  });

  it('does not give a file that is other than recorded', async () => {
    await test.ensure(path);
    writeFileSync(join(test.cachePath, path), Buffer.alloc(bytes.length));
    expect(filesystem.open(test.ino(path)).fd).toBeUndefined();
    rmSync(join(test.cachePath, path));
    expect(filesystem.open(test.ino(path)).fd).toBeUndefined();
    mkdirSync(join(test.cachePath, path));
    expect(filesystem.open(test.ino(path)).fd).toBeUndefined();
  });

  it('fails where neither cache nor source has it, and for what is no file', async () => {
    await test.ensure(path);
    dropSource(test.index, 'memory');
    const { fd } = filesystem.open(test.ino(path));
    closeSync(fd ?? -1);
    expect(() => filesystem.open(test.ino('years/2021/plain.jpg'))).toThrow('in no source any more');
    for (const ino of [rootIno, 999_999, test.ino('albums/Trip/Café.jpg')])
      expect(() => filesystem.open(ino)).toThrow('is no file');
  });
});

it('statfs tells of the disk that the cache is on', () => {
  const stats = filesystem.statfs();
  expect(stats.blockSize * stats.blocks).toBeGreaterThan(stats.blockSize * stats.blocksFree);
  expect(stats.blockSize).toBeGreaterThan(0);
});

it('writes nothing, not even into the index', () => {
  expect(existsSync(join(test.home, 'index.db'))).toBe(true);
  expect(() => openFilesystem(join(test.home, 'other.db'), test.cachePath)).toThrow('does not exist');
  expect(existsSync(join(test.home, 'other.db'))).toBe(false);
});
