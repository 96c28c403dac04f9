/** The bin, as Node starts it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const bin = new URL('../dist/bin.cjs', import.meta.url).pathname;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gphotosfs-bin-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Threads of a process of it at its end. */
function threadsWith(poolSize: string | undefined): number {
  const counter = join(folder, 'count.cjs');
  const count = `require('node:fs').readdirSync('/proc/self/task').length`;
  writeFileSync(counter, `process.on('exit', () => process.stderr.write(String(${count})));`);
  const { UV_THREADPOOL_SIZE: _, ...rest } = process.env;
  const env = poolSize === undefined ? rest : { ...rest, UV_THREADPOOL_SIZE: poolSize };
  const args = ['--require', counter, bin, '--version'];
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  expect(status).toBe(0);
  return Number(stderr);
}

describe('the bin', () => {
  it('waits for the disk in sixteen threads, or in as many as it is told', () => {
    const four = threadsWith('4');
    expect(threadsWith(undefined) - four).toBe(12);
    expect(threadsWith('6') - four).toBe(2);
  });
});
