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

/**
 * A thread is handed so many files, or so many bytes, at a time, and has two such batches before it. Waking a thread for
 * each photo of 300 kB cost a third of the time that hashing it took.
 */
const batchFiles = 16;
const batchBytes = 8 << 20;
const batchesAhead = 2;

interface Waiting {
  readonly resolve: (found: Inspected) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts `threads` threads; with 0 the caller's thread does the work. */
export function createInspectors(root: Directory, threads: number): Inspectors {
  if (threads === 0) return createLocal(root);
  const waiting = new Map<number, Waiting>();
  const queue: InspectTask[] = [];
  let last = 0;
  let closed: Error | undefined;
  const fail = (error: Error) => {
    closed ??= error;
    for (const { reject } of waiting.values()) reject(closed);
    waiting.clear();
    queue.length = 0;
  };
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL('./inspect-worker.js', import.meta.url), {
      workerData: root,
      trackUnmanagedFds: false,
    });
    let batches = 0;
    const feed = () => {
      while (batches < batchesAhead && queue.length > 0) {
        batches += 1;
        worker.postMessage(takeBatch(queue));
      }
    };
    worker.on('message', (answers: readonly InspectAnswer[]) => {
      batches -= 1;
      for (const { id, inspected } of answers) {
        waiting.get(id)?.resolve(inspected);
        waiting.delete(id);
      }
      feed();
    });
    worker.on('error', fail);
    return { feed, end: () => worker.terminate() };
  });
  /** After the tasks of this moment have come, so that they go in batches. */
  let isFeeding = false;
  const feedSoon = () => {
    if (isFeeding) return;
    isFeeding = true;
    setImmediate(() => {
      isFeeding = false;
      for (const { feed } of workers) feed();
    });
  };
  return {
    width: threads * (batchesAhead + 1) * batchFiles,
    inspect(names, size) {
      return new Promise((resolve, reject) => {
        if (closed !== undefined) return reject(closed);
        last += 1;
        const task = { id: last, names, size };
        waiting.set(last, { resolve, reject });
        queue.push(task);
        feedSoon();
      });
    },
    async close() {
      fail(new Error('the threads that look at cached files have been ended'));
      await Promise.all(workers.map(({ end }) => end()));
    },
  };
}

function takeBatch(queue: InspectTask[]): InspectTask[] {
  let bytes = 0;
  let count = 0;
  for (const { size } of queue) {
    if (count > 0 && (count === batchFiles || bytes + size > batchBytes)) break;
    bytes += size;
    count += 1;
  }
  return queue.splice(0, count);
}

function createLocal(root: Directory): Inspectors {
  const buffer = createInspectBuffer();
  return {
    width: 1,
    inspect: async (names, size) => inspectFile(root, names, size, buffer),
    close: async () => {},
  };
}
