/**
 * What the steps of matching share: one folder's media and sidecars by name, and what has been paired so far.
 */
import type { Role } from '../../../model/words.ts';

/** A photo or video of the folder. Two of one name are two files: other bytes under the same path in two parts. */
export interface MediaName {
  readonly name: string;
  /** The archives that hold it. */
  readonly archives: readonly string[];
}

/** A sidecar of the folder. Two of one name say different things in two parts. */
export interface SidecarName {
  readonly name: string;
  readonly title: string | undefined;
  readonly archives: readonly string[];
}

export type Step =
  | 'name'
  | 'odd-name'
  | 'title'
  | 'title-prefix'
  | 'companion'
  | 'edited'
  | 'cut-suffix'
  /** Low confidence: what it says may be another photo's. Never joins two files into one item. */
  | 'loose';

export interface Match<M, S> {
  readonly role: Role;
  readonly step: Step;
  readonly sidecar: S | undefined;
  /** The original that an edit or a clip belongs to, where the folder has it. */
  readonly original: M | undefined;
}

/** The state of one folder's matching that the steps share. */
export interface Desk<M extends MediaName, S extends SidecarName> {
  /** In the order of names, so that the order of parts doesn't matter. */
  readonly media: readonly M[];
  readonly sidecars: readonly S[];
  readonly mediaByName: ReadonlyMap<string, readonly M[]>;
  readonly sidecarsByName: ReadonlyMap<string, readonly S[]>;
  readonly matches: Map<M, Match<M, S>>;
  /** The one original that each sidecar serves. */
  readonly owner: Map<S, M>;
}

/** The media that no step has placed yet. */
export function unmatched<M extends MediaName, S extends SidecarName>(desk: Desk<M, S>): M[] {
  return desk.media.filter((file) => !desk.matches.has(file));
}

/** Gives an original its sidecar, which then serves no other original. */
export function own<M extends MediaName, S extends SidecarName>(
  desk: Desk<M, S>,
  file: M,
  sidecar: S,
  step: Step,
): void {
  desk.owner.set(sidecar, file);
  desk.matches.set(file, { role: 'original', step, sidecar, original: undefined });
}

/** The one of several of the same name that is meant by `file`: the only one, or the only one from its own part. */
export function theOne<T extends { readonly archives: readonly string[] }>(
  several: readonly T[] | undefined,
  file: { readonly archives: readonly string[] },
): T | undefined {
  if (several === undefined || several.length <= 1) return several?.[0];
  const near = several.filter((one) => shareArchive(one, file));
  return near.length === 1 ? near[0] : undefined;
}

export function shareArchive(
  a: { readonly archives: readonly string[] },
  b: { readonly archives: readonly string[] },
): boolean {
  return a.archives.some((archive) => b.archives.includes(archive));
}

/** Adds to the list under a key. */
export function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
