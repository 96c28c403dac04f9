/** What a catalog keeps of one file or one JSON of an archive. */
import type { AlbumFacts, Sidecar } from './pairing/sidecar.ts';

/** A file of the archive that is or may be media. */
export interface CatalogFile {
  /** Path of its folder in the archive; empty for the root. */
  readonly folder: string;
  readonly name: string;
  readonly size: number;
  /** Files of unpacked folders have none, unless it had to be computed (`content-crc.ts`). */
  readonly crc32: number | undefined;
  readonly offset: number;
  readonly address: string;
  readonly seekable: boolean;
}

/** A `.json` with what it says; those that say nothing are left out once they have been read. */
export interface CatalogJson {
  readonly folder: string;
  readonly name: string;
  readonly facts: Sidecar | AlbumFacts;
  /** In an unpacked folder, its address: the same file need not be read again when others have changed. */
  readonly address: string | undefined;
}
