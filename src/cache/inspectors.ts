/**
 * Several threads that look at cached files side by side: Node's own asynchronous hashing does all its arithmetic on
 * one thread, so a single process would use one core of a machine that has many.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { RecordedFile } from '../index/verification.ts';
import type { Directory } from './directories.ts';
import { createInspectBuffer, inspectFiles, type Unlike } from './inspect.ts';

export interface Inspectors {
  /** How many batches should be asked for at a time to keep all threads busy, and of how many files each. */
  readonly width: number;
  readonly batchFiles: number;
  /** @see inspectFiles. Rejects once it was closed. */
  inspect(root: Directory, files: readonly RecordedFile[]): Promise<readonly Unlike[]>;
  /** Ends at once, in the middle of a file too. */
  close(): Promise<void>;
}

/** What a thread is handed. */
export interface InspectTask {
  readonly root: Directory;
  readonly files: readonly RecordedFile[];
}

/**
 * Files that a thread is handed at a time, and how many such batches it has before it. Waking a thread for each photo of
 * 300 kB cost a third of the time that hashing it took, and each answer wakes the main thread, which wants a core then.
 */
const batchFiles = 64;
const batchesAhead = 3;

interface Waiting {
  readonly resolve: (unlike: readonly Unlike[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts `threads` threads, which takes 0.1 s; with 0 the caller's thread does the work. */
export function createInspectors(threads: number): Inspectors {
  if (threads === 0) return createLocal();
  let closed: Error | undefined;
  const fail = (error: Error) => {
    closed ??= error;
    for (const { waiting } of workers) for (const { reject } of waiting.splice(0)) reject(closed);
  };
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL('./inspect-worker.js', import.meta.url), {
      trackUnmanagedFds: false,
    });
    /** In the order in which the thread answers. */
    const waiting: Waiting[] = [];
    worker.on('message', (unlike: readonly Unlike[]) => waiting.shift()?.resolve(unlike));
    worker.on('error', fail);
    return { worker, waiting };
  });
  return {
    width: threads * batchesAhead,
    batchFiles,
    inspect(root, files) {
      return new Promise((resolve, reject) => {
        const [idlest] = workers.toSorted((a, b) => a.waiting.length - b.waiting.length);
        if (closed !== undefined || idlest === undefined) return reject(closed);
        idlest.waiting.push({ resolve, reject });
        idlest.worker.postMessage({ root, files } satisfies InspectTask);
      });
    },
    async close() {
      fail(new Error('the threads that look at cached files have been ended'));
      await Promise.all(workers.map(({ worker }) => worker.terminate()));
    },
  };
}

function createLocal(): Inspectors {
  const buffer = createInspectBuffer();
  return {
    width: 1,
    batchFiles: 1,
    async inspect(root, files) {
      // Work that never waits would keep signals out.
      await turn();
      return inspectFiles(root, files, buffer);
    },
    close: async () => {},
  };
}
