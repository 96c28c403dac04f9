import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DailyCounts, openDailyCounts } from '../../src/index/daily-counts.ts';

let home: string;
const opened: DailyCounts[] = [];
const open = (): DailyCounts => {
  const counts = openDailyCounts(home);
  opened.push(counts);
  return counts;
};

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'gphotosfs-counts-'));
});
afterEach(() => {
  for (const counts of opened.splice(0)) counts.close();
  rmSync(home, { recursive: true, force: true });
});

it('counts up to the limit, for all who have it open', () => {
  const [one, two] = [open(), open()];
  const taken = Array.from({ length: 7 }, (_, at) =>
    (at % 2 ? one : two).take('p', '2026-11-25', 'bytes', 5, 1),
  );
  expect(taken).toEqual([1, 1, 1, 1, 1, 0, 0]);
  expect(one.used('p', '2026-11-25', 'bytes')).toBe(5);
});

it('counts projects and kinds apart, and begins each day anew', () => {
  const counts = open();
  expect(counts.take('p', '2026-11-25', 'bytes', 1, 1)).toBe(1);
  expect(counts.take('p', '2026-11-25', 'requests', 1, 1)).toBe(1);
  expect(counts.take('q', '2026-11-25', 'bytes', 1, 1)).toBe(1);
  expect(counts.take('p', '2026-11-25', 'bytes', 1, 1)).toBe(0);
  expect(counts.take('p', '2026-11-26', 'bytes', 1, 1)).toBe(1);
  expect(counts.used('p', '2026-11-25', 'bytes')).toBe(0);
});

it('is remembered over restarts, for its owner alone', () => {
  open().take('p', '2026-11-25', 'bytes', 5, 1);
  opened.splice(0)[0]?.close();
  expect(open().used('p', '2026-11-25', 'bytes')).toBe(1);
  expect(statSync(join(home, 'quota.db')).mode & 0o777).toBe(0o600);
});

it('gives some at a time, never more than the limit, and takes back what was not needed', () => {
  const [one, two] = [open(), open()];
  const take = (counts: DailyCounts) => counts.take('p', '2026-11-25', 'bytes', 50, 20);
  expect([take(one), take(two), take(one), take(two)]).toEqual([20, 20, 10, 0]);
  one.giveBack('p', '2026-11-25', 'bytes', 9);
  // Of another day there is nothing to be taken back.
  one.giveBack('p', '2026-11-24', 'bytes', 9);
  expect([two.used('p', '2026-11-25', 'bytes'), take(two)]).toEqual([41, 9]);
});
