/**
 * Takeout archives in Google Drive as a source: listed from their directories, opened by range, never downloaded whole
 * unless all in it is wanted. Everything but finding them is what Takeout on disk does too.
 */
import { LRUCache } from 'lru-cache';
import { GphotosfsError } from '../../../model/errors.ts';
import type { Source, SweepNotes } from '../../source.ts';
import type { Archive, Passing } from '../../takeout/archives/archive.ts';
import { throwIfAborted } from '../../takeout/archives/byte-range.ts';
import type { GoogleClient } from '../client.ts';
import type { Limit } from '../limit-rate.ts';
import type { DriveApi } from './drive-api.ts';

export interface DriveSourceRequest {
  readonly id: string;
  readonly account: string;
  /** Folder ids; empty: where Takeout puts archives. */
  readonly folders: readonly string[];
  /** Where a tgz is put while its photos are taken; undefined: none is downloaded to be looked into. */
  readonly spool: string | undefined;
  /** The account's client, made when it is first needed. */
  readonly client: () => Promise<GoogleClient>;
  /** Longest request for what is read from front to back, bytes. */
  readonly longRange: number;
  readonly limit: Limit | undefined;
}

/** Archives of which something is kept between reads: their state, and headers of entries. */
const keptArchives = 64;

export function createDriveSource(request: DriveSourceRequest): Source {
  const { id, account, folders, spool } = request;
  const archives = new LRUCache<string, Archive>({ max: keptArchives });
  let opened: Promise<DriveApi> | undefined;

  const api = (): Promise<DriveApi> => {
    opened ??= openApi(request);
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  };
  const archiveOf = async (name: string): Promise<Archive> => {
    const known = archives.get(name);
    if (known !== undefined) return known;
    const [{ driveArchive }, { driveArchiveFile }, drive] = await Promise.all([
      import('./drive-archive.ts'),
      import('./drive-file.ts'),
      api(),
    ]);
    const archive = archives.get(name) ?? driveArchive(driveArchiveFile(drive, name), '', spool);
    archives.set(name, archive);
    return archive;
  };

  return {
    id,
    account,
    features: { albums: true, exactSizes: true },
    async *scan(scan) {
      const [{ scanTakeout }, { driveStore }] = await Promise.all([
        import('../../takeout/scan.ts'),
        import('./drive-store.ts'),
      ]);
      yield* scanTakeout(id, driveStore({ api, folders, spool }), scan);
    },
    async *open(location, wanted = {}) {
      throwIfAborted(wanted.signal, location.archive);
      const archive = await archiveOf(location.archive);
      yield* archive.open(location, wanted);
    },
    async *openMany(locations, signal, notes) {
      const [first] = locations;
      if (first === undefined) return;
      if (locations.some(({ archive }) => archive !== first.archive))
        throw new GphotosfsError('internal', `files of several archives were asked for in one pass`);
      const archive = await archiveOf(first.archive);
      const along = notes === undefined ? undefined : await takeAlong(archive, first.fingerprint, notes);
      try {
        yield* archive.openMany?.(locations, signal, along?.passing) ?? [];
      } finally {
        along?.keep();
      }
    },
    async isEarly(recall) {
      const { hasEarly, recallScanned } = await import('../../takeout/scanned-parts.ts');
      return hasEarly(recallScanned(recall));
    },
    close: async () => archives.clear(),
  };
}

async function openApi({ client, longRange, limit }: DriveSourceRequest): Promise<DriveApi> {
  const [{ createDriveApi }, account] = await Promise.all([import('./drive-api.ts'), client()]);
  return createDriveApi(account, { longRange, limit });
}

/** The sidecars that a scan has still to read, as far as a pass comes by them. */
async function takeAlong(
  archive: Archive,
  fingerprint: string,
  notes: SweepNotes,
): Promise<{ readonly passing: Passing; keep(): void } | undefined> {
  const { sidecarsAlong } = await import('../../takeout/sidecars-along.ts');
  return sidecarsAlong(archive, fingerprint, notes);
}
