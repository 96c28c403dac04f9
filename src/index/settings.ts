/** Small facts about the index itself, and the layout that the first sync chose for ever. */
import { GphotosfsError } from '../model/errors.ts';
import { everything, type Filter } from '../model/filter.ts';
import { type Index, rawStatement, statement, transaction } from './open.ts';

export function getSetting(index: Index, key: string): string | undefined {
  const row = rawStatement(index, 'SELECT value FROM setting WHERE key = ?').get(key) as
    | unknown[]
    | undefined;
  return row?.[0] as string | undefined;
}

export function putSetting(index: Index, key: string, value: string): void {
  statement(index, 'INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)').run(key, value);
}

/** How the tree is laid out. */
export interface Layout {
  readonly years: 'yearly' | 'monthly';
  readonly albums: 'symlink' | 'hardlink';
}

export const defaultLayout: Layout = { years: 'yearly', albums: 'symlink' };

/** The layout in force: what the first sync chose, or the default before it. */
export function layoutOf(index: Index): Layout {
  return {
    years: getSetting(index, 'years') === 'monthly' ? 'monthly' : defaultLayout.years,
    albums: getSetting(index, 'albums') === 'hardlink' ? 'hardlink' : defaultLayout.albums,
  };
}

/**
 * Chooses the layout at the first sync that lists something; later the same choice passes.
 * @throws `usage` when another one was chosen before: paths that backups know would change.
 */
export function settleLayout(index: Index, wanted: Layout): void {
  transaction(index, () => {
    const isEmpty = rawStatement(index, 'SELECT 1 FROM file LIMIT 1').get() === undefined;
    for (const key of ['years', 'albums'] as const) {
      const chosen = getSetting(index, key);
      if (chosen === undefined || isEmpty) putSetting(index, key, wanted[key]);
      else if (chosen !== wanted[key]) {
        throw new GphotosfsError(
          'usage',
          `"${key}: ${wanted[key]}" differs from "${chosen}", chosen at the first sync`,
          {
            hint: `Set "${key}" back to "${chosen}". Another layout needs another home and an empty cache, with a first sync of their own.`,
          },
        );
      }
    }
  });
}

/** What a sync lists; everything, where nobody said otherwise. */
export function filterOf(index: Index): Filter {
  const stored = getSetting(index, 'filter');
  return stored === undefined ? everything : (JSON.parse(stored) as Filter);
}

export function putFilter(index: Index, filter: Filter): void {
  putSetting(index, 'filter', JSON.stringify(filter));
}
