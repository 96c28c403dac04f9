/**
 * A Takeout part as a zip: listed from its central directory alone, its entries opened by offset. Every byte comes
 * from a positioned read of one file, so any number of entries can be read at a time.
 */
import type { Archive } from './archive.ts';
import { type ArchiveFile, type OpenArchive, sourceChanged } from './archive-file.ts';
import { readDirectory } from './zip-directory.ts';
import { type DirectoryPlace, findDirectory } from './zip-end-record.ts';
import { openEntry } from './zip-entry.ts';
import { readSmallEntries } from './zip-small.ts';

/** The zip that the file is. Nothing is read before the first call. */
export function zipArchive(file: ArchiveFile): Archive {
  const places = new Map<string, DirectoryPlace>();
  let listed: string | undefined;

  const placeIn = async (open: OpenArchive): Promise<DirectoryPlace> => {
    const known = places.get(open.fingerprint) ?? (await findDirectory(open));
    // Only the latest: an archive that is replaced every day must not leave a trace for each.
    places.clear();
    places.set(open.fingerprint, known);
    return known;
  };

  return {
    name: file.name,
    path: file.path,
    sequential: false,
    fingerprint: () => file.fingerprint(),
    async list(signal) {
      const open = await file.use();
      try {
        const listing = await readDirectory(open, await placeIn(open), signal);
        // Written to meanwhile (a download that is still going on): what was listed is not what is there.
        if ((await file.fingerprint()) !== open.fingerprint) throw sourceChanged(file.path);
        listed = open.fingerprint;
        return listing;
      } finally {
        await open.release();
      }
    },
    async *readSmall(entries, maxBytes, signal) {
      const open = await file.use(listed);
      try {
        yield* readSmallEntries(open, (await placeIn(open)).offset, entries, maxBytes, signal);
      } finally {
        await open.release();
      }
    },
    async *open(location, request) {
      const open = await file.use(location.fingerprint);
      try {
        yield* openEntry(open, (await placeIn(open)).offset, location, request);
      } finally {
        await open.release();
      }
    },
    close: () => file.close(),
  };
}
