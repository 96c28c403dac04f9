/**
 * Google Takeout as a source: archives on disk, zip, tgz or unpacked, listed by `scan.ts` and opened by location.
 *
 * Both ways are loaded when they are first gone: together they take 150 ms, half of what a mount has until its first
 * `ls` must be answered.
 */
import { LRUCache } from 'lru-cache';
import { GphotosfsError } from '../../model/errors.ts';
import type { Location } from '../../model/words.ts';
import type { Source } from '../source.ts';
import type { Archive } from './archives/archive.ts';
import { throwIfAborted } from './archives/byte-range.ts';

export interface TakeoutOptions {
  readonly id: string;
  readonly account: string;
  /** Absolute paths of archives, unpacked Takeouts, or folders in which archives lie. */
  readonly paths: readonly string[];
}

/** Archives kept open between reads; an export rarely has more parts in use at a time. */
const openArchives = 16;

export function createTakeoutSource(options: TakeoutOptions): Source {
  const { id, account, paths } = options;
  // An archive that is pushed out ends its reads before it closes its file.
  const archives = new LRUCache<string, Promise<Archive>>({
    max: openArchives,
    dispose: (archive) => void archive.then((open) => open.close()).catch(() => undefined),
  });

  const archiveOf = async (name: string): Promise<Archive> => {
    const known = archives.get(name);
    if (known !== undefined) return known;
    const opening = import('./archives/open-archive.ts').then(({ openArchive }) => openArchive(name));
    archives.set(name, opening);
    try {
      return await opening;
    } catch (error) {
      // The next read tries again: the disk may be back.
      if (archives.peek(name) === opening) archives.delete(name);
      throw error;
    }
  };

  return {
    id,
    account,
    features: { albums: true, exactSizes: true },
    openedWith: options,
    async *scan(request) {
      const [{ scanTakeout }, { localStore }] = await Promise.all([
        import('./scan.ts'),
        import('./local-store.ts'),
      ]);
      yield* scanTakeout(id, localStore(paths), request);
    },
    async *open(location, request = {}) {
      throwIfAborted(request.signal, location.archive);
      const archive = await archiveOf(location.archive);
      yield* archive.open(location, request);
    },
    async *openMany(locations, signal) {
      const [first] = locations;
      if (first === undefined) return;
      checkOneArchive(locations, first.archive);
      const archive = await archiveOf(first.archive);
      if (archive.openMany !== undefined) {
        yield* archive.openMany(locations, signal);
        return;
      }
      for (const location of [...locations].sort((a, b) => a.offset - b.offset))
        yield { location, bytes: archive.open(location, { signal }) };
    },
    async close() {
      const open = [...archives.values()];
      archives.clear();
      await Promise.allSettled(open.map(async (archive) => (await archive).close()));
    },
  };
}

function checkOneArchive(locations: readonly Location[], archive: string): void {
  if (locations.some((location) => location.archive !== archive))
    throw new GphotosfsError(
      'internal',
      `files of several archives were asked for in one pass of ${archive}`,
    );
}
