/** Runs the system's mount programs. */
import { type IOType, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { devicePath } from './kernel/device.ts';

/** Where cron and containers with a bare PATH still find mount, umount and fusermount3. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface CommandResult {
  /** 0 when it worked; undefined when it did not end in time or could not be started. */
  readonly status: number | undefined;
  /** What it said on stderr, without the last newline. */
  readonly stderr: string;
  /** The program is not there. */
  readonly missing: boolean;
}

export interface CommandOptions {
  /** Descriptor that the program gets as its number 3. */
  readonly descriptor?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** After this it is killed. Milliseconds. */
  readonly timeoutMs: number;
}

/** Runs a program to its end; never rejects. A killed program that does not die (it may wait in the kernel) is left behind. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const stdio: (IOType | number)[] = ['ignore', 'ignore', 'pipe'];
    if (options.descriptor !== undefined) stdio.push(options.descriptor);
    const path = process.env.PATH === undefined ? systemPath : `${process.env.PATH}:${systemPath}`;
    const env = { ...process.env, LC_ALL: 'C', PATH: path, ...options.env };
    const nothing = openSync('/dev/null', 'r');
    for (const device of openDevices()) {
      while (stdio.length <= device) stdio.push('ignore');
      if (device !== 3 || options.descriptor === undefined) stdio[device] = nothing;
    }
    const child = spawn(program, args, { stdio, env });
    closeSync(nothing);
    let stderr = '';
    const finish = (status: number | undefined, missing = false) => {
      clearTimeout(timer);
      resolve({ status, stderr: stderr.trim(), missing });
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.unref();
      child.stderr?.destroy();
      finish(undefined);
    }, options.timeoutMs);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', (error: NodeJS.ErrnoException) => finish(undefined, error.code === 'ENOENT'));
    child.on('close', (status) => finish(status ?? undefined));
  });
}

/**
 * This process's descriptors of the FUSE device. No child may inherit one, as libfuse 2 lets them (measured, as root): a
 * mount ends with the last descriptor, so a program that waits for a mount, and has one, waits for ever once this process
 * is killed.
 */
function openDevices(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').map(Number).filter(isDevice);
}

function isDevice(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === devicePath;
  } catch {
    return false;
  }
}
