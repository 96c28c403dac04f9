/** A thread that loads parts, one after another, for `part-threads.ts`: each handed back as its packed catalog. */
import { parentPort } from 'node:worker_threads';
import type { Problem } from '../../model/words.ts';
import { openArchive } from './archives/open-archive.ts';
import { rethrowFatal } from './discover.ts';
import { loadPart } from './load-part.ts';
import { type ThreadFailure, toFailure } from './thread-failure.ts';

export interface PartTask {
  readonly path: string;
  readonly fingerprint: string;
}

/** A part as `LoadedPart` has it, or why it could not be listed. */
export type PartAnswer =
  | {
      readonly packed: Uint8Array<ArrayBuffer>;
      readonly idNumbers: Float64Array | undefined;
      readonly problems: readonly Problem[];
      readonly failed: boolean;
    }
  | { readonly failure: ThreadFailure };

// The thread is ended from outside when the scan is stopped.
const never = new AbortController().signal;

async function answer({ path, fingerprint }: PartTask): Promise<PartAnswer> {
  const archive = await openArchive(path);
  try {
    const { catalog, problems, failed } = await loadPart(archive, fingerprint, undefined, never, () => {});
    return { packed: new Uint8Array(catalog.value), idNumbers: catalog.idNumbers, problems, failed };
  } finally {
    await archive.close();
  }
}

// Whatever is no trouble of the archive ends the thread, and with that the scan.
parentPort?.on('message', async (task: PartTask) => {
  const found = await answer(task).catch((error): PartAnswer => {
    rethrowFatal(error);
    return { failure: toFailure(error) };
  });
  parentPort?.postMessage(found, 'packed' in found ? [found.packed.buffer] : []);
});
