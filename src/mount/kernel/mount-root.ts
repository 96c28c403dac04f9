/**
 * Mounting as root: mount(8) calls mount(2) on a descriptor of the device that it inherits. No libfuse, no
 * fusermount, no addon.
 */
import { closeSync, openSync } from 'node:fs';
import { GphotosfsError } from '../../model/errors.ts';
import { runCommand } from '../system-command.ts';
import { checkDevice, commonOptions, devicePath, sourceName } from './device.ts';

const timeoutMs = 10_000;

/** Mounts at `mountPoint` and gives the device's descriptor, which is to be served and closed. @throws `mount` */
export async function mountAsRoot(mountPoint: string, allowOther: boolean): Promise<number> {
  checkDevice();
  const fd = openSync(devicePath, 'r+');
  const options = [
    'fd=3',
    'rootmode=40000',
    `user_id=${process.getuid?.() ?? 0}`,
    `group_id=${process.getgid?.() ?? 0}`,
    ...commonOptions(allowOther),
  ];
  // -i: no mount helper is looked for, mount(8) makes the system call itself.
  const args = ['-i', '-t', `fuse.${sourceName}`, '-o', options.join(','), sourceName, mountPoint];
  const { status, stderr, missing } = await runCommand('mount', args, { descriptor: fd, timeoutMs });
  if (status === 0) return fd;
  closeSync(fd);
  const reason = missing ? 'the program "mount" was not found' : stderr || 'mount(8) failed';
  throw new GphotosfsError('mount', `cannot mount at ${mountPoint}: ${reason}`, {
    hint: 'A container needs --device /dev/fuse and --cap-add SYS_ADMIN to mount.',
  });
}
