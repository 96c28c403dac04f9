/**
 * Loading one part of an export: listed, and where its own folders show where the photos are, its sidecars read as well,
 * so that of no other part the entries are kept meanwhile. `part-worker.ts` does the same in a thread.
 */
import type { Problem } from '../../model/words.ts';
import type { Archive } from './archives/archive.ts';
import type { Catalog } from './catalog.ts';
import { problemOf, rethrowFatal } from './discover.ts';
import { photosFoldersOf } from './gather.ts';
import { hasUnread, listPart, readJsons } from './read-part.ts';

export interface LoadedPart {
  readonly catalog: Catalog;
  /** The catalog as its memo's value, where a thread has made that. */
  readonly encoded: Buffer | undefined;
  readonly problems: readonly Problem[];
  /** Reading sidecars ended with the last of the problems: what was missed is to be read at the next scan. */
  readonly failed: boolean;
}

/**
 * Lists and reads an archive; `before` as for `listPart`.
 * @throws GphotosfsError when it can't be listed, and `interrupted`.
 */
export async function loadPart(
  archive: Archive,
  fingerprint: string,
  before: Catalog | undefined,
  signal: AbortSignal,
  progress: (read: number) => void,
): Promise<LoadedPart> {
  const { catalog, problems } = await listPart(archive, fingerprint, before, signal);
  const photos = photosFoldersOf([catalog]).get(catalog);
  // What is sure by name and place is so whatever the other parts hold.
  if (photos === undefined || !photos.sure || !hasUnread(catalog, photos))
    return { catalog, encoded: undefined, problems, failed: false };
  try {
    const more = await readJsons(archive, catalog, photos, signal, progress);
    return { catalog, encoded: undefined, problems: [...problems, ...more], failed: false };
  } catch (error) {
    rethrowFatal(error);
    return {
      catalog,
      encoded: undefined,
      problems: [...problems, problemOf(error, archive.path)],
      failed: true,
    };
  }
}
