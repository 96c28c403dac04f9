/** Requests at a time: half as many when Drive asks for it, one more after each round that went well. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createPace } from '../../../../src/sources/google/drive/pace.ts';

/** Tasks that go on until they are let go. */
function tasks() {
  const pace = createPace();
  const running: (() => void)[] = [];
  for (let at = 0; at < 1000; at++)
    void pace.run(() => new Promise<void>((resolve) => running.push(resolve)));
  return {
    pace,
    running,
    async finish(count: number) {
      for (const end of running.splice(0, count)) end();
      await turn();
      await turn();
    },
  };
}

it('begins with sixteen and grows by one a round, up to a limit', async () => {
  const { pace, running, finish } = tasks();
  await finish(0);
  expect(running.length).toBe(16);
  await finish(16);
  expect([pace.atATime(), running.length]).toEqual([17, 17]);
  for (let round = 0; round < 20; round++) await finish(running.length);
  expect([pace.atATime(), running.length]).toEqual([24, 24]);
});

it('halves once for all that was refused at one moment, and again for what was begun after it', async () => {
  const { pace, running, finish } = tasks();
  await finish(0);
  for (let at = 0; at < 16; at++) pace.slowed();
  expect(pace.atATime()).toBe(8);
  await finish(8);
  expect(running.length).toBe(8);
  pace.slowed();
  expect(pace.atATime()).toBe(8);
  await finish(8);
  expect(running.length).toBe(8);
  for (let times = 0; times < 5; times++) {
    pace.slowed();
    await finish(running.length);
  }
  expect([pace.atATime(), running.length]).toEqual([1, 1]);
  await finish(1);
  expect([pace.atATime(), running.length]).toEqual([2, 2]);
});

it('stays as it is when only others than its tasks are refused', () => {
  const pace = createPace();
  for (let at = 0; at < 4; at++) pace.slowed();
  expect(pace.atATime()).toBe(16);
});
