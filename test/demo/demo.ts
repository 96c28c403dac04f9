/**
 * `npm run demo`: builds a small Takeout from real photographs and does with it what a user does with theirs: add,
 * sync, mount, look, prefetch. On a terminal it waits for Ctrl-C with everything mounted; elsewhere it checks and ends.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSampleLibrary } from './sample-library.ts';

const main = fileURLToPath(new URL('../../dist/bin.cjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gphotosfs-demo-'));
const home = join(folder, 'home');
const cache = join(folder, 'cache');
const photos = join(folder, 'Photos');

/** Runs gphotosfs as a user would, showing the command; a failure ends the demo with its exit code. */
function gphotosfs(...args: readonly string[]): void {
  console.log(
    `\n$ gphotosfs ${args.map((arg) => (/[^\w@%+=:,./-]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`,
  );
  const { status } = spawnSync(process.execPath, [main, ...args], {
    stdio: 'inherit',
    env: { ...process.env, GPHOTOSFS_HOME: home, GPHOTOSFS_CACHE: cache },
  });
  if (status !== 0) throw new Error(`gphotosfs ${args[0]} ended with exit code ${status}`);
}

/** Runs another program and shows it; gives whether it ended well. */
function show(command: string, ...args: readonly string[]): boolean {
  console.log(`\n$ ${command} ${args.join(' ')}`);
  return spawnSync(command, args, { stdio: 'inherit', cwd: folder }).status === 0;
}

let mounted = false;

function cleanUp(): void {
  if (mounted) gphotosfs('unmount', photos);
  mounted = false;
  rmSync(folder, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  console.log(`A sample Takeout of real photographs, in ${folder}`);
  const archives = await buildSampleLibrary(join(folder, 'takeout'));
  mkdirSync(photos);
  gphotosfs('add', 'takeout', ...archives);
  gphotosfs('sync');
  gphotosfs('mount', photos, '--daemon');
  mounted = true;
  show('find', 'Photos', '-printf', '%TY-%Tm-%Td  %8s  %p  %l\n');
  gphotosfs('prefetch');
  gphotosfs('status');
  const same = show('diff', '-r', '--exclude=.gphotosfs', 'Photos', 'cache');
  console.log(same ? 'The mount and the cache show the same files.' : 'The mount and the cache differ!');
  if (!same) throw new Error('the demo failed: see above');
}

/** Keeps the mount until the user has seen enough. */
async function waitForUser(): Promise<void> {
  console.log(`
Look around in another terminal:
  ls -la ${photos}/years/2021
  ls -la ${photos}/albums/*
  getfattr -d ${photos}/years/2021/IMG_0001.jpg       (package attr)
  xdg-open ${photos}                                  (in a desktop)
  ls ${cache}                                         the same tree in real files, for rsync, restic, snapshots

Ctrl-C ends the demo and removes it.`);
  await new Promise<void>((resolve) => {
    const keepAlive = setInterval(() => {}, 1 << 30);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(keepAlive);
        resolve();
      });
    }
  });
}

try {
  await demo();
  if (process.stdin.isTTY && process.stdout.isTTY) await waitForUser();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  cleanUp();
}
