/**
 * Threads that fill partial files: read or request, inflate, hash, check and write, each file by one thread from its first
 * byte to its last. For prefetch, where thousands of small files wait and nobody reads along: as a stream through the
 * main thread a photo of 300 kB costs 3.3 ms of it, one from the network 4 ms, and one core does all the work.
 *
 * What goes wrong in a thread is not told from here: the file is filled again on the main thread, which knows what to do.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Directory } from '../cache/directories.ts';
import { type FileIdentity, removePartial } from '../cache/partial.ts';
import { GphotosfsError } from '../model/errors.ts';
import type { Content, Location, UnixSeconds } from '../model/words.ts';
import type { BytesLink, Source } from '../sources/source.ts';
import type { Filled } from './fill.ts';

/** A file to be filled, as a thread is told of it. */
export interface FillTask {
  readonly id: number;
  /** `Source.openedWith` of the source that has the bytes; undefined where there is a link. */
  readonly source: unknown;
  readonly link: BytesLink | undefined;
  readonly location: Location;
  readonly content: Content;
  /** Where the partial file is made, and its name there. */
  readonly directory: Directory;
  readonly name: string;
  /** The time that the file is given; undefined where none is known. */
  readonly mtime: UnixSeconds | undefined;
}

export interface FillAnswer {
  readonly id: number;
  /** undefined where it failed; then there is no file. */
  readonly filled:
    | { readonly crc32: number; readonly sha256: Uint8Array; readonly file: FileIdentity }
    | undefined;
}

/** What a thread has filled, and which file that is: until it is opened again another one may be given its name. */
export interface FilledFile extends Filled {
  readonly file: FileIdentity;
}

export interface FillRequest extends Omit<FillTask, 'id' | 'source' | 'link'> {
  readonly source: Source;
}

export interface FillThreads {
  /**
   * Makes a partial file, fills, checks and settles it (`cache/settle.ts`): all of it may wait for the disk, and each wait
   * wakes whoever waits. The thread closes it, too, so that a thread that is ended leaves no descriptor behind. When the
   * promise has settled no thread is at it any more.
   * Rejects when it failed, and there is no such file then; undefined where the file is not for the threads.
   */
  fill(request: FillRequest): Promise<FilledFile> | undefined;
}

/** Larger files gain little, and a thread holds a file as a whole: at most so many bytes, compressed and not. */
const largest = 16 << 20;
/** From the network: who wants to read along in a larger one should not wait for its end. */
const largestLinked = 4 << 20;
/** A thread takes 0.1 s and 30 MB to begin with, so the first files are done without. */
const withoutThreads = 64;
const mostThreads = 4;
/** Each has its own copy of what sends requests, compiled anew; the main thread needs a core, too. */
const mostLinked = Math.max(1, Math.min(mostThreads, availableParallelism() - 1));

/**
 * A thread makes few objects but many buffers, which die at once. Only a collection of young objects finds that out cheaply,
 * and with the usual 16 MB for these there were none: 40 full ones for 300 MB.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 2 };

interface Waiting {
  readonly resolve: (filled: FilledFile) => void;
  readonly reject: (error: unknown) => void;
  readonly size: number;
}

/** Threads that start when there is enough to do for them. They end with `signal`, in the middle of a file too. */
export function createFillThreads(signal: AbortSignal): FillThreads {
  const threads: FillThread[] = [];
  let asked = 0;
  signal.addEventListener('abort', () => {
    for (const thread of threads) thread.end();
  });
  return {
    fill(request) {
      // Straight from the TypeScript sources (tests) there is no worker to load.
      if (signal.aborted || import.meta.url.endsWith('.ts')) return undefined;
      const { source, content } = request;
      if (source.linkTo === undefined && source.openedWith === undefined) return undefined;
      if (content.size > (source.linkTo === undefined ? largest : largestLinked)) return undefined;
      asked += 1;
      if (asked <= withoutThreads) return undefined;
      const most = source.linkTo === undefined ? Math.min(mostThreads, availableParallelism()) : mostLinked;
      while (threads.length < most) threads.push(startThread());
      return living().length === 0 ? undefined : fillBy(request, asked);
    },
  };

  function living(): FillThread[] {
    return threads.filter(({ hasEnded }) => !hasEnded());
  }

  async function fillBy(request: FillRequest, id: number): Promise<FilledFile> {
    const { source, ...wanted } = request;
    const link = await source.linkTo?.(wanted.location, signal);
    const [idlest] = living().sort((a, b) => a.busy() - b.busy());
    if (idlest === undefined)
      throw new GphotosfsError('interrupted', 'the threads that fill files have ended');
    try {
      return await idlest.fill({ id, source: source.openedWith, link, ...wanted });
    } catch (error) {
      // Of a thread that has ended in the middle.
      removePartial(wanted.directory, wanted.name);
      throw error;
    }
  }
}

interface FillThread {
  /** Files it has been given and not finished. */
  busy(): number;
  hasEnded(): boolean;
  fill(task: FillTask): Promise<FilledFile>;
  end(): void;
}

function startThread(): FillThread {
  // What it has opened itself is closed when it is ended in the middle, as Node does by default; not what it was opening just
  // then (seen: an archive, a partial file), which stays open until the process ends. It ends soon: nothing else ends threads.
  const worker = new Worker(new URL('./fill-worker.js', import.meta.url), { resourceLimits });
  const waiting = new Map<number, Waiting>();
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  worker.on('message', ({ id, filled }: FillAnswer) => {
    const { resolve, reject, size } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (filled === undefined) reject?.(new GphotosfsError('internal', 'a thread could not fill a file'));
    else {
      const { crc32, sha256, file } = filled;
      const content = { size: size ?? 0, crc32 };
      resolve?.({ content, sha256: Buffer.from(sha256), file, onDisk: true });
    }
    // A thread that has nothing to do keeps no process alive.
    if (waiting.size === 0) worker.unref();
  });
  let cause: unknown;
  worker.on('error', (error) => {
    cause = error;
  });
  // Not before: until it has ended it may be in the middle of a write.
  worker.on('exit', () =>
    fail(cause ?? new GphotosfsError('interrupted', 'the threads that fill files have ended')),
  );
  return {
    busy: () => waiting.size,
    hasEnded: () => failure !== undefined,
    fill(task) {
      if (failure !== undefined) return Promise.reject(failure);
      worker.ref();
      return new Promise((resolve, reject) => {
        waiting.set(task.id, { resolve, reject, size: task.content.size });
        worker.postMessage(task);
      });
    },
    end: () => void worker.terminate(),
  };
}
