/** An installation whose addon was not built, as npm 12 leaves it where it was not told that it may run scripts. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const top = join(import.meta.dirname, '../..');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gphotosfs-not-built-'));
  cpSync(join(top, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(top, 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync(join(top, 'node_modules')))
    if (name !== 'better-sqlite3')
      symlinkSync(join(top, 'node_modules', name), join(folder, 'node_modules', name));
  const addon = 'node_modules/better-sqlite3';
  for (const name of ['package.json', 'lib'])
    cpSync(join(top, addon, name), join(folder, addon, name), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(...words: string[]): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const program = join(folder, 'dist/main.js');
    const child = execFile(
      process.execPath,
      [program, '--home', join(folder, 'home'), ...words],
      (_, out, err) => resolve({ code: child.exitCode, text: out + err }),
    );
  });
}

it('says so in a line, with what to do, and is called no defect', async () => {
  await run('add', 'takeout', top);
  const remedy = 'npm rebuild better-sqlite3';
  const synced = await run('sync');
  expect(synced.code).toBe(1);
  expect(synced.text).toBe(
    `gphotosfs: better-sqlite3 is not built for Node ${process.versions.node}\n  Where gphotosfs is installed, run: ${remedy} (it needs python3, make and g++).\n`,
  );
  const looked = await run('doctor');
  expect(looked.code).toBe(1);
  expect(looked.text).toMatch(/FAILED +database +better-sqlite3 is not built/);
  expect(looked.text).toContain(remedy);
  expect(looked.text).not.toContain('Tried:');

  mkdirSync(join(folder, 'node_modules/better-sqlite3/build/Release'), { recursive: true });
  writeFileSync(
    join(folder, 'node_modules/better-sqlite3/build/Release/better_sqlite3.node'),
    'of another Node',
  );
  expect((await run('sync')).text).toContain(remedy);
});
