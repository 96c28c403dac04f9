/**
 * Listing in a thread: while a page is applied to the index, the next one is made. Of a listing little has to be handed over, its
 * packed catalogs, and pages come back as lists (`page-columns.ts`).
 */
import { on } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { GphotosfsError } from '../../model/errors.ts';
import type { Page, ScanRequest } from '../source.ts';
import { throwIfAborted } from './archives/byte-range.ts';
import type { Listing } from './list-pages.ts';
import type { ListAnswer, ListTask, SentCatalog } from './listing-worker.ts';
import { fromColumns } from './page-columns.ts';
import { fromFailure } from './thread-failure.ts';

/** A thread takes 0.1 s and 30 MB to begin with; so many files are listed in half a second. */
const leastFiles = 20_000;

/** Memory for what is young, MB: what a folder is made of while it is listed grows old in any case. */
const memory = { maxYoungGenerationSizeMb: 8 };

/** Whether a listing is large enough, and can be had in a thread: what is read over a network is not opened there. */
export function isWorthThread({ catalogs, remote }: Listing): boolean {
  // Straight from the TypeScript sources (tests) there is no worker to load.
  if (remote || import.meta.url.endsWith('.ts') || availableParallelism() < 2) return false;
  let files = 0;
  for (const { folders } of catalogs) for (const folder of folders.values()) files += folder.files;
  return files >= leastFiles;
}

/** As `listPages`. */
export async function* listInThread(
  { catalogs, gone, ...listing }: Listing,
  signal: AbortSignal,
  progress: ScanRequest['progress'],
): AsyncGenerator<Page, void, undefined> {
  const sent = ({ value, idNumbers }: Listing['catalogs'][number]): SentCatalog => ({ value, idNumbers });
  const task: ListTask = { listing, catalogs: catalogs.map(sent), gone: gone.map(sent) };
  const worker = new Worker(new URL('./listing-worker.js', import.meta.url), {
    workerData: task,
    resourceLimits: memory,
  });
  try {
    // Its `error` is thrown here.
    for await (const [answer] of on(worker, 'message', { signal, close: ['exit'] })) {
      const given = answer as ListAnswer;
      if ('failure' in given) throw fromFailure(given.failure);
      if ('done' in given) return;
      if ('progress' in given) progress(given.progress);
      else {
        worker.postMessage('taken');
        yield fromColumns(given.page, listing.exportId);
      }
    }
  } catch (error) {
    throwIfAborted(signal, listing.exportId);
    throw error;
  } finally {
    await worker.terminate();
  }
  throw new GphotosfsError('internal', 'the thread that lists an export has ended');
}
