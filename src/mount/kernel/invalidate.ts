/**
 * Notifications: what the kernel shall forget. The kernel may hold one back until a page is unlocked that waits for
 * an answer from this very thread, so they are written on the thread pool, one at a time, and never from a handler.
 */
import { write, writeSync } from 'node:fs';
import { errorCode } from '../../model/errors.ts';
import type { MountRequest, TreeChange } from '../driver.ts';
import type { Device } from './device.ts';
import { answerHeaderLength, invalidateInodeOutLength, notification, writeInt64 } from './protocol.ts';

export interface Invalidator {
  /** Resolves once the kernel has been told. */
  invalidate(change: TreeChange): Promise<void>;
  /** Sends no more, and resolves when the one being sent is through. */
  close(): Promise<void>;
}

export function createInvalidator(device: Device, log: MountRequest['log']): Invalidator {
  let closed = false;
  let tail: Promise<void> = Promise.resolve();

  async function sendAll(change: TreeChange): Promise<void> {
    for (const { parent, name } of change.entries) {
      if (closed) return;
      await notify(device, entryMessage(parent, name), log);
    }
    // A directory that got a name has a new listing; a set, as a sync adds many names to one directory.
    const inodes = new Set([...change.inodes, ...change.entries.map(({ parent }) => parent)]);
    for (const ino of inodes) {
      if (closed) return;
      await notify(device, inodeMessage(ino), log);
    }
  }

  return {
    invalidate(change) {
      tail = tail.then(() => sendAll(change));
      return tail;
    },
    async close() {
      closed = true;
      await tail;
    },
  };
}

/**
 * Whether the device's file system is still there, so that the number in the mount table is its own: the kernel forgets
 * attributes of the root only where there is one. That waits for nothing.
 */
export function isThere({ fd }: Device): boolean {
  if (fd === undefined) return false;
  const attributesOfRoot = message(notification.invalidateInode, invalidateInodeOutLength, (body) => {
    writeInt64(body, 0, 1);
    writeInt64(body, 8, -1);
  });
  try {
    writeSync(fd, attributesOfRoot);
    return true;
  } catch {
    return false;
  }
}

/** `struct fuse_notify_inval_inode_out`: ino, offset, length; both 0 for attributes and all pages. */
function inodeMessage(ino: number): Buffer {
  return message(notification.invalidateInode, invalidateInodeOutLength, (body) => writeInt64(body, 0, ino));
}

/** `struct fuse_notify_inval_entry_out`: parent u64, name length u32, flags u32; then the name and a NUL. */
function entryMessage(parent: number, name: string): Buffer {
  const bytes = Buffer.from(name);
  return message(notification.invalidateEntry, 16 + bytes.length + 1, (body) => {
    writeInt64(body, 0, parent);
    body.writeUInt32LE(bytes.length, 8);
    bytes.copy(body, 16);
  });
}

/** A notification: an answer's header with `unique` 0 and the code in place of the error. */
function message(code: number, bodyLength: number, fill: (body: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(answerHeaderLength + bodyLength);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeInt32LE(code, 4);
  fill(bytes.subarray(answerHeaderLength));
  return bytes;
}

function notify(device: Device, bytes: Buffer, log: MountRequest['log']): Promise<void> {
  const { fd } = device;
  if (fd === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    write(fd, bytes, 0, bytes.length, null, (error) => {
      const code = errorCode(error);
      // ENOENT: the kernel had nothing to forget. ENOTDIR: the parent is none any more. ENODEV: no mount.
      if (error !== null && code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ENODEV') {
        log('warn', `the kernel could not be told of a change: ${error.message}`);
      }
      resolve();
    });
  });
}
