/** Who touches a mount in tests: root or an ordinary user, always through programs of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync } from 'node:fs';
import { nobody } from '../../helpers/mount-client.ts';

export interface Ran {
  readonly status: number | string;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly ms: number;
}

export interface Hands {
  readonly who: string;
  readonly uid: number;
  readonly gid: number;
  /** Runs a program to its end, whatever the end; killed when it takes too long, so that a hang is a failure. */
  run(program: string, ...args: readonly string[]): Promise<Ran>;
  /** The same, and gives what it printed. Throws when it fails. */
  text(program: string, ...args: readonly string[]): Promise<string>;
  /** Runs Python with `sys.argv[1:]` as given, and gives the JSON that it prints. */
  python<T>(code: string, ...args: readonly string[]): Promise<T>;
  /** Starts a program and leaves it to the test. */
  start(program: string, ...args: readonly string[]): ChildProcess;
}

const longestMs = 30_000;
/** The system's own: what a version manager puts first in PATH may be closed to an ordinary user. */
export const python =
  ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => existsSync(path)) ?? 'python3';

function handsOf(who: string, uid: number, gid: number): Hands {
  const start = (program: string, ...args: readonly string[]) =>
    spawn(program, args, {
      uid,
      gid,
      cwd: '/',
      env: { ...process.env, HOME: '/nonexistent', LC_ALL: 'C.UTF-8' },
    });
  const run = (program: string, ...args: readonly string[]) =>
    new Promise<Ran>((resolve) => {
      const began = performance.now();
      const child = start(program, ...args);
      const timer = setTimeout(() => child.kill('SIGKILL'), longestMs);
      const stdout: Buffer[] = [];
      let stderr = '';
      child.stdout?.on('data', (bytes: Buffer) => stdout.push(bytes));
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      const end = (status: number | string) => {
        clearTimeout(timer);
        resolve({ status, stdout: Buffer.concat(stdout), stderr, ms: performance.now() - began });
      };
      child.on('error', (error) => end(String(error)));
      child.on('close', (code, signal) => end(code ?? signal ?? 'unknown'));
    });
  const text = async (program: string, ...args: readonly string[]) => {
    const { status, stdout, stderr } = await run(program, ...args);
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
    return stdout.toString();
  };
  return {
    who,
    uid,
    gid,
    run,
    text,
    start,
    python: async (code, ...args) => JSON.parse(await text(python, '-c', code, ...args)),
  };
}

/** The users that can mount here: as root, root and an ordinary user; else whoever runs the tests, if allowed to. */
export function usersThatMount(): Hands[] {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  if (process.platform !== 'linux' || uid === undefined || gid === undefined) return [];
  try {
    if (uid !== 0) {
      accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
      return [handsOf('an ordinary user', uid, gid)];
    }
    // The usual mode of the device; containers have 0600.
    chmodSync('/dev/fuse', 0o666);
    return [handsOf('root', 0, 0), handsOf('an ordinary user', nobody.uid, nobody.gid)];
  } catch (error) {
    // In CI a suite that was skipped would look like one that passed.
    if (process.env.CI !== undefined) throw error;
    return [];
  }
}
