/** The one list of source kinds: what the configuration says of a source, and how it becomes one. */
import { isAbsolute } from 'node:path';
import { GphotosfsError } from '../model/errors.ts';
import type { GoogleClient } from './google/client.ts';
import type { Limit } from './google/limit-rate.ts';
import type { Source } from './source.ts';

/** What every source of `config.json` has. */
interface EntryBase {
  /** Unique in its home: `takeout`, `takeout-2`. */
  readonly id: string;
  /** The owner's word for the Google account. */
  readonly account: string;
}

export interface TakeoutEntry extends EntryBase {
  readonly kind: 'takeout';
  /** Absolute paths of archives and unpacked folders. */
  readonly paths: readonly string[];
}

/** What the owner's own client uploaded. */
export interface LibraryEntry extends EntryBase {
  readonly kind: 'library';
}

/** What the owner picks. */
export interface PickerEntry extends EntryBase {
  readonly kind: 'picker';
}

export interface DriveEntry extends EntryBase {
  readonly kind: 'drive';
  /** Ids of folders in Drive; empty: where Takeout puts its archives. */
  readonly folders: readonly string[];
}

/** A source as `config.json` has it. */
export type SourceEntry = TakeoutEntry | LibraryEntry | PickerEntry | DriveEntry;

export type SourceKind = SourceEntry['kind'];

/** What sources need that isn't theirs; made when a source first asks. */
export interface SourceParts {
  /** The client of an account, by its label; sources of one account share it. */
  google(account: string): Promise<GoogleClient>;
  readonly transfer: TransferSettings;
}

/** How bytes from afar are to be transferred. */
export interface TransferSettings {
  /** Longest request for what is read from front to back, bytes. */
  readonly longRange: number;
  /** One for all sources; undefined: as fast as it goes. */
  readonly limit: Limit | undefined;
  /** Where a tgz is put while its photos are taken; undefined: none is downloaded to be looked into. */
  readonly spool: string | undefined;
}

/** For those that open only sources without an account, such as threads. */
export const noAccounts: SourceParts = {
  google: () => Promise.reject(new GphotosfsError('internal', 'there are no accounts here')),
  transfer: { longRange: 64 << 20, limit: undefined, spool: undefined },
};

type EntryOf<Kind extends SourceKind> = Extract<SourceEntry, { readonly kind: Kind }>;

interface KindOfSource<Entry extends SourceEntry> {
  /** The fields that only this kind has, from those in a configuration. @throws `usage` that begins with `where` */
  readonly check: (
    fields: Readonly<Record<string, unknown>>,
    where: string,
  ) => Omit<Entry, keyof EntryBase | 'kind'>;
  readonly open: (entry: Entry, parts: SourceParts) => Promise<Source>;
}

/** Loaded when asked for: what reads archives is not needed to say how things stand. */
const kinds: { readonly [Kind in SourceKind]: KindOfSource<EntryOf<Kind>> } = {
  takeout: {
    check({ paths, ...others }, where) {
      refuseOthers(others);
      if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string' && isAbsolute(path))) {
        throw refusal(`${where}: "paths" must be a list of absolute paths`);
      }
      return { paths };
    },
    async open(entry) {
      const { createTakeoutSource } = await import('./takeout/takeout-source.ts');
      return createTakeoutSource(entry);
    },
  },
  library: {
    check: withoutFields,
    async open({ id, account }, { google, transfer: { limit } }) {
      const { createLibrarySource } = await import('./google/library/library-source.ts');
      return createLibrarySource({ id, account, limit }, () => google(account));
    },
  },
  picker: {
    check: withoutFields,
    async open({ id, account }, { google, transfer: { limit } }) {
      const { createPickerSource } = await import('./google/picker/picker-source.ts');
      return createPickerSource({ id, account, limit }, () => google(account));
    },
  },
  drive: {
    check({ folders, ...others }, where) {
      refuseOthers(others);
      if (!Array.isArray(folders) || !folders.every(isDriveId)) {
        throw refusal(`${where}: "folders" must be a list of folder ids`);
      }
      return { folders };
    },
    async open({ id, account, folders }, { google, transfer }) {
      const { createDriveSource } = await import('./google/drive/drive-source.ts');
      return createDriveSource({ id, account, folders, ...transfer, client: () => google(account) });
    },
  },
};

/** The sources of a configuration, in its order. */
export function openSources(entries: readonly SourceEntry[], parts: SourceParts): Promise<Source[]> {
  return Promise.all(entries.map((entry) => openSource(entry.kind, entry, parts)));
}

function openSource<Kind extends SourceKind>(
  kind: Kind,
  entry: EntryOf<Kind>,
  parts: SourceParts,
): Promise<Source> {
  return kinds[kind].open(entry, parts);
}

/** @throws `usage` where `value`, as found in a configuration, is no source */
export function checkSourceEntry(value: unknown): SourceEntry {
  const { id, kind, account, ...fields } = asRecord(value);
  if (typeof id !== 'string' || !/^[a-z][a-z0-9-]{0,62}$/.test(id)) {
    throw refusal('a source\'s "id" must be lower-case letters, digits and "-"');
  }
  if (!isKind(kind)) throw refusal(`source ${id}: "kind" must be one of ${Object.keys(kinds).join(', ')}`);
  if (typeof account !== 'string' || account === '') throw refusal(`source ${id}: "account" must be a text`);
  return { id, kind, account, ...kinds[kind].check(fields, `source ${id}`) } as SourceEntry;
}

function withoutFields(fields: Readonly<Record<string, unknown>>): object {
  refuseOthers(fields);
  return {};
}

/** Ids of Drive are 19 to 44 of these characters; the folder's address in a browser ends with it. */
export const isDriveId = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9_-]{8,128}$/.test(value);

function refuseOthers(fields: Readonly<Record<string, unknown>>): void {
  const [unknown] = Object.keys(fields);
  if (unknown !== undefined) throw refusal(`a source has no "${unknown}"`);
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw refusal('a source must be an object');
}

function isKind(value: unknown): value is SourceKind {
  return typeof value === 'string' && Object.hasOwn(kinds, value);
}

function refusal(message: string): GphotosfsError {
  return new GphotosfsError('usage', message);
}
