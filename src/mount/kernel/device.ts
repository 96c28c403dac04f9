/** The FUSE device, and what every mount on it has in common. */
import { accessSync, closeSync, constants } from 'node:fs';
import { errorCode, GphotosfsError } from '../../model/errors.ts';
import { subtype } from '../mount-table.ts';
import { maxRead } from './protocol.ts';

export const devicePath = '/dev/fuse';

/** The open device of a mount, on the main thread. */
export interface Device {
  /** Undefined once closed: its number may then be another file's, which a late answer must not be written to. */
  readonly fd: number | undefined;
  /** Closing the last descriptor ends the connection: whoever still waits gets ENOTCONN. */
  close(): void;
}

export function createDevice(fd: number): Device {
  let open: number | undefined = fd;
  return {
    get fd() {
      return open;
    },
    close() {
      if (open === undefined) return;
      open = undefined;
      closeSync(fd);
    },
  };
}

/** @throws `mount` where this user cannot use the device, with what to do about it. */
export function checkDevice(): void {
  try {
    accessSync(devicePath, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (errorCode(error) === 'EACCES') {
      throw new GphotosfsError('mount', `this user may not open ${devicePath}`, {
        hint: `Run once as root: chmod 666 ${devicePath} (most systems have it so).`,
        cause: error,
      });
    }
    throw new GphotosfsError('mount', `${devicePath} is not there`, {
      hint: 'Run "modprobe fuse" as root; a container needs --device /dev/fuse and --cap-add SYS_ADMIN.',
      cause: error,
    });
  }
}

/** Options of every mount: read-only by the kernel too, permissions checked by it, nothing in it is run as somebody else. */
export function commonOptions(allowOther: boolean): string[] {
  const options = ['ro', 'nosuid', 'nodev', 'default_permissions', `max_read=${maxRead}`];
  return allowOther ? [...options, 'allow_other'] : options;
}

/** The name of the source and the subtype in the mount table. */
export const sourceName = subtype;
