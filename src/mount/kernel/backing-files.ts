/**
 * Shows cache files to the kernel, which then reads them by itself (FUSE_PASSTHROUGH, Linux 6.9). That takes an ioctl(2)
 * on the device, which Node has no call for: libc's is called through koffi, loaded with the first file, as that
 * takes 13 ms (measured) which a mount's first listing shall not wait for.
 */
import { createRequire } from 'node:module';
import { backingMapLength, ioctlBackingClose, ioctlBackingOpen } from './protocol.ts';

export interface BackingFiles {
  /**
   * The number by which the kernel knows the file that is open as `fd`; it keeps the file open itself. Undefined where
   * it will not have it: no privilege (CAP_SYS_ADMIN), a cache on a stacked file system (overlay), no koffi. It is not
   * asked again then.
   */
  add(fd: number): number | undefined;
  remove(id: number): void;
}

type Ioctl = (fd: number, request: number, argument: Buffer) => number;

/** @param log is told once why the kernel reads no file by itself. */
export function createBackingFiles(device: number, log: (message: string) => void): BackingFiles {
  const map = Buffer.alloc(backingMapLength);
  const number = Buffer.alloc(4);
  let libc: Libc | undefined;
  let refused = false;

  function refuse(reason: string): undefined {
    refused = true;
    log(`cached files are read through this process, not by the kernel alone: ${reason}`);
  }

  return {
    add(fd) {
      if (refused) return undefined;
      try {
        libc ??= loadLibc();
      } catch (error) {
        return refuse(`koffi cannot be loaded: ${error instanceof Error ? error.message : error}`);
      }
      map.writeInt32LE(fd, 0);
      const id = libc.ioctl(device, ioctlBackingOpen, map);
      // 0 would mean none to the kernel; it counts from 1.
      return id > 0 ? id : refuse(`the kernel refuses it with error ${libc.errno()}`);
    },
    remove(id) {
      number.writeInt32LE(id, 0);
      libc?.ioctl(device, ioctlBackingClose, number);
    },
  };
}

interface Libc {
  readonly ioctl: Ioctl;
  /** Of the last call, if nothing else ran since. */
  errno(): number;
}

function loadLibc(): Libc {
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
  // Variable arguments are passed like others of their types where this runs (x86-64 and arm64 Linux).
  const ioctl = koffi.load(null).func('int ioctl(int fd, unsigned long request, void *argument)');
  return { ioctl, errno: () => koffi.errno() };
}
