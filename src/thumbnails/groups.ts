/** Files that are made together: a source's, which it may be told of at once, and apart those of each tgz on this disk. */
import { locationsOf } from '../index/locations.ts';
import type { Index } from '../index/open.ts';
import type { MissingFile } from '../index/plan.ts';
import type { Source } from '../sources/source.ts';
import type { Wanted } from './plan.ts';

export interface Group {
  readonly source: Source;
  readonly places: readonly MissingFile[];
  /** All of one archive, in one pass. */
  readonly isSweep: boolean;
}

/** @param wanted in the order of their places */
export function groupsOf(wanted: readonly MissingFile[], sources: ReadonlyMap<string, Source>): Group[] {
  const groups = new Map<string, Group & { readonly places: MissingFile[] }>();
  for (const place of wanted) {
    const source = sources.get(place.source ?? '');
    if (source === undefined) continue;
    const isSweep = place.sequential && !place.remote && source.openMany !== undefined;
    const key = isSweep ? `${source.id}\n${place.archive}` : source.id;
    const group = groups.get(key) ?? { source, places: [], isSweep };
    groups.set(key, group);
    group.places.push(place);
  }
  return [...groups.values()];
}

/** Lets a source ask for a batch at once. What could not be asked for says so when it is opened. */
export async function prepare(index: Index, source: Source, batch: readonly Wanted[]): Promise<void> {
  if (source.prepare === undefined) return;
  const locations = batch.flatMap(({ place }) =>
    locationsOf(index, place.ino)
      .filter((location) => location.source === source.id)
      .slice(0, 1),
  );
  await source.prepare(locations).catch(() => {});
}
