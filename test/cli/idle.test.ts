/** A mount that nobody asks anything. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canMount, runProgram } from '../helpers/mount-client.ts';
import { buildTakeout, photo } from '../helpers/takeout-builder.ts';
import { createPlace, type Place, until } from './run-program.ts';

let place: Place;
beforeEach(async () => {
  place = createPlace();
  const parts = await buildTakeout(join(place.folder, 'takeout'), {
    entries: [{ folder: 'Photos from 2020', name: 'IMG.jpg', bytes: photo(1, 100_000) }],
  });
  expect((await place.run('add', 'takeout', ...parts)).code).toBe(0);
  expect((await place.run('sync')).code).toBe(0);
});
afterEach(() => place.clean());

/** How often each thread of a process has gone to sleep by itself, which is how often it woke up. */
function wakeUps(pid: number): number {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'latin1');
    sum += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return sum;
}

describe.runIf(canMount())('a mount that nobody uses', () => {
  it('sleeps', async () => {
    const mounted = place.start('mount', place.mountPoint);
    await until(() => mounted.stdout().includes('\n'));
    const pid = mounted.child.pid ?? expect.fail();
    await runProgram('cat', join(place.mountPoint, 'years/2020/IMG.jpg'));
    // What a first read leaves to be done (the index notices, the fetcher is loaded) ends some time.
    let before = wakeUps(pid);
    for (let calm = 0; calm < 4; ) {
      await sleep(500);
      const now = wakeUps(pid);
      calm = now === before ? calm + 1 : 0;
      before = now;
    }
    await sleep(4000);
    expect(wakeUps(pid)).toBe(before);
    // The count does see a process that is asked something.
    await runProgram('stat', '-f', place.mountPoint);
    expect(wakeUps(pid)).toBeGreaterThan(before);
  }, 60_000);
});
