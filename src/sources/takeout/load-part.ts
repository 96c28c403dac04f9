/**
 * Loading one part of an export: listed, and where its own folders show where the photos are, its sidecars read as well,
 * so that of no other part the entries are kept meanwhile. `part-worker.ts` does the same in a thread.
 */
import type { Problem } from '../../model/words.ts';
import type { Archive } from './archives/archive.ts';
import { foldersIn } from './catalog.ts';
import { problemOf, rethrowFatal } from './discover.ts';
import { listPart } from './list-part.ts';
import { type PackedCatalog, packCatalog } from './packed-catalog.ts';
import { surePhotosFolders } from './photos-folder.ts';
import { hasUnread, readJsons } from './read-jsons.ts';

export interface LoadedPart {
  readonly catalog: PackedCatalog;
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
  before: PackedCatalog | undefined,
  signal: AbortSignal,
  progress: (read: number) => void,
): Promise<LoadedPart> {
  const { catalog, problems } = await listPart(archive, fingerprint, before, signal);
  // What is sure by name and place is so whatever the other parts hold.
  const photos = surePhotosFolders(foldersIn(catalog));
  if (photos.paths.length === 0 || !hasUnread(catalog, photos))
    return { catalog: packCatalog(catalog), problems, failed: false };
  try {
    const more = await readJsons(archive, catalog, photos, signal, progress);
    return { catalog: packCatalog(catalog), problems: [...problems, ...more], failed: false };
  } catch (error) {
    rethrowFatal(error);
    const failure = problemOf(error, archive.path);
    return { catalog: packCatalog(catalog), problems: [...problems, failure], failed: true };
  }
}
