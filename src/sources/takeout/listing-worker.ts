/** A thread that lists one export, for `listing-thread.ts`: it hands out its pages, and stays a few ahead of who takes them. */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import type { Location } from '../../model/words.ts';
import type { ScanProgress } from '../source.ts';
import { rethrowFatal } from './discover.ts';
import { type Listing, listPages } from './list-pages.ts';
import { openPacked, type PackedCatalog } from './packed-catalog.ts';
import { type PagedColumns, toColumns } from './page-columns.ts';
import { type ThreadFailure, toFailure } from './thread-failure.ts';

export interface ListTask {
  readonly listing: Omit<Listing, 'catalogs' | 'gone'>;
  readonly catalogs: readonly SentCatalog[];
  readonly gone: readonly SentCatalog[];
}

/** What a packed catalog is made of. */
export type SentCatalog = Pick<PackedCatalog, 'idNumbers'> & { readonly value: Uint8Array };

export type ListAnswer =
  | { readonly page: PagedColumns }
  | { readonly progress: ScanProgress }
  | { readonly failure: ThreadFailure }
  | { readonly done: true };

/** Pages that wait to be taken: one is made while another is applied. */
const pagesAhead = 2;

// The thread is ended from outside when the scan is stopped.
const never = new AbortController().signal;

async function list({ listing, catalogs, gone }: ListTask): Promise<void> {
  const port = parentPort;
  if (port === null) return;
  const give = (answer: ListAnswer): void => port.postMessage(answer);
  const whole = { ...listing, catalogs: catalogs.map(open), gone: gone.map(open) };
  let ahead = 0;
  port.on('message', () => ahead--);
  const progress = (state: ScanProgress) => give({ progress: state });
  for await (const page of listPages(whole, { open: openFile, signal: never, progress })) {
    give({ page: toColumns(page) });
    for (ahead++; ahead >= pagesAhead; ) await once(port, 'message');
  }
  give({ done: true });
  port.close();
}

function open({ value, idNumbers }: SentCatalog): PackedCatalog {
  const catalog = openPacked(Buffer.from(value.buffer, value.byteOffset, value.byteLength), idNumbers);
  if (catalog === undefined) throw new Error('a catalog came damaged');
  return catalog;
}

async function* openFile(location: Location): AsyncGenerator<Buffer> {
  // Hardly ever: a zip tells its files' CRC-32s.
  const { openArchive } = await import('./archives/open-archive.ts');
  const archive = await openArchive(location.archive);
  try {
    yield* archive.open(location, { signal: never });
  } finally {
    await archive.close();
  }
}

// Whatever is no trouble of an archive ends the thread, and with that the scan.
await list(workerData as ListTask).catch((error) => {
  rethrowFatal(error);
  parentPort?.postMessage({ failure: toFailure(error) } satisfies ListAnswer);
});
