/** The demo, as CI and curious people without a terminal run it. */
import { expect, it } from 'vitest';
import { canMount, runProgram } from '../helpers/mount-client.ts';

const script = new URL('./demo.ts', import.meta.url).pathname;

it.runIf(canMount())('without a terminal prints, checks, unmounts and exits 0', async () => {
  const { status, stdout, stderr } = await runProgram(process.execPath, '--import', 'tsx', script);
  expect(status, stderr).toBe(0);
  expect(stdout.toString()).toMatch(/Complete: \d+ files/);
  expect(stdout.toString()).toContain('The mount and the cache show the same files.');
  expect(stdout.toString()).toMatch(/is unmounted\s*$/);
});
