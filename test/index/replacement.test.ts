/** Another file in the place of an open index: taken only when it is whole and every number means what it meant. */
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeIndex, type Index, openIndex, statement, transaction, yearsIno } from '../../src/index/open.ts';
import { putRebuildStage, requireInPlace, takeReplacement } from '../../src/index/replacement.ts';
import { getSetting, putSetting } from '../../src/index/settings.ts';
import { addEntry, addInode, changeInode, getInode, nextCookie, nextIno } from '../../src/index/tree.ts';
import { createIndexChanges } from '../../src/mount/index-changes.ts';

let directory: string;
let path: string;
let index: Index;
const others: Index[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gphotosfs-index-'));
  path = join(directory, 'index.db');
  index = make(path);
});
afterEach(() => {
  for (const one of [index, ...others.splice(0)]) closeIndex(one);
  rmSync(directory, { recursive: true });
});

function addYear(to: Index, name: string): void {
  transaction(to, () => {
    const [ino, cookie] = [nextIno(to), nextCookie(to)];
    const attributes = { ino, kind: 'directory', size: 0, mtime: 1, ctime: 1, nlink: 2 } as const;
    addInode(to, { ...attributes, parent: yearsIno, cookie });
    addEntry(to, { parent: yearsIno, cookie, name, key: name, ino });
  });
}

function make(at: string, years: readonly string[] = ['2020', '2021'], cacheId = 'one'): Index {
  const made = openIndex(at);
  // The topmost directories are as old as the index, unless a journal tells otherwise.
  statement(made, 'UPDATE inode SET mtime = 1, ctime = 1').run();
  putSetting(made, 'cacheId', cacheId);
  for (const year of years) addYear(made, year);
  return made;
}

/** Deletes the index and makes another one, which stays open as in a process that goes on with it. */
function replace(...args: Parameters<typeof make> extends [string, ...infer Rest] ? Rest : never): Index {
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
  const made = make(path, ...args);
  others.push(made);
  return made;
}

describe('an index whose file', () => {
  it('is in its place stays', () => {
    expect(takeReplacement(index)).toBe('in-place');
    expect(() => requireInPlace(index)).not.toThrow();
  });

  it('was deleted goes on, and takes no sync', () => {
    rmSync(path);
    expect(takeReplacement(index)).toBe('unfinished');
    expect(existsSync(path)).toBe(false);
    expect(getSetting(index, 'cacheId')).toBe('one');
    expect(() => requireInPlace(index)).toThrow(expect.objectContaining({ kind: 'not-found' }));
  });

  it('was replaced goes over to the new one, and tells what differs', () => {
    const reader = openIndex(path, { readonly: true });
    others.push(reader);
    const fresh = replace(['2020', '2021', '2022']);
    const [first = 0] = [2020, 2021].map((_, at) => 4 + at);
    changeInode(fresh, { ino: first, size: 0, mtime: 2, ctime: 2, nlink: 2 });
    expect(() => requireInPlace(index)).toThrow(expect.objectContaining({ kind: 'busy' }));
    for (const one of [index, reader]) {
      expect(getInode(one, first)?.mtime).toBe(1);
      if (one === index) {
        expect(takeReplacement(one)).toMatchObject({
          entries: [{ parent: yearsIno, name: '2022' }],
          inodes: [first],
        });
        expect(takeReplacement(one)).toBe('in-place');
        expect(getInode(one, first)?.mtime).toBe(2);
      }
    }
    addYear(fresh, '2023');
    expect(getInode(index, 7)).toBeDefined();
    addYear(index, '2024');
    expect(getInode(fresh, 8)).toBeDefined();
  });

  it('was replaced by one that cannot be taken, and then by one with the same inode number, goes over to that', ({
    skip,
  }) => {
    const warnings: string[] = [];
    const changes = createIndexChanges(index, (message) => void warnings.push(message));
    const put = (years: readonly string[]) => {
      for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
      closeIndex(make(path, years));
      return statSync(path).ino;
    };
    let before = put(['2021', '2020']);
    for (let tries = 0; ; tries += 1) {
      expect(changes.next().reopened).toBe(false);
      expect(changes.next().reopened).toBe(false);
      expect(warnings).toHaveLength(tries + 1);
      const now = put(['2020', '2021', '2022']);
      if (now === before) break;
      if (tries === 10) return skip();
      before = put(['2021', '2020']);
    }
    expect(changes.next().reopened).toBe(true);
  });

  it('is being made again waits', () => {
    const fresh = replace();
    for (const stage of ['journal', 'sources'] as const) {
      putRebuildStage(fresh, stage);
      expect(takeReplacement(index)).toBe('unfinished');
    }
    putRebuildStage(fresh, undefined);
    expect(takeReplacement(index)).toMatchObject({ entries: [], inodes: [] });
  });

  it('is written to while it is taken tells that afterwards', () => {
    const fresh = replace(['2020', '2021', '2022']);
    const exec = index.db.exec.bind(index.db);
    // Compared, and not yet opened.
    index.db.exec = (sql) => {
      if (sql.startsWith('DETACH')) addYear(fresh, '2023');
      return exec(sql);
    };
    const changes = createIndexChanges(index, () => {});
    const first = changes.next();
    expect([first.reopened, first.change.entries.map(({ name }) => name)]).toEqual([true, ['2022']]);
    expect(getInode(index, 7), 'the fault did not fire').toBeDefined();
    expect(changes.next().change.entries).toEqual([{ parent: yearsIno, name: '2023' }]);
    expect(changes.next().change).toEqual({ entries: [], inodes: [] });
  });

  it.each([
    ['of another library', () => void replace(['2020', '2021'], 'two'), 'unfinished'],
    ['without anything in it', () => closeIndex(openIndex(path)), 'unfinished'],
    ['that is no database', () => copyFileSync(import.meta.filename, path), 'unfinished'],
    ['with other names under these numbers', () => void replace(['2021', '2020']), 'renumbered'],
    ['that would give a number again', () => void replace(['2020']), 'renumbered'],
  ])('was replaced by one %s stays', (_, put, expected) => {
    for (const end of ['', '-wal', '-shm']) renameSync(`${path}${end}`, join(directory, `away${end}`));
    put();
    expect(takeReplacement(index)).toBe(expected);
    expect(getInode(index, 5)).toBeDefined();
  });
});
