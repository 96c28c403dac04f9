/** Archives on disk, at the paths that their owner gave. */
import { throwIfAborted } from './archives/byte-range.ts';
import { openArchive } from './archives/open-archive.ts';
import { discover, exportOf, isCovered } from './discover.ts';
import type { ArchiveStore } from './store.ts';

export function localStore(paths: readonly string[]): ArchiveStore {
  return {
    remote: false,
    async find(_known, signal) {
      throwIfAborted(signal, 'Takeout archives');
      const { found, problems } = await discover(paths);
      return {
        found: found.map((one) => ({
          name: one.path,
          title: one.path,
          fileName: exportOf(one),
          named: one.named,
          open: () => openArchive(one.path),
        })),
        problems,
        // A disk that is not mounted looks like one without archives.
        gone: [],
      };
    },
    covers: (archive) => isCovered(paths, archive),
  };
}
