/** The one list of source kinds: what the configuration says of a source, and how it becomes one. */
import { isAbsolute } from 'node:path';
import { GphotosfsError } from '../model/errors.ts';
import type { Source } from './source.ts';

/** A source as `config.json` has it. */
export interface SourceEntry {
  /** Unique in its home: `takeout`, `takeout-2`. */
  readonly id: string;
  readonly kind: SourceKind;
  /** The owner's word for the Google account. */
  readonly account: string;
  /** Takeout: absolute paths of archives and unpacked folders. */
  readonly paths: readonly string[];
}

/** Loaded when asked for: what reads archives is not needed to say how things stand. */
const openers = {
  takeout: async (entry: SourceEntry): Promise<Source> => {
    const { createTakeoutSource } = await import('./takeout/takeout-source.ts');
    return createTakeoutSource(entry);
  },
};

export type SourceKind = keyof typeof openers;

/** The sources of a configuration, in its order. */
export function openSources(entries: readonly SourceEntry[]): Promise<Source[]> {
  return Promise.all(entries.map((entry) => openers[entry.kind](entry)));
}

/** @throws `usage` where `value`, as found in a configuration, is no source */
export function checkSourceEntry(value: unknown): SourceEntry {
  const { id, kind, account, paths, ...others } = asRecord(value);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw refusal(`a source has no "${unknown}"`);
  if (typeof id !== 'string' || !/^[a-z][a-z0-9-]{0,62}$/.test(id)) {
    throw refusal('a source\'s "id" must be lower-case letters, digits and "-"');
  }
  if (!isKind(kind)) throw refusal(`source ${id}: "kind" must be one of ${Object.keys(openers).join(', ')}`);
  if (typeof account !== 'string' || account === '') throw refusal(`source ${id}: "account" must be a text`);
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string' && isAbsolute(path))) {
    throw refusal(`source ${id}: "paths" must be a list of absolute paths`);
  }
  return { id, kind, account, paths };
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw refusal('a source must be an object');
}

function isKind(value: unknown): value is SourceKind {
  return typeof value === 'string' && Object.hasOwn(openers, value);
}

function refusal(message: string): GphotosfsError {
  return new GphotosfsError('usage', message);
}
