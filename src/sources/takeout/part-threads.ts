/**
 * Parts loaded in threads: what reading leaves behind in memory ends with the thread, and where there is much to read, two
 * read. Of a part only its packed catalog comes back, some 100 bytes a photo, which is also its memo.
 */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { errorCode, GphotosfsError } from '../../model/errors.ts';
import type { Part } from './export-part.ts';
import type { LoadedPart } from './load-part.ts';
import { openPacked } from './packed-catalog.ts';
import type { PartAnswer, PartTask } from './part-worker.ts';
import { fromFailure } from './thread-failure.ts';

type Packed = Extract<PartAnswer, { packed: unknown }>;

export interface PartThreads {
  /**
   * Waits until a part is loaded, as `loadPart` does; undefined for one that is not left to the threads. All are begun
   * with when the threads start, so this is to be called for each in that order.
   */
  load(part: Part, signal: AbortSignal): Promise<LoadedPart | undefined>;
  /** Ends the threads, and all that they were doing. */
  close(): Promise<void>;
}

/** A thread takes 0.1 s and 30 MB to begin with; so few bytes of archives are read in less. */
const leastBytes = 64 * 1024 * 1024;
/**
 * When a second thread joins the first, ms. It has to compile all that the first has compiled, half a second of the processor: of
 * 100,000 photos on two cores, one thread reads as fast as two. More than two gain little: a disk has to follow.
 */
const secondAfter = 2000;
/**
 * Memory of a thread for what is young, MB: without this limit two threads together hold 60 MB more. A limit for what is
 * old makes V8 collect so often that what it compiled has to be compiled again: 2 s of the processor for 100,000 photos.
 */
const memory = { maxYoungGenerationSizeMb: 8 };

interface Waiting {
  readonly task: PartTask;
  /** With undefined where the threads have given up. */
  readonly resolve: (part: Packed | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Threads for these parts, of which the first begins at once; undefined where there is too little to be worth it. */
export function startPartThreads(parts: readonly Part[]): PartThreads | undefined {
  // Straight from the TypeScript sources (tests) there is no worker to load.
  if (import.meta.url.endsWith('.ts')) return undefined;
  // An unpacked folder was walked for its fingerprint, and would be again by a thread.
  const files = parts.filter((part) => fileSize(part) > 0);
  const bytes = files.reduce((sum, part) => sum + fileSize(part), 0);
  if (availableParallelism() < 2 || bytes < leastBytes) return undefined;

  const waiting: Waiting[] = [];
  const loading = new Map(
    files.map((part) => {
      const answer = new Promise<Packed | undefined>((resolve, reject) => {
        waiting.push({ task: { path: part.archive.name, fingerprint: part.fingerprint }, resolve, reject });
      });
      // Awaited in its turn; until then its failure must not end the process.
      answer.catch(() => undefined);
      return [part, answer];
    }),
  );
  const fail = (error: unknown): void => {
    const rest = [...threads.flatMap((thread) => thread.takeBack()), ...waiting.splice(0)];
    for (const { resolve, reject } of rest)
      if (errorCode(error) === 'ERR_WORKER_OUT_OF_MEMORY') resolve(undefined);
      else reject(error);
  };
  const start = () => startThread(waiting, (error) => fail(error));
  const threads = [start()];
  const second = setTimeout(() => {
    if (waiting.length > 0) threads.push(start());
  }, secondAfter);
  return {
    async load(part, signal) {
      const answer = loading.get(part);
      loading.delete(part);
      if (answer === undefined) return undefined;
      const loaded = await unlessAborted(answer, signal, part.archive.name);
      if (loaded === undefined) return undefined;
      const { packed, idNumbers, problems, failed } = loaded;
      const catalog = openPacked(Buffer.from(packed.buffer), idNumbers);
      if (catalog === undefined)
        throw new GphotosfsError('internal', `what was read of ${part.archive.name} can't be read back`);
      return { catalog, problems, failed };
    },
    async close() {
      clearTimeout(second);
      await Promise.all(threads.map((thread) => thread.end()));
    },
  };
}

/** The answer, or `interrupted` as soon as the signal is aborted. */
async function unlessAborted(
  answer: Promise<Packed | undefined>,
  signal: AbortSignal,
  what: string,
): Promise<Packed | undefined> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new GphotosfsError('interrupted', `${what}: reading was stopped`));
  });
  aborted.catch(() => undefined);
  signal.addEventListener('abort', stop);
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function startThread(waiting: Waiting[], fail: (error: unknown) => void) {
  const worker = new Worker(new URL('./part-worker.js', import.meta.url), {
    resourceLimits: memory,
  });
  let current: Waiting | undefined;
  const next = (): void => {
    if (current !== undefined) return;
    current = waiting.shift();
    if (current !== undefined) worker.postMessage(current.task);
  };
  worker.on('message', (answer: PartAnswer) => {
    const done = current;
    current = undefined;
    next();
    if ('failure' in answer) done?.reject(fromFailure(answer.failure));
    else done?.resolve(answer);
  });
  worker.on('error', fail);
  worker.on('exit', () => fail(new GphotosfsError('internal', 'a thread that reads archives has ended')));
  next();
  return {
    /** What it was doing, which is no longer its own. */
    takeBack(): Waiting[] {
      const taken = current === undefined ? [] : [current];
      current = undefined;
      return taken;
    },
    end: () => worker.terminate(),
  };
}

/** Bytes; 0 for a folder, and for what is gone, of which reading tells. */
function fileSize({ archive }: Part): number {
  try {
    const stats = statSync(archive.name);
    return stats.isFile() ? stats.size : 0;
  } catch {
    return 0;
  }
}
