/** Which handler answers which opcode. */
import { errno } from '../errno.ts';
import {
  access,
  batchForget,
  forget,
  getattr,
  getxattr,
  listxattr,
  lookup,
  readlink,
  statfs,
} from './attributes.ts';
import { init } from './init.ts';
import { opendir, readdir, readdirplus, releasedir } from './listing.ts';
import { interruptIn, opcode, readUint64 } from './protocol.ts';
import { flush, open, read, release } from './reading.ts';
import { fail, type Handler, ok } from './session.ts';

/** Opcodes that change something. The mount is `ro`, so the kernel refuses most of them itself. */
const writing: readonly number[] = [
  opcode.setattr,
  opcode.symlink,
  opcode.mknod,
  opcode.mkdir,
  opcode.unlink,
  opcode.rmdir,
  opcode.rename,
  opcode.link,
  opcode.write,
  opcode.setxattr,
  opcode.removexattr,
  opcode.create,
  opcode.fallocate,
  opcode.rename2,
  opcode.copyFileRange,
  opcode.tmpfile,
];

const refuseWriting: Handler = (session, request) => fail(session, request, errno.EROFS);
const nothingToDo: Handler = (session, request) => void ok(session, request, 0);
const refuseIoctl: Handler = (session, request) => fail(session, request, errno.ENOTTY);

/**
 * INTERRUPT: the reader of an earlier request got a signal. Requests answered here are answered before this one
 * is read, so it can only mean one that the main thread has. Takes no answer itself.
 */
const interrupt: Handler = (session, request) => {
  request.answered = true;
  session.post({ type: 'interrupt', unique: readUint64(request.bytes, interruptIn.unique) });
};

/**
 * What is not here gets ENOSYS, which the kernel remembers and answers itself from then on: LSEEK (the whole
 * file is data then), POLL, locks (kept local), BMAP, SYNCFS.
 */
export const handlers: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  ...writing.map((code): [number, Handler] => [code, refuseWriting]),
  [opcode.init, init],
  [opcode.destroy, nothingToDo],
  [opcode.lookup, lookup],
  [opcode.forget, forget],
  [opcode.batchForget, batchForget],
  [opcode.getattr, getattr],
  [opcode.readlink, readlink],
  [opcode.statfs, statfs],
  [opcode.access, access],
  [opcode.getxattr, getxattr],
  [opcode.listxattr, listxattr],
  [opcode.opendir, opendir],
  [opcode.readdir, readdir],
  [opcode.readdirplus, readdirplus],
  [opcode.releasedir, releasedir],
  [opcode.fsyncdir, nothingToDo],
  [opcode.open, open],
  [opcode.read, read],
  [opcode.release, release],
  [opcode.flush, flush],
  [opcode.fsync, nothingToDo],
  [opcode.ioctl, refuseIoctl],
  [opcode.interrupt, interrupt],
]);
