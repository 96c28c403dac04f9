/**
 * The kernel driver: speaks the kernel's FUSE protocol on /dev/fuse without libfuse. A worker thread answers all
 * that is known here (see `serve.ts`); this side mounts, reads what must be fetched, tells the kernel of changes,
 * and takes the mount away again.
 */
import { spawn } from 'node:child_process';
import { endianness } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { GphotosfsError } from '../../model/errors.ts';
import type { MountDriver, Mounted, MountRequest, TreeChange } from '../driver.ts';
import { prepareMountPoint } from '../mount-point.ts';
import { mountAt } from '../mount-table.ts';
import { unmountLazily, unmountNow } from '../unmount.ts';
import { abortConnection } from './abort.ts';
import { addToBoard, type Board, createBoard, readBoard, setBoard, waitForBoard } from './board.ts';
import { createDevice, type Device } from './device.ts';
import { createInvalidator, isThere } from './invalidate.ts';
import type { ReopenMessage, ServeMessage, WorkerMessage } from './messages.ts';
import { mountByFusermount } from './mount-fusermount.ts';
import { mountAsRoot } from './mount-root.ts';
import { createQuietLog } from './quiet-log.ts';
import { raiseReadahead } from './readahead.ts';
import { createRemoteReads } from './remote-reads.ts';
import { startThread, type Thread } from './thread.ts';

/** What a mount has counted. */
export interface MountStats {
  readonly requests: number;
  /** Inodes that the kernel knows, beside the root, and the references it holds to them. */
  readonly inodes: number;
  readonly lookups: number;
  readonly openFiles: number;
  readonly openDirectories: number;
  /** Files that the kernel reads by itself now, and how many opens so far went which way. */
  readonly backingFiles: number;
  readonly kernelOpens: number;
  readonly directOpens: number;
  readonly pagedOpens: number;
}

export interface KernelMounted extends Mounted {
  stats(): MountStats;
}

export interface KernelDriver extends MountDriver {
  mount(request: MountRequest): Promise<KernelMounted>;
}

/** How long the worker may take to see that the mount is gone, and, after that, to be woken. Milliseconds. */
const endTimeoutMs = 700;

/** @param options.passthrough false: the kernel reads no file by itself, also where it could. */
export function createKernelDriver(options: { readonly passthrough?: boolean } = {}): KernelDriver {
  return {
    name: 'kernel',
    features: { invalidation: true, timesBefore1970: true, interrupts: true },
    mount: (request) => mount(request, options.passthrough ?? true),
  };
}

async function mount(request: MountRequest, wantsPassthrough: boolean): Promise<KernelMounted> {
  if (process.platform !== 'linux' || endianness() !== 'LE') {
    throw new GphotosfsError('mount', 'the kernel driver is for Linux on little-endian machines', {
      hint: 'Use --driver fuse-native.',
    });
  }
  const mountPoint = await prepareMountPoint(request.mountPoint, request.log);
  const board = createBoard();
  const thread = startThread(request, board, wantsPassthrough);
  const asRoot = process.geteuid?.() === 0;
  const mounting = (asRoot ? mountAsRoot : mountByFusermount)(mountPoint, request.allowOther);
  // Both at once: each takes some tens of milliseconds.
  const [opened, ready] = await Promise.allSettled([mounting, thread.ready]);
  if (opened.status === 'rejected') {
    await thread.worker.terminate();
    throw opened.reason;
  }
  const device = createDevice(opened.value);
  if (ready.status === 'rejected') {
    device.close();
    await unmountLazily(mountPoint);
    throw ready.reason;
  }
  const mounted = serveDevice(request, mountPoint, device, thread, board);
  try {
    await thread.serving;
  } catch (error) {
    await mounted.unmount();
    throw error;
  }
  const connection = mountAt(mountPoint)?.device;
  if (connection !== undefined) raiseReadahead(connection);
  return mounted;
}

/** Starts the worker on the device; from here on the kernel gets answers. */
function serveDevice(
  request: MountRequest,
  mountPoint: string,
  device: Device,
  thread: Thread,
  board: Board,
): KernelMounted {
  const { worker } = thread;
  const { remote } = request;
  const log = createQuietLog(request.log);
  const invalidator = createInvalidator(device, log);
  const reads = createRemoteReads(device, remote, log, (ino) => {
    void invalidator.invalidate({ inodes: [ino], entries: [] });
  });
  const connection = mountAt(mountPoint)?.device;
  let unmounting: Promise<void> | undefined;
  /** What the kernel was told to forget since the index was replaced: it may have asked the former one again. */
  let sinceReopened: TreeChange[] | undefined;

  async function tellAgain(late: boolean): Promise<void> {
    const told = sinceReopened ?? [];
    sinceReopened = undefined;
    if (late) for (const change of told) await invalidator.invalidate(change);
  }

  worker.on('message', (message: WorkerMessage) => {
    if (message.type === 'read') reads.start(message);
    else if (message.type === 'interrupt') reads.interrupt(message.unique);
    else if (message.type === 'reopened') {
      // Else another one has come meanwhile, of which the worker speaks later.
      if (message.count === readBoard(board, 'reopened')) void tellAgain(message.late);
    } else if (message.type === 'log') log(message.level, message.message);
  });
  if (device.fd !== undefined) worker.postMessage({ device: device.fd } satisfies ServeMessage);

  const endAtExit = () => {
    // Node joins its threads at exit, and one in a blocking read would keep the process for ever.
    stopWorker(mountPoint, board);
    if (!waitForBoard(board, 'ended', endTimeoutMs)) process.kill(process.pid, 'SIGKILL');
  };
  process.once('exit', endAtExit);

  let giveUp = () => {};
  /** The mount is out of sight, and its thread could not be ended. */
  const givenUp = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const ended = thread.ended.then(
    () => cleanUp(false),
    async (error: unknown) => {
      log('warn', `the mount's thread failed: ${String(error)}`);
      await cleanUp(true);
      throw error;
    },
  );
  const closed = Promise.race([ended, givenUp]);
  closed.catch(() => {});

  /** Runs once, when the worker has ended, for whatever reason. */
  async function cleanUp(failed: boolean): Promise<void> {
    process.off('exit', endAtExit);
    reads.close();
    await within(endTimeoutMs, invalidator.close());
    try {
      device.close();
    } finally {
      if (failed) await unmountLazily(mountPoint);
    }
  }

  async function unmount(): Promise<void> {
    await takeAway();
    // A thread that could not be ended must not keep the process; `endAtExit` has the last word.
    worker.unref();
    giveUp();
  }

  async function takeAway(): Promise<void> {
    reads.close();
    // What is being told to the kernel may wait for an answer of the worker, so it ends first.
    await within(endTimeoutMs, invalidator.close());
    if (await unmountNow(mountPoint)) {
      if (await within(endTimeoutMs, closed)) return;
      // Either its thread is kept by a disk, and the number may be another mount's by now; or the mount lives on where no
      // path of this process leads to: in another mount namespace.
      if (isThere(device)) await abortConnection(connection);
      await within(endTimeoutMs, closed);
      return;
    }
    log('info', `${mountPoint} is in use: programs that hold its files open will get errors`);
    stopWorker(mountPoint, board);
    await within(endTimeoutMs, closed);
    device.close();
    const failure = await unmountLazily(mountPoint);
    if (failure !== undefined) log('warn', `${mountPoint} could not be unmounted: ${failure}`);
  }

  return {
    mountPoint,
    closed,
    async invalidate(change) {
      // Before the kernel is told: rows that the worker holds from before are not to follow.
      addToBoard(board, 'changed', 1);
      sinceReopened?.push(change);
      await invalidator.invalidate(change);
    },
    published: () => addToBoard(board, 'published', 1),
    reopen(file) {
      sinceReopened ??= [];
      worker.postMessage({ index: file } satisfies ReopenMessage);
      addToBoard(board, 'reopened', 1);
      // Rows that the worker holds are of the former one.
      addToBoard(board, 'changed', 1);
    },
    unmount() {
      unmounting ??= unmount();
      return unmounting;
    },
    stats: () => ({
      requests: readBoard(board, 'requests'),
      inodes: readBoard(board, 'inodes'),
      lookups: readBoard(board, 'lookups'),
      openFiles: readBoard(board, 'files'),
      openDirectories: readBoard(board, 'directories'),
      backingFiles: readBoard(board, 'backingFiles'),
      kernelOpens: readBoard(board, 'kernelOpens'),
      directOpens: readBoard(board, 'directOpens'),
      pagedOpens: readBoard(board, 'pagedOpens'),
    }),
  };
}

/**
 * Ends the worker's loop while the mount is still there. Nothing but a request gets a thread out of its read of the
 * device, so one is caused: by another program, which gets its answer (an error) when the device is closed.
 */
function stopWorker(mountPoint: string, board: Board): void {
  setBoard(board, 'stop', 1);
  // statfs is never answered from the kernel's caches.
  const asking = spawn('stat', ['-f', '--', mountPoint], { stdio: 'ignore' });
  asking.on('error', () => {});
  asking.unref();
}

/** Whether a promise settles, either way, within so many milliseconds. */
function within(milliseconds: number, promise: Promise<void>): Promise<boolean> {
  const done = promise.then(
    () => true,
    () => true,
  );
  return Promise.race([done, delay(milliseconds, false, { ref: false })]);
}
