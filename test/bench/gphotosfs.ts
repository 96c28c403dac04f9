/** gphotosfs as the benches use it: the built program, in a home of its own. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ownMemoryOf, peakOf } from './measure.ts';

export const main = fileURLToPath(new URL('../../dist/bin.cjs', import.meta.url));

export interface Home {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** An empty home below `folder`. */
export function freshHome(folder: string): Home {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const env = {
    ...process.env,
    GPHOTOSFS_HOME: join(folder, 'home'),
    GPHOTOSFS_CACHE: join(folder, 'cache'),
  };
  return { folder, env };
}

/** Runs a command. @throws with its output when it fails */
export function gphotosfs(home: Home, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [main, ...args], { env: home.env, encoding: 'utf8' });
}

/** A home with these archives, synced. */
export function syncedHome(folder: string, parts: readonly string[]): Home {
  const home = freshHome(folder);
  gphotosfs(home, 'add', 'takeout', ...parts);
  gphotosfs(home, 'sync');
  return home;
}

/** Does something on a fresh mount, and gives what it gave. */
export async function onFreshMount<T>(
  home: Home,
  driver: string,
  work: (mounted: Mount) => Promise<T>,
  ...options: readonly string[]
): Promise<T> {
  const mounted = await mount(home, driver, ...options);
  try {
    return await work(mounted);
  } finally {
    await mounted.unmount();
  }
}

export interface Mount {
  readonly path: string;
  /** From the start of the process to the first answered `ls`, seconds. */
  readonly firstLs: number;
  /** The process's: peak, and what is its own now, MB. */
  memory(): { readonly peakMb: number; readonly ownMb: number };
  readonly pid: number;
  unmount(): Promise<void>;
}

/** Mounts in a process of its own and waits for the first `ls`. */
export async function mount(home: Home, driver: string, ...options: readonly string[]): Promise<Mount> {
  const path = join(home.folder, 'mount');
  mkdirSync(path, { recursive: true });
  const started = process.hrtime.bigint();
  const child: ChildProcess = spawn(process.execPath, [main, 'mount', path, '--driver', driver, ...options], {
    env: home.env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  while (readdirSync(path).length === 0) await sleep(2);
  const firstLs = Number(process.hrtime.bigint() - started) / 1e9;
  return {
    path,
    firstLs,
    pid: child.pid ?? 0,
    memory: () => ({ peakMb: peakOf(child.pid ?? 0), ownMb: ownMemoryOf(child.pid ?? 0) }),
    unmount: () =>
      new Promise((resolve) => {
        child.on('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

/** Node's own start-up, seconds. */
export function nodeStart(): number {
  const started = process.hrtime.bigint();
  spawnSync(process.execPath, ['-e', '0']);
  return Number(process.hrtime.bigint() - started) / 1e9;
}
