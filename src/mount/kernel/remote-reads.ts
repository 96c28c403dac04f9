/**
 * Reads of files that are not cached, on the main thread: each is one promise of the `RemoteReader`, and exactly
 * one answer to the kernel, whichever comes first of bytes, error, interrupt and the end of the mount.
 */
import { writevSync } from 'node:fs';
import { errorCode } from '../../model/errors.ts';
import type { MountRequest, RemoteReader } from '../driver.ts';
import { errno, errnoOf } from '../errno.ts';
import type { Device } from './device.ts';
import type { RemoteReadMessage } from './messages.ts';
import { answerHeaderLength, writeInt64 } from './protocol.ts';

export interface RemoteReads {
  start(read: RemoteReadMessage): void;
  /** The reader got a signal: it is told EINTR at once, and the read given up. */
  interrupt(unique: number): void;
  /** Answers everything that is under way, and all that comes later, with EIO. */
  close(): void;
}

/**
 * @param failed is told of each inode of which a read failed: pages that readers got before came from bytes that
 * were not verified yet.
 */
export function createRemoteReads(
  device: Device,
  remote: RemoteReader,
  log: MountRequest['log'],
  failed: (ino: number) => void,
): RemoteReads {
  const pending = new Map<number, AbortController>();
  let closed = false;

  /** Answers once: true for who came first. */
  function settle(unique: number): boolean {
    return pending.delete(unique);
  }

  async function run(read: RemoteReadMessage, signal: AbortSignal): Promise<void> {
    const { unique, ino, offset, length, opening } = read;
    try {
      const bytes = await remote.read(ino, offset, length, signal, opening);
      // A short answer would be a shorter file to the kernel, without an error to the reader.
      if (bytes.length < length) throw new Error(`${bytes.length} bytes of ${length} at ${offset}`);
      if (settle(unique)) send(device, unique, 0, bytes.subarray(0, length), log);
    } catch (error) {
      if (!settle(unique)) return;
      const message = error instanceof Error ? error.message : String(error);
      log('warn', `reading inode ${ino} failed: ${message}`);
      send(device, unique, errnoOf(error), undefined, log);
      failed(ino);
    }
  }

  return {
    start(read) {
      if (closed) return send(device, read.unique, errno.EIO, undefined, log);
      const controller = new AbortController();
      pending.set(read.unique, controller);
      void run(read, controller.signal);
    },
    interrupt(unique) {
      const controller = pending.get(unique);
      if (controller === undefined || !settle(unique)) return;
      send(device, unique, errno.EINTR, undefined, log);
      controller.abort();
    },
    close() {
      closed = true;
      for (const [unique, controller] of pending) {
        pending.delete(unique);
        send(device, unique, errno.EIO, undefined, log);
        controller.abort();
      }
    },
  };
}

/**
 * Writes an answer: header and bytes by one writev(2). Synchronous on purpose: an answer never waits for anything
 * in the kernel, while the thread pool may be full of reads from a slow disk or of notifications that wait for
 * just this answer.
 */
function send(
  device: Device,
  unique: number,
  error: number,
  bytes: Buffer | undefined,
  log: MountRequest['log'],
): void {
  if (device.fd === undefined) return;
  const header = Buffer.alloc(answerHeaderLength);
  header.writeUInt32LE(answerHeaderLength + (bytes?.length ?? 0), 0);
  header.writeInt32LE(-error, 4);
  writeInt64(header, 8, unique);
  try {
    writevSync(device.fd, bytes === undefined ? [header] : [header, bytes]);
  } catch (failure) {
    // ENOENT: the reader is gone. ENODEV: the mount is.
    const code = errorCode(failure);
    if (code !== 'ENOENT' && code !== 'ENODEV')
      log('warn', `an answer could not be sent: ${String(failure)}`);
  }
}
