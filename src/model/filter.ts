/**
 * A filter: which files are meant. Years and albums name places, which add up; kinds narrow what is in them; what is
 * skipped is taken away from both. `sync` lists by one, `prefetch` fetches by one.
 */
import { GphotosfsError } from './errors.ts';
import { type MediaKind, mediaKinds } from './media-kind.ts';
import { parseChoice } from './option-values.ts';

export interface Choice {
  /** Folders below `years/`: `2021`, `undated`. */
  readonly years: readonly string[];
  /** Titles, or folders below `albums/`. */
  readonly albums: readonly string[];
  readonly kinds: readonly MediaKind[];
}

/** An empty list of `only` stands for all of its sort. */
export interface Filter {
  readonly only: Choice;
  readonly skip: Choice;
}

export const nothing: Choice = { years: [], albums: [], kinds: [] };
export const everything: Filter = { only: nothing, skip: nothing };

export const isEmpty = ({ years, albums, kinds }: Choice): boolean =>
  years.length + albums.length + kinds.length === 0;

/** `year:2021`, `album:Summer in Italy`, `kind:video` as a choice. @throws `usage` for a term of another form */
export function parseTerms(terms: readonly string[], flag: string): Choice {
  const years: string[] = [];
  const albums: string[] = [];
  const kinds: MediaKind[] = [];
  for (const term of terms) {
    const [, field, value = ''] = /^(year|album|kind):(.+)$/s.exec(term) ?? [];
    if (field === 'year') years.push(value);
    else if (field === 'album') albums.push(value);
    else if (field === 'kind') kinds.push(parseChoice(value, mediaKinds));
    else {
      throw new GphotosfsError('usage', `${flag}: "${term}" is not allowed`, {
        hint: 'It must be year:2021, album:TITLE, or kind: with photo, video or motion.',
      });
    }
  }
  return { years, albums, kinds };
}

/** What of a file its source tells. */
export interface Described {
  readonly year: string;
  readonly kind: MediaKind;
  /** Folders and titles of the albums it is in. */
  readonly albums: ReadonlySet<string>;
}

/** Whether a file is meant. */
export function passes({ only, skip }: Filter, { year, kind, albums }: Described): boolean {
  const isIn = (names: readonly string[]) => names.some((name) => albums.has(name));
  const anywhere = only.years.length + only.albums.length === 0;
  return (
    (anywhere || only.years.includes(year) || isIn(only.albums)) &&
    (only.kinds.length === 0 || only.kinds.includes(kind)) &&
    !skip.years.includes(year) &&
    !skip.kinds.includes(kind) &&
    !isIn(skip.albums)
  );
}
