/**
 * Ends a connection by the kernel's own way, the file system fusectl: for a mount that lives on where no path of this
 * process leads to, in another mount namespace (`unshare`, a container, a systemd unit).
 */
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../system-command.ts';

const usualPlace = '/sys/fs/fuse/connections';
const timeoutMs = 1000;

/** @param device `major:minor` of the mount; its minor is the connection's number */
export async function abortConnection(device: string | undefined): Promise<void> {
  const minor = device?.split(':')[1];
  if (minor === undefined || abortIn(usualPlace, minor)) return;
  // Nobody has mounted fusectl, as in many containers: root may, for a moment.
  const folder = mkdtempSync(join(tmpdir(), 'gphotosfs-abort-'));
  const { status } = await runCommand('mount', ['-t', 'fusectl', 'fusectl', folder], { timeoutMs });
  if (status === 0) {
    abortIn(folder, minor);
    await runCommand('umount', [folder], { timeoutMs });
  }
  try {
    rmdirSync(folder);
  } catch {
    // Still mounted: it does no harm there.
  }
}

function abortIn(folder: string, minor: string): boolean {
  try {
    writeFileSync(`${folder}/${minor}/abort`, '1');
    return true;
  } catch {
    return false;
  }
}
