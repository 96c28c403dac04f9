/** A thread that makes pictures of cached files: decoding one takes the processor for up to a second. */
import { parentPort } from 'node:worker_threads';
import { cachedRenditions } from './cached-picture.ts';
import type { PictureTask } from './picture-thread.ts';

parentPort?.on('message', ({ fd, size }: PictureTask) => {
  try {
    parentPort?.postMessage(cachedRenditions(fd, size));
  } catch {
    // The disk gave nothing: no picture.
    parentPort?.postMessage(undefined);
  }
});
