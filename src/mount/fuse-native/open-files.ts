/**
 * Open files: a descriptor of the cache file, or reads through the fetcher until the file has been published. Handles
 * are small numbers of their own, from 1 on: the package keeps 31 bits of one, and takes 0 for none.
 *
 * All handles of a file share the kernel's pages of it, and the package can't have one of them go by these (DIRECT_IO). So
 * a file is not opened with other bytes as long as somebody has it open with the former ones.
 */
import { setMaxListeners } from 'node:events';
import { closeSync, read as readCallback } from 'node:fs';
import { promisify } from 'node:util';
import type { Opening } from '../../fetch/reader-content.ts';
import { monotonicMs } from '../../model/clock.ts';
import { sameContent } from '../../model/content.ts';
import { GphotosfsError } from '../../model/errors.ts';
import type { Content } from '../../model/words.ts';
import type { OpenedFile, RemoteReader } from '../driver.ts';
import { errno } from '../errno.ts';
import type { Filesystem } from '../filesystem.ts';
import { Refusal } from './refusal.ts';

const readFd = promisify(readCallback);

interface OpenFile {
  readonly ino: number;
  /** So that the fetcher knows which bytes this reader may have. */
  opening: Opening;
  fd: number | undefined;
  size: number;
  /** How often files had been published when this one was last looked for in the cache. */
  seenPublished: number;
}

export interface OpenFiles {
  /** Opens `ino` and gives its handle. @throws as `Filesystem.open`, and `busy` where it is open with former bytes */
  open(ino: number): number;
  /** Fills `buffer` from `offset` on; gives how many bytes, fewer only at the file's end. */
  read(handle: number, buffer: Buffer, offset: number): Promise<number>;
  release(handle: number): void;
  /** Files were published: those that are open and not cached are looked for again. */
  published(): void;
  /** Ends reads that wait for a fetch, with EIO, and closes all files once no read uses them. */
  close(): Promise<void>;
}

export function createOpenFiles(filesystem: Filesystem, remote: RemoteReader): OpenFiles {
  const files = new Map<number, OpenFile>();
  const reading = new Set<Promise<number>>();
  const closing = new AbortController();
  // Each read that waits listens to it.
  setMaxListeners(0, closing.signal);
  let publications = 0;
  let last = 0;

  function nextHandle(): number {
    do last = (last % 0x7fff_fffe) + 1;
    while (files.has(last));
    return last;
  }

  function isOpenWithOthers(ino: number, content: Content): boolean {
    for (const file of files.values())
      if (file.ino === ino && !sameContent(file.opening.content, content)) return true;
    return false;
  }

  async function read(file: OpenFile, buffer: Buffer, offset: number): Promise<number> {
    const length = Math.min(buffer.length, file.size - offset);
    if (length <= 0) return 0;
    if (file.fd !== undefined) {
      await readFully(file.fd, buffer, length, offset);
      return length;
    }
    if (filesystem.getattr(file.ino)?.size !== file.size) throw new Refusal(errno.EIO);
    const cached = lookAgain(file);
    try {
      (await readRemote(file, length, offset)).copy(buffer, 0, 0, length);
    } catch (error) {
      if (cached?.fd !== undefined) closeSync(cached.fd);
      throw error;
    }
    // Moves over to the cache only now: the fetcher has just said that what this reader was given before is right.
    if (cached !== undefined) {
      const { fd, size, content } = cached;
      Object.assign(file, { fd, size, opening: { ...file.opening, content } });
    }
    return length;
  }

  /** The cache file of a file that was not cached when it was opened, if anything was published since. */
  function lookAgain(file: OpenFile): OpenedFile | undefined {
    if (file.seenPublished === publications) return undefined;
    file.seenPublished = publications;
    try {
      const opened = filesystem.open(file.ino);
      if (sameContent(opened.content, file.opening.content)) return opened;
      // A revision, which is not this reader's.
      if (opened.fd !== undefined) closeSync(opened.fd);
      return undefined;
    } catch {
      // The fetcher knows better what became of it.
      return undefined;
    }
  }

  async function readRemote(file: OpenFile, length: number, offset: number): Promise<Buffer> {
    const { signal } = closing;
    const bytes = await firstOf(remote.read(file.ino, offset, length, signal, file.opening), signal);
    // A short answer would be a shorter file to the kernel, without an error to the reader.
    if (bytes.length < length) throw new Error(`${bytes.length} bytes came instead of ${length}`);
    return bytes;
  }

  return {
    open(ino) {
      const openedAt = monotonicMs();
      const { fd, size, content } = filesystem.open(ino);
      if (isOpenWithOthers(ino, content)) {
        if (fd !== undefined) closeSync(fd);
        throw new GphotosfsError('busy', `inode ${ino} is still open with its former bytes`, {
          hint: 'It can be opened again when the programs that use it have closed it.',
        });
      }
      const handle = nextHandle();
      const opening = { openedAt, content };
      files.set(handle, { ino, opening, fd, size, seenPublished: publications });
      return handle;
    },
    read(handle, buffer, offset) {
      const file = files.get(handle);
      if (file === undefined) return Promise.reject(new Refusal(errno.EBADF));
      const done = read(file, buffer, offset);
      const forget = () => reading.delete(done);
      reading.add(done);
      done.then(forget, forget);
      return done;
    },
    release(handle) {
      const file = files.get(handle);
      files.delete(handle);
      if (file?.fd !== undefined) closeSync(file.fd);
    },
    published() {
      publications += 1;
    },
    async close() {
      closing.abort();
      // What is being read goes into libfuse's memory, through descriptors that may be given to other files.
      await Promise.allSettled(reading);
      for (const file of files.values()) if (file.fd !== undefined) closeSync(file.fd);
      files.clear();
    },
  };
}

/** `promise`, or an error as soon as `signal` fires, whether or not whoever reads heeds it. */
function firstOf<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Refusal(errno.EIO));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

async function readFully(fd: number, buffer: Buffer, length: number, offset: number): Promise<void> {
  for (let done = 0; done < length; ) {
    const { bytesRead } = await readFd(fd, buffer, done, length - done, offset + done);
    // The kernel would fill what is missing with zeros, or shorten the file.
    if (bytesRead === 0) throw new Error('the cache file is shorter than it was when it was opened');
    done += bytesRead;
  }
}
