/** The sources of a fetcher: those that it was given, and those that were added to the home since, opened when needed. */
import type { Source } from '../sources/source.ts';

/** Opens a source that was added since; undefined where there is none with this id. */
export type OpenSource = (id: string) => Promise<Source | undefined>;

export interface KnownSources {
  get(id: string): Source | undefined;
  /** Opens those of these that are not known yet. @throws what opening throws */
  open(ids: readonly string[]): Promise<void>;
  /** Closes what was opened here. */
  close(): Promise<void>;
}

export function knownSources(given: readonly Source[], openSource: OpenSource | undefined): KnownSources {
  const known = new Map(given.map((source) => [source.id, source]));
  const opening = new Map<string, Promise<Source | undefined>>();

  async function open(id: string): Promise<void> {
    const promise = opening.get(id) ?? openSource?.(id);
    if (promise === undefined) return;
    opening.set(id, promise);
    try {
      const source = await promise;
      if (source !== undefined) known.set(id, source);
    } finally {
      if (!known.has(id)) opening.delete(id);
    }
  }

  return {
    get: (id) => known.get(id),
    async open(ids) {
      for (const id of new Set(ids)) if (!known.has(id)) await open(id);
    },
    async close() {
      for (const promise of opening.values()) await (await promise.catch(() => undefined))?.close();
    },
  };
}
