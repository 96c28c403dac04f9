/** Runs the built program, as a user or cron would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = new URL('../../dist/bin.cjs', import.meta.url).pathname;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** What it said on stdout so far. */
  stdout(): string;
  stderr(): string;
  readonly ended: Promise<Ended>;
}

/** A folder for one test: a home, a mount point, and the program run with that home. */
export interface Place {
  readonly folder: string;
  readonly home: string;
  readonly mountPoint: string;
  readonly cache: string;
  start(...args: string[]): Running;
  run(...args: string[]): Promise<Ended>;
  /** The same with further variables of the environment. */
  startWith(env: Readonly<Record<string, string>>, ...args: string[]): Running;
  runWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended>;
  /** The same as `start`, with an input for what a user types: `child.stdin`. */
  converse(...args: string[]): Running;
  /** The same, started by another program (strace). */
  runUnder(command: readonly string[], ...args: string[]): Promise<Ended>;
  /** Ends what still runs, unmounts, and removes the folder. */
  clean(): Promise<void>;
}

export function createPlace(env: Readonly<Record<string, string>> = {}): Place {
  const folder = mkdtempSync(join(tmpdir(), 'gphotosfs-cli-'));
  const home = join(folder, 'home');
  const mountPoint = join(folder, 'mnt');
  mkdirSync(mountPoint);
  const running = new Set<Running>();

  function startUnder(
    command: readonly string[],
    args: readonly string[],
    typed = false,
    more: Readonly<Record<string, string>> = {},
  ): Running {
    const [first = '', ...rest] = [...command, process.execPath, program, ...args];
    const child = spawn(first, rest, {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, GPHOTOSFS_HOME: home, ...env, ...more },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    if (!typed) child.stdin.end();
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = once(child, 'close').then(([code]) => {
      running.delete(one);
      return { code: code as number | null, stdout, stderr };
    });
    const one: Running = { child, stdout: () => stdout, stderr: () => stderr, ended };
    running.add(one);
    return one;
  }

  const start = (...args: string[]) => startUnder([], args);

  return {
    folder,
    home,
    mountPoint,
    cache: join(home, 'cache'),
    start,
    runUnder: (command, ...args) => startUnder(command, args).ended,
    run: (...args) => start(...args).ended,
    startWith: (more, ...args) => startUnder([], args, false, more),
    runWith: (more, ...args) => startUnder([], args, false, more).ended,
    converse: (...args) => startUnder([], args, true),
    async clean() {
      for (const { child } of running) child.kill('SIGKILL');
      await Promise.all([...running].map(({ ended }) => ended));
      await start('unmount', mountPoint).ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until `check` is true; fails after `ms`. */
export async function until(check: () => boolean, ms = 10_000): Promise<void> {
  const since = performance.now();
  while (!check()) {
    if (performance.now() - since > ms) throw new Error('it did not come true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
