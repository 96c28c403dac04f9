/** An export as a scan finds it: its parts that are here now, and what the last scan left of it. */
import type { UnixSeconds } from '../../model/words.ts';
import type { Page } from '../source.ts';
import type { Archive } from './archives/archive.ts';
import type { PackedCatalog } from './packed-catalog.ts';
import type { ScannedPart } from './scanned-parts.ts';

/** An archive that is here now. */
export interface Part {
  readonly archive: Archive;
  readonly fingerprint: string;
  /** What its owner knows it by. */
  readonly title: string;
  /** In the export, where names have one. */
  readonly number: number | undefined;
  /** The owner named it, or its name is Google's: that it holds no photos is worth telling. */
  readonly expected: boolean;
}

export interface Export {
  readonly id: string;
  readonly time: UnixSeconds | undefined;
  readonly parts: Part[];
  /** Part numbers, where names have them. */
  readonly numbers: number[];
  /** As the last scan left it. */
  readonly before: readonly ScannedPart[];
}

/** An export with all its catalogs. */
export interface Loaded {
  readonly catalogs: readonly PackedCatalog[];
  /** Of parts that were read once and are not here now: their sidecars still count. */
  readonly gone: readonly PackedCatalog[];
  /** What the next scan needs to know of the parts. */
  readonly scanned: readonly ScannedPart[];
}

/** What a listing is made of: all there is, or, before the sidecars are read, names, places and sizes. */
export type Stage = 'whole' | 'early';

export const isHere = ({ parts }: Export, { archive }: ScannedPart): boolean =>
  parts.some((part) => part.archive.name === archive);

/** A page with what is given and nothing else. */
export const page = ({
  archives = [],
  items = [],
  albums = [],
  memos = [],
  problems = [],
  gone = [],
  early = false,
}: Partial<Page>): Page => ({
  archives,
  items,
  albums,
  memos,
  problems,
  ...(gone.length > 0 ? { gone } : {}),
  ...(early ? { early } : {}),
});
