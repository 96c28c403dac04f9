/** rclone's mount of a native directory, as a peer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Does something on a fresh rclone mount of `directory`; gives NaN where rclone is not installed. */
export async function onRclone(
  directory: string,
  folder: string,
  work: (path: string) => Promise<number>,
): Promise<number> {
  const path = join(folder, 'rclone-mount');
  mkdirSync(path, { recursive: true });
  const options = [
    '--vfs-cache-mode',
    'full',
    '--cache-dir',
    join(folder, 'rclone-cache'),
    '--config',
    '/dev/null',
  ];
  const child: ChildProcess = spawn('rclone', ['mount', directory, path, ...options], { stdio: 'ignore' });
  const started = await new Promise<boolean>((resolve) => {
    child.once('spawn', () => resolve(true));
    child.once('error', () => resolve(false));
  });
  if (!started) return Number.NaN;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    while (readdirSync(path).length === 0) {
      if (child.exitCode !== null) throw new Error(`rclone mount ended with exit code ${child.exitCode}`);
      await sleep(5);
    }
    return await work(path);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
