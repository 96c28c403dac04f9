/** Has pictures of cached files made in a thread, one at a time, so that a mount beside it goes on serving its readers. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { cachedRenditions } from './cached-picture.ts';
import type { Renditions } from './renditions.ts';

export interface PictureTask {
  readonly fd: number;
  readonly size: number;
}

export interface PictureThread {
  /** undefined where none can be made. The descriptor stays open. */
  make(task: PictureTask): Promise<Renditions | undefined>;
  close(): Promise<void>;
}

/** The thread starts with the first picture. */
export function createPictureThread(): PictureThread {
  let worker: Worker | undefined;
  return {
    async make(task) {
      // Straight from the TypeScript sources (tests) there is no worker to load.
      if (import.meta.url.endsWith('.ts')) return cachedRenditions(task.fd, task.size);
      worker ??= new Worker(new URL('./picture-worker.js', import.meta.url), { trackUnmanagedFds: false });
      worker.postMessage(task);
      const [made] = (await once(worker, 'message')) as [Renditions | undefined];
      return made;
    },
    close: async () => void (await worker?.terminate()),
  };
}
