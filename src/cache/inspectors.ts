/**
 * Several threads that look at cached files side by side: Node's own asynchronous hashing does all its arithmetic on
 * one thread, so a single process would use one core of a machine that has many.
 */
import { Worker } from 'node:worker_threads';
import type { Directory } from './directories.ts';
import { createInspectBuffer, type Inspected, inspectFile } from './inspect.ts';

export interface Inspectors {
  /** How many looks should be asked for at a time to keep all threads busy. */
  readonly width: number;
  /** @see inspectFile. Rejects once it was closed. */
  inspect(names: readonly string[], size: number): Promise<Inspected>;
  /** Ends at once, in the middle of a file too. */
  close(): Promise<void>;
}

export interface InspectTask {
  readonly id: number;
  readonly names: readonly string[];
  readonly size: number;
}
export interface InspectAnswer {
  readonly id: number;
  readonly inspected: Inspected;
}

/** Tasks a thread has before it, so that it doesn't wait for the main thread between two small files. */
const queueLength = 8;

/** Starts `threads` threads; with 0 the caller's thread does the work. */
export function createInspectors(root: Directory, threads: number): Inspectors {
  if (threads === 0) return createLocal(root);
  const waiting = new Map<
    number,
    { resolve: (found: Inspected) => void; reject: (error: unknown) => void }
  >();
  let last = 0;
  let closed: Error | undefined;
  const fail = (error: Error) => {
    closed ??= error;
    for (const { reject } of waiting.values()) reject(closed);
    waiting.clear();
  };
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL('./inspect-worker.js', import.meta.url), {
      workerData: root,
      trackUnmanagedFds: false,
    });
    let queued = 0;
    worker.on('message', ({ id, inspected }: InspectAnswer) => {
      queued -= 1;
      waiting.get(id)?.resolve(inspected);
      waiting.delete(id);
    });
    worker.on('error', fail);
    return {
      queued: () => queued,
      send(task: InspectTask) {
        queued += 1;
        worker.postMessage(task);
      },
      end: () => worker.terminate(),
    };
  });
  return {
    width: threads * queueLength,
    inspect(names, size) {
      return new Promise((resolve, reject) => {
        if (closed !== undefined) return reject(closed);
        last += 1;
        waiting.set(last, { resolve, reject });
        const idlest = workers.reduce((a, b) => (b.queued() < a.queued() ? b : a));
        idlest.send({ id: last, names, size });
      });
    },
    async close() {
      fail(new Error('the threads that look at cached files have been ended'));
      await Promise.all(workers.map(({ end }) => end()));
    },
  };
}

function createLocal(root: Directory): Inspectors {
  const buffer = createInspectBuffer();
  return {
    width: 1,
    inspect: async (names, size) => inspectFile(root, names, size, buffer),
    close: async () => {},
  };
}
