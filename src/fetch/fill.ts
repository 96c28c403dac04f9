/**
 * A fill: one file's bytes on their way into the cache, with any number of readers.
 *
 * Readers get bytes as soon as they are written, except the last block: that is held back until size and CRC-32
 * agree, so that whoever reads the file to its end has read right bytes, or an error.
 */
import { GphotosfsError } from '../model/errors.ts';
import type { Content } from '../model/words.ts';
import { abortableStream } from './abortable.ts';
import { type Hashing, hashingOf } from './hashing.ts';
import type { HeldBlock } from './held-block.ts';
import { readAt, writeAt } from './read-at.ts';

/** What a completed fill knows. */
export interface Filled {
  readonly content: Content & { readonly crc32: number };
  readonly sha256: Buffer;
  /** Its file has its time and is on the disk already (`cache/settle.ts`). */
  readonly onDisk?: boolean;
}

export interface Fill {
  /** Bytes that readers may have by now. */
  readable(): number;
  /** Waits until byte `end` may be read. Rejects when the fill fails, or with `interrupted` when `signal` fires. */
  until(end: number, signal: AbortSignal): Promise<void>;
  /** Reads bytes that `until` has promised. */
  read(offset: number, length: number): Promise<Buffer>;
  /** Settles when all bytes are there and right. */
  readonly done: Promise<Filled>;
}

interface Waiter {
  readonly end: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Where a fill takes its bytes from, and where it puts them. */
export interface FillRequest {
  /** Named in errors. */
  readonly name: string;
  readonly fd: number;
  readonly expected: Content;
  /** What is not given before all is verified. */
  readonly held: HeldBlock;
  /** What the file has already, hashed; `bytes` go on behind it. */
  readonly begun?: Hashing | undefined;
  readonly bytes: AsyncIterable<Buffer>;
  /** Ends the fill, also when its bytes hang. */
  readonly signal: AbortSignal;
  /** Told after each chunk how much is written. */
  readonly progress: (written: number) => void;
  /**
   * The file can't take more (disk full): gives a descriptor of another one that has the first `written` bytes.
   * The former one stays open, for readers may be at it.
   */
  readonly replace: (error: unknown, written: number) => Promise<number>;
}

/** Starts a fill. Its `done` is always handled here too, so a fill without readers may fail quietly. */
export function startFill(request: FillRequest): Fill {
  const { expected } = request;
  let fd = request.fd;
  const waiters = new Set<Waiter>();
  const hashing = request.begun ?? hashingOf();
  let written = hashing.size;
  let failure: unknown;
  let complete = false;

  const readable = () => (complete ? expected.size : Math.min(written, request.held.start()));
  const wake = () => {
    for (const waiter of waiters) {
      if (failure !== undefined) waiter.reject(failure);
      else if (waiter.end <= readable()) waiter.resolve();
      else continue;
      waiters.delete(waiter);
    }
  };

  async function fill(): Promise<Filled> {
    for await (const chunk of abortableStream(request.bytes, request.signal)) {
      if (written + chunk.length > expected.size)
        throw wrong(request.name, 'it is longer than the source said');
      // The disk takes it while it is being hashed.
      const writing = writeAt(fd, chunk, written);
      hashing.add(chunk);
      try {
        await writing;
      } catch (error) {
        fd = await request.replace(error, written);
        await writeAt(fd, chunk, written);
      }
      written += chunk.length;
      request.progress(written);
      wake();
    }
    if (written !== expected.size) {
      throw wrong(request.name, `it has ${written} bytes, the source said ${expected.size}`);
    }
    if (expected.crc32 !== undefined && hashing.crc32 !== expected.crc32)
      throw wrong(request.name, 'its CRC-32 is wrong');
    return { content: { size: written, crc32: hashing.crc32 }, sha256: hashing.sha256() };
  }

  const done = fill().then(
    (filled) => {
      complete = true;
      wake();
      return filled;
    },
    (error: unknown) => {
      failure = error;
      wake();
      throw error;
    },
  );
  done.catch(() => {});

  return {
    readable,
    done,
    until(end, signal) {
      if (failure !== undefined) return Promise.reject(failure);
      if (end <= readable()) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const waiter = { end, resolve: finish(resolve), reject: finish(reject) };
        const onAbort = () => {
          waiters.delete(waiter);
          waiter.reject(new GphotosfsError('interrupted', 'the reader gave up'));
        };
        function finish<T>(settle: (value: T) => void): (value: T) => void {
          return (value) => {
            signal.removeEventListener('abort', onAbort);
            settle(value);
          };
        }
        signal.addEventListener('abort', onAbort, { once: true });
        waiters.add(waiter);
        if (signal.aborted) onAbort();
      });
    },
    read(offset, length) {
      return readAt(fd, offset, Math.max(0, Math.min(length, expected.size - offset)));
    },
  };
}

function wrong(name: string, what: string): GphotosfsError {
  return new GphotosfsError('bad-content', `"${name}" is not what its source promised: ${what}`, {
    hint: 'The archive may be damaged: download it again, then run "gphotosfs sync".',
  });
}
