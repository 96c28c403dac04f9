/**
 * `mount --daemon`: the same program once more, detached from the terminal. The starter waits until the mount answers,
 * so that a script may go on with the next line; what fails until then is the starter's failure.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GphotosfsError } from '../model/errors.ts';
import { type BackgroundMessage, backgroundEnvironment } from './background.ts';
import type { Context } from './context.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** A cold disk takes seconds to open an index of a million files. */
const readyWithinMs = 60_000;
const answersWithinMs = 5000;
/** The log is moved aside, to `.1`, when it has grown to this, so it never fills a small disk. */
const longestLog = 1_000_000;

export async function startInBackground(
  context: Context,
  mountPoint: string,
  driverName: string,
): Promise<ExitCode> {
  const { output, paths } = context;
  const signal = context.signal();
  const log = openLog(paths.dataFolder, paths.mountLog);
  const [, script = ''] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, script, ...process.argv.slice(2)], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: backgroundEnvironment(),
  });
  closeSync(log);
  const stop = () => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  try {
    await waitUntilReady(child, paths.mountLog);
    await waitUntilAnswering(mountPoint, child);
  } catch (error) {
    child.kill('SIGTERM');
    if (signal.aborted) throw new GphotosfsError('interrupted', 'the mount was stopped while it started');
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    if (child.connected) child.disconnect();
    child.unref();
  }
  output.result({ type: 'mounted', mountPoint, driver: driverName, pid: child.pid, log: paths.mountLog }, [
    `${mountPoint} is mounted, served by process ${child.pid}; "gphotosfs unmount ${mountPoint}" ends it`,
  ]);
  return exitCodes.done;
}

function openLog(folder: string, path: string): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > longestLog) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/** Waits for the child's word. What it failed with is thrown here as if it had happened here. */
function waitUntilReady(child: ChildProcess, log: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new GphotosfsError('mount', 'the mount does not come up', { hint: `See ${log}.` }));
    }, readyWithinMs);
    const settle = (then: () => void) => {
      clearTimeout(timer);
      child.removeAllListeners();
      then();
    };
    let failure: GphotosfsError | undefined;
    child.on('message', (message: BackgroundMessage) => {
      if ('ready' in message) return settle(resolve);
      const { kind, message: text, hint } = message.error;
      failure = new GphotosfsError(kind, text, hint === undefined ? {} : { hint });
    });
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', (code, killedBy) => {
      const how = killedBy === null ? `with code ${code}` : `by ${killedBy}`;
      failure ??= new GphotosfsError('mount', `the mounting process ended ${how}`, { hint: `See ${log}.` });
      settle(() => reject(failure));
    });
  });
}

/** Asks the mount itself: it has come up when another process than the one that serves it gets an answer. */
async function waitUntilAnswering(mountPoint: string, child: ChildProcess): Promise<void> {
  const since = performance.now();
  while (performance.now() - since < answersWithinMs) {
    const [inside, outside] = await Promise.all([stat(mountPoint), stat(dirname(mountPoint))]);
    if (inside.dev !== outside.dev) return;
    if (child.exitCode !== null) break;
    await sleep(20);
  }
  throw new GphotosfsError('mount', `${mountPoint} is not mounted, though its process said so`);
}
