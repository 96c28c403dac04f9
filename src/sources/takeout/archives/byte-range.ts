/** Positioned reads of one open file on disk: a piece, or a range as a stream of chunks. */
import { read, readSync } from 'node:fs';
import { GphotosfsError } from '../../../model/errors.ts';
import type { RandomAccess } from './archive-file.ts';
import { readFailure } from './read-failure.ts';

/** The first chunk is small so that a reader sees bytes early … */
const firstChunk = 128 * 1024;
/** … the later ones big, so that a long file costs few calls; the kernel reads 1 MiB at a time as well. */
const laterChunk = 1024 * 1024;

/** A file open for reading. */
interface Descriptor {
  readonly fd: number;
  readonly path: string;
  /** Pieces are read at once: the thread waits for the disk. */
  readonly atOnce: boolean;
}

/** The bytes of an open file; `path` is for messages. With `atOnce`, `read` lets the thread wait for the disk. */
export function bytesOf(fd: number, path: string, atOnce = false): RandomAccess {
  const file = { fd, path, atOnce };
  return {
    path,
    read: (position, length) => readPiece(file, position, length),
    stream: (start, end, signal) => readRange(file, start, end, signal),
  };
}

/** Throws `interrupted` once the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new GphotosfsError('interrupted', `${what}: reading was stopped`);
}

async function readPiece(file: Descriptor, position: number, length: number): Promise<Buffer> {
  const bytes = length > Buffer.poolSize / 2 ? Buffer.allocUnsafeSlow(length) : Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const count = file.atOnce
      ? readNow(file, bytes, filled, position + filled)
      : await readOnce(file, bytes, filled, position + filled);
    if (count === 0) return bytes.subarray(0, filled);
    filled += count;
  }
  return bytes;
}

async function* readRange(
  file: Descriptor,
  start: number,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  let position = start;
  for (let chunk = firstChunk; position < end; chunk = laterChunk) {
    throwIfAborted(signal, file.path);
    const bytes = await readPiece(file, position, Math.min(chunk, end - position));
    if (bytes.length === 0)
      throw new GphotosfsError('bad-source', `${file.path} ends at byte ${position}, ${end} were expected`);
    position += bytes.length;
    throwIfAborted(signal, file.path);
    yield bytes;
  }
}

/**
 * The bytes from `from` to `to` of a stream that begins at 0. With `toItsEnd` the stream is drawn to its end, for only
 * there it can say that it was too long.
 */
export async function* sliceStream(
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
  from: number,
  to: number,
  toItsEnd: boolean,
): AsyncGenerator<Buffer, void, undefined> {
  let position = 0;
  for await (const chunk of chunks) {
    const wanted = chunk.subarray(Math.max(0, from - position), Math.max(0, to - position));
    position += chunk.length;
    if (wanted.length > 0) yield wanted;
    if (position >= to && !toItsEnd) return;
  }
}

function readOnce(file: Descriptor, into: Buffer, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(file.fd, into, offset, into.length - offset, position, (error, count) => {
      if (error) reject(readFailure(error, file.path));
      else resolve(count);
    });
  });
}

function readNow({ fd, path }: Descriptor, into: Buffer, offset: number, position: number): number {
  try {
    return readSync(fd, into, offset, into.length - offset, position);
  } catch (error) {
    throw readFailure(error, path);
  }
}
