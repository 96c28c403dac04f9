/**
 * A Takeout part as a zip: listed from its central directory alone, its entries opened by offset. Every byte comes
 * from a positioned read of one file, so any number of entries can be read at a time.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Archive } from './archive.ts';
import { type ArchiveFile, type OpenArchive, sourceChanged } from './archive-file.ts';
import { gathered } from './gathered.ts';
import { readDirectory } from './zip-directory.ts';
import { type DirectoryPlace, findDirectory } from './zip-end-record.ts';
import { openEntry } from './zip-entry.ts';
import { readSmallEntries } from './zip-small.ts';
import { sweepEntries } from './zip-sweep.ts';

/** Bytes between two looks at a file that is far away: what the kernel asks for at once. */
const checkEvery = 1 << 20;

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

  /** Where entries end. From far away the file's own end has to do: to find the directory would be a request more. */
  const dataEndIn = async (open: OpenArchive): Promise<number> =>
    open.requests === undefined || places.has(open.fingerprint) ? (await placeIn(open)).offset : open.size;

  /**
   * A piece of a file has no CRC-32: from far away, where one version may be replaced by another between two requests,
   * it is only given when the file is still the same after it came.
   */
  async function* unchanged(open: OpenArchive, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const piece of gathered(chunks, checkEvery)) {
      if ((await file.fingerprint()) !== open.fingerprint) throw sourceChanged(file.path);
      yield piece;
    }
  }

  /** A whole file has its CRC-32; but where it proves to be wrong here, the archive may be another one by now. */
  async function* orChanged(open: OpenArchive, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    try {
      yield* chunks;
    } catch (error) {
      const isWrong = error instanceof GphotosfsError && error.kind === 'bad-content';
      if (isWrong && (await file.fingerprint()) !== open.fingerprint) throw sourceChanged(file.path);
      throw error;
    }
  }

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
        yield* readSmallEntries(open, await dataEndIn(open), entries, maxBytes, signal);
      } finally {
        await open.release();
      }
    },
    async *open(location, request) {
      const open = await file.use(location.fingerprint, request.atOnce);
      try {
        const chunks = openEntry(open, await dataEndIn(open), location, request);
        if (open.requests === undefined) yield* chunks;
        else yield* request.end === undefined ? orChanged(open, chunks) : unchanged(open, chunks);
      } finally {
        await open.release();
      }
    },
    async *openMany(locations, signal, passing) {
      const open = await file.use(locations[0]?.fingerprint);
      try {
        if (locations.some(({ fingerprint }) => fingerprint !== open.fingerprint))
          throw sourceChanged(file.path);
        yield* sweepEntries({ file: open, dataEnd: await dataEndIn(open), locations, passing, signal });
      } finally {
        await open.release();
      }
    },
    close: () => file.close(),
  };
}
