/**
 * Telling systemd that the mount answers (sd_notify(3)), so that what needs the photos starts after it.
 *
 * The message goes over a Unix datagram socket, for which Node has no call; `systemd-notify` sends it, a program that
 * is wherever systemd is. It is a child, hence NotifyAccess=all in the unit.
 */
import { runCommand } from '../mount/system-command.ts';
import type { Log } from './output.ts';

const timeoutMs = 5000;

/** Does nothing where nobody waits for it. */
export async function notifyReady(mountPoint: string, log: Log): Promise<void> {
  if (process.env.NOTIFY_SOCKET === undefined) return;
  const args = ['READY=1', `MAINPID=${process.pid}`, `STATUS=Serving ${mountPoint}`];
  const { status, stderr, missing } = await runCommand('systemd-notify', args, { timeoutMs });
  if (status === 0) return;
  log(
    'warn',
    `systemd was not told that the mount is ready: ${missing ? 'systemd-notify is missing' : stderr}`,
  );
}
