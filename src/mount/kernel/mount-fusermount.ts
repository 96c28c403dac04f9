/**
 * Mounting as an ordinary user: the setuid program fusermount3 mounts and hands the device's descriptor back over a
 * socket, as ancillary data. Node has no call for either end of that (its own `ipc` channel aborts the process on a
 * foreign descriptor), so libc's socketpair(2) and recvmsg(2) are called through koffi, which is loaded only here.
 */
import { closeSync } from 'node:fs';
import { GphotosfsError } from '../../model/errors.ts';
import { runCommand } from '../system-command.ts';
import { checkDevice, commonOptions, sourceName } from './device.ts';

const timeoutMs = 10_000;

/** Mounts at `mountPoint` and gives the device's descriptor, which is to be served and closed. @throws `mount` */
export async function mountByFusermount(mountPoint: string, allowOther: boolean): Promise<number> {
  checkDevice();
  const libc = await loadLibc();
  const [ours, theirs] = libc.socketPair();
  try {
    const options = [...commonOptions(allowOther), `fsname=${sourceName}`, `subtype=${sourceName}`].join(',');
    const env = { _FUSE_COMMFD: '3' };
    const result = await runCommand('fusermount3', ['-o', options, '--', mountPoint], {
      descriptor: theirs,
      env,
      timeoutMs,
    });
    if (result.status !== 0) throw fusermountError(mountPoint, result.stderr, result.missing);
    const fd = libc.receiveDescriptor(ours);
    if (fd === undefined) throw fusermountError(mountPoint, 'fusermount3 handed no device over', false);
    return fd;
  } finally {
    closeSync(ours);
    closeSync(theirs);
  }
}

function fusermountError(mountPoint: string, said: string, missing: boolean): GphotosfsError {
  if (missing) {
    return new GphotosfsError(
      'mount',
      'the program fusermount3, which mounts for ordinary users, was not found',
      {
        hint: 'Install the package fuse3, or mount as root.',
      },
    );
  }
  const hint = said.includes('user_allow_other')
    ? 'Add the line "user_allow_other" to /etc/fuse.conf, or leave --allow-other out.'
    : 'You must own the mount point, and fusermount3 must be setuid root (package fuse3).';
  return new GphotosfsError('mount', `cannot mount at ${mountPoint}: ${said || 'fusermount3 failed'}`, {
    hint,
  });
}

interface Libc {
  socketPair(): [number, number];
  /** The descriptor that waits in the socket, or undefined where there is none. */
  receiveDescriptor(socket: number): number | undefined;
}

/** <sys/socket.h> of Linux, the same on glibc and musl. */
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** `struct msghdr` of 64-bit Linux: 56 bytes, pointers and lengths at these offsets. */
const msghdr = { length: 56, iov: 16, iovCount: 24, control: 32, controlLength: 40 } as const;
/** `struct cmsghdr`: length u64, level i32, type i32, then the descriptor. */
const cmsghdr = { level: 8, type: 12, data: 16, length: 24 } as const;

async function loadLibc(): Promise<Libc> {
  const koffi = await import('koffi').then(
    (module) => module.default,
    (error: unknown) => {
      throw new GphotosfsError('mount', 'mounting as an ordinary user needs the package koffi', {
        hint: 'Install it beside gphotosfs (npm install koffi), or mount as root.',
        cause: error,
      });
    },
  );
  const self = koffi.load(null);
  const socketpair = self.func('int socketpair(int domain, int type, int protocol, void *pair)');
  const recvmsg = self.func('long recvmsg(int socket, void *message, int flags)');
  return {
    socketPair() {
      const pair = Buffer.alloc(8);
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) !== 0) {
        throw new GphotosfsError('mount', `socketpair failed with error ${koffi.errno()}`);
      }
      return [pair.readInt32LE(0), pair.readInt32LE(4)];
    },
    receiveDescriptor(socket) {
      const data = Buffer.alloc(1);
      const control = Buffer.alloc(cmsghdr.length);
      const iov = Buffer.alloc(16);
      iov.writeBigUInt64LE(koffi.address(data), 0);
      iov.writeBigUInt64LE(1n, 8);
      const message = Buffer.alloc(msghdr.length);
      message.writeBigUInt64LE(koffi.address(iov), msghdr.iov);
      message.writeBigUInt64LE(1n, msghdr.iovCount);
      message.writeBigUInt64LE(koffi.address(control), msghdr.control);
      message.writeBigUInt64LE(BigInt(control.length), msghdr.controlLength);
      // The program has ended, so what it sent is there; a wait could only be for ever.
      if (recvmsg(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 1) return undefined;
      const isRights =
        control.readInt32LE(cmsghdr.level) === SOL_SOCKET && control.readInt32LE(cmsghdr.type) === SCM_RIGHTS;
      return isRights ? control.readInt32LE(cmsghdr.data) : undefined;
    },
  };
}
