/** The worker thread of a mount, as the main thread sees it: started, ready, serving, ended. */
import { Worker } from 'node:worker_threads';
import { errorKinds, GphotosfsError, toGphotosfsError } from '../../model/errors.ts';
import type { MountRequest } from '../driver.ts';
import type { Board } from './board.ts';
import type { Presentation, WorkerData, WorkerMessage } from './messages.ts';

export interface Thread {
  readonly worker: Worker;
  /** The worker has opened the index. */
  readonly ready: Promise<void>;
  /** The kernel was greeted. */
  readonly serving: Promise<void>;
  /** The worker has ended; rejects when by an error. */
  readonly ended: Promise<void>;
}

/** Starts the thread; it opens the index, and waits to be told which device to serve. */
export function startThread(request: MountRequest, board: Board, wantsPassthrough: boolean): Thread {
  const { indexPath, cachePath } = request;
  const presentation = presentationOf(request);
  const workerData: WorkerData = { indexPath, cachePath, board, presentation, wantsPassthrough };
  // The worker opens and closes files on behalf of readers; what they hold open is not its own to track.
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData,
    trackUnmanagedFds: false,
  });
  const ended = new Promise<void>((resolve, reject) => {
    worker.once('error', (error) => reject(revive(error)));
    worker.once('exit', () => resolve());
  });
  const has = (type: WorkerMessage['type']) =>
    new Promise<void>((resolve, reject) => {
      worker.on('message', (message: WorkerMessage) => {
        if (message.type === type) resolve();
        if (message.type === 'refused') {
          const hint = 'Start a newer kernel, or try --driver fuse-native.';
          reject(new GphotosfsError('mount', message.message, { hint }));
        }
      });
      ended.then(() => reject(new GphotosfsError('mount', 'the mount was taken away at once')), reject);
    });
  const thread = { worker, ended, ready: has('ready'), serving: has('serving') };
  // Each is awaited where it matters; until then a rejection must not end the process.
  for (const promise of [thread.ended, thread.ready, thread.serving]) promise.catch(() => {});
  return thread;
}

/** An error that came out of the worker: a copy, with its properties but of no class of ours. */
function revive(error: unknown): GphotosfsError {
  const { kind, message, hint } = error as { kind?: unknown; message?: unknown; hint?: unknown };
  const known = errorKinds.find((name) => name === kind);
  if (known === undefined) return toGphotosfsError(error);
  return new GphotosfsError(known, String(message), {
    cause: error,
    ...(typeof hint === 'string' ? { hint } : {}),
  });
}

/** `S_IF…` of <sys/stat.h> and the permissions, less the umask. Links have no permissions of their own. */
function presentationOf({ uid, gid, umask }: MountRequest): Presentation {
  const mode = {
    file: 0o100000 | (0o444 & ~umask),
    directory: 0o040000 | (0o555 & ~umask),
    symlink: 0o120777,
  };
  return { uid, gid, mode };
}
