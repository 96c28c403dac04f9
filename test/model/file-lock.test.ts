import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withFileLock } from '../../src/model/file-lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gphotosfs-lock-'));
  path = join(folder, 'file');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('lets one in at a time, also where the work waits', async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await sleep(5);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 20 }, () => withFileLock(path, work)));
  expect([most, existsSync(`${path}.lock`)]).toEqual([1, false]);
});

it('says which folder cannot be written to', async () => {
  // Not by root either.
  await expect(withFileLock('/sys/kernel/config.json', () => 'in')).rejects.toMatchObject({
    kind: 'no-permission',
    message: '/sys/kernel cannot be written to',
  });
});

it('is given back when the work fails', async () => {
  await expect(withFileLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withFileLock(path, () => 'in')).toBe('in');
});

it('that cannot be renewed for once ends nothing', async () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => void uncaught.push(error);
  process.on('uncaughtException', note);
  const lock = `${path}.lock`;
  await withFileLock(path, async () => {
    // What is no file can neither be read nor written.
    rmSync(lock);
    mkdirSync(lock);
    await sleep(1500);
    rmdirSync(lock);
  });
  process.off('uncaughtException', note);
  expect(uncaught).toEqual([]);
});

it('stays with a holder that takes its time, and leaves one that has died', async () => {
  let isDone = false;
  // Longer than a dead holder is waited for.
  const slow = withFileLock(path, () =>
    sleep(7000).then(() => {
      isDone = true;
    }),
  );
  await withFileLock(path, () => expect(isDone).toBe(true));
  await slow;
  writeFileSync(`${path}.lock`, 'of a process that was killed');
  const began = performance.now();
  expect(await withFileLock(path, () => 'in')).toBe('in');
  expect(performance.now() - began).toBeGreaterThan(4000);
  expect(existsSync(`${path}.lock`)).toBe(false);
});
