/** Opening the index: a newer one is refused untouched, a damaged one recognised, readers don't wait for a writer. */
import fs, {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  albumsIno,
  closeIndex,
  type Index,
  openIndex,
  rootIno,
  transaction,
  yearsIno,
} from '../../src/index/open.ts';
import { migrations } from '../../src/index/schema.ts';
import { getSetting, putSetting } from '../../src/index/settings.ts';
import { findEntry, listEntries } from '../../src/index/tree.ts';
import { GphotosfsError } from '../../src/model/errors.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gphotosfs-index-'));
  path = join(directory, 'home', 'index.db');
});
afterEach(() => rmSync(directory, { recursive: true }));

function failure(act: () => unknown): GphotosfsError {
  try {
    act();
  } catch (error) {
    if (error instanceof GphotosfsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('openIndex', () => {
  it('makes a private index with the top of the tree', () => {
    const index = openIndex(path);
    const top = listEntries(index, rootIno, 0, 10);
    expect(top.map(({ name, attributes }) => [name, attributes.ino, attributes.kind])).toEqual([
      ['years', yearsIno, 'directory'],
      ['albums', albumsIno, 'directory'],
    ]);
    expect(findEntry(index, rootIno, 'years')?.attributes.nlink).toBe(2);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'home')).mode & 0o777).toBe(0o700);
    closeIndex(index);
    const again = openIndex(path);
    expect(listEntries(again, rootIno, 0, 10)).toEqual(top);
    closeIndex(again);
  });

  it('refuses the index of a newer gphotosfs and leaves every byte of it', () => {
    closeIndex(openIndex(path));
    const db = new Database(path);
    db.pragma(`user_version = ${migrations.length + 1}`);
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.close();
    const before = readFileSync(path);
    for (const readonly of [false, true]) {
      const error = failure(() => openIndex(path, { readonly }));
      expect([error.kind, error.message.includes(path)]).toEqual(['index-newer', true]);
    }
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('recognises what is no index, and a damaged one', () => {
    closeIndex(openIndex(path));
    const whole = readFileSync(path);
    writeFileSync(path, 'a letter to my aunt, long enough to be read as a header of a database');
    expect(failure(() => openIndex(path)).kind).toBe('index-corrupt');
    const broken = Buffer.from(whole);
    broken.fill(0xa5, 100, 4096);
    writeFileSync(path, broken);
    const error = failure(() => openIndex(path));
    expect(error.kind).toBe('index-corrupt');
    expect(error.hint).toMatch(/sync/);
    expect(readFileSync(path).equals(broken)).toBe(true);
  });

  it('opens for reading only what is there, and writes nothing then', () => {
    expect(failure(() => openIndex(path, { readonly: true })).kind).toBe('not-found');
    const writer = openIndex(path);
    const reader = openIndex(path, { readonly: true });
    expect(() => putSetting(reader, 'a', 'b')).toThrow(/readonly/);
    transaction(writer, () => {
      putSetting(writer, 'a', '1');
      // A reader sees what was committed, and doesn't wait.
      expect(getSetting(reader, 'a')).toBeUndefined();
    });
    expect(getSetting(reader, 'a')).toBe('1');
    closeIndex(reader);
    closeIndex(writer);
  });

  it('leaves the log of a deleted index to those who have it open', () => {
    const old = openIndex(path);
    putSetting(old, 'a', 'old');
    unlinkSync(path);
    const [fresh, second] = [openIndex(path), openIndex(path)];
    expect(getSetting(fresh, 'a')).toBeUndefined();
    putSetting(fresh, 'a', 'fresh');
    putSetting(old, 'b', 'old');
    expect([getSetting(old, 'a'), getSetting(second, 'a'), getSetting(second, 'b')]).toEqual([
      'old',
      'fresh',
      undefined,
    ]);
    // The last one out takes its own log away, not that of the new one.
    closeIndex(old);
    putSetting(second, 'b', 'fresh');
    expect(getSetting(fresh, 'b')).toBe('fresh');
    for (const one of [fresh, second]) closeIndex(one);
    expect(readdirSync(join(directory, 'home'))).toEqual(['index.db']);
  });

  it('goes on where another process was killed while it made one', () => {
    mkdirSync(join(directory, 'home'));
    writeFileSync(`${path}.new`, '');
    closeIndex(openIndex(path));
    expect(readdirSync(join(directory, 'home'))).toEqual(['index.db']);
  });

  it('is not made in the place of a link that leads nowhere: its disk may not be mounted', () => {
    mkdirSync(join(directory, 'home'));
    symlinkSync(join(directory, 'disk', 'index.db'), path);
    writeFileSync(`${path}-wal`, 'log');
    expect(failure(() => openIndex(path)).kind).toBe('not-found');
    expect(readlinkSync(path)).toBe(join(directory, 'disk', 'index.db'));
    expect(readFileSync(`${path}-wal`, 'utf8')).toBe('log');
    mkdirSync(join(directory, 'disk'));
    writeFileSync(join(directory, 'disk', 'index.db'), '');
    closeIndex(openIndex(path));
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
  });

  it('is not made where it cannot be looked at', () => {
    mkdirSync(join(directory, 'home'));
    symlinkSync(path, path);
    expect(() => openIndex(path)).toThrow('ELOOP');
    expect(readdirSync(join(directory, 'home'))).toEqual(['index.db']);
  });

  it('is left alone by one that was suspended while it made it', () => {
    mkdirSync(join(directory, 'home'));
    const { openSync } = fs;
    const others: Index[] = [];
    // As soon as it has its claim, others lose patience, and make the index.
    fs.openSync = (...args) => {
      const fd = openSync(...args);
      fs.openSync = openSync;
      syncBuiltinESMExports();
      unlinkSync(`${path}.new`);
      others.push(openIndex(path));
      for (const other of others) putSetting(other, 'a', '1');
      return fd;
    };
    syncBuiltinESMExports();
    const late = openIndex(path);
    expect(others, 'the fault did not fire').toHaveLength(1);
    expect(getSetting(late, 'a')).toBe('1');
    for (const one of [late, ...others]) closeIndex(one);
    expect(readdirSync(join(directory, 'home'))).toEqual(['index.db']);
  });

  it('says so when the folder can’t be written', ({ skip }) => {
    if (process.getuid?.() === 0) return skip();
    chmodSync(directory, 0o500);
    expect(failure(() => openIndex(path)).kind).toBe('no-permission');
    chmodSync(directory, 0o700);
  });

  it('stores all of a transaction or nothing', () => {
    const index = openIndex(path);
    expect(() =>
      transaction(index, () => {
        putSetting(index, 'a', '1');
        throw new Error('on the way');
      }),
    ).toThrow('on the way');
    expect(getSetting(index, 'a')).toBeUndefined();
    closeIndex(index);
  });
});
