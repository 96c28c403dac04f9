/** A home for tests of sync: a fresh index and cache in a temporary folder, the tree as a mount would list it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalRecord } from '../../src/cache/journal-record.ts';
import { spellOut } from '../../src/cache/spell-out.ts';
import { closeIndex, type Index, openIndex, rootIno } from '../../src/index/open.ts';
import { defaultLayout, type Layout } from '../../src/index/settings.ts';
import { type Attributes, listEntries, readTarget } from '../../src/index/tree.ts';
import type { Source } from '../../src/sources/source.ts';
import { type SyncReport, type SyncRequest, sync } from '../../src/sync/sync.ts';

function recordOf(line: string): JournalRecord[] {
  try {
    return [JSON.parse(line) as JournalRecord];
  } catch {
    return [];
  }
}

export interface SyncHome {
  readonly home: string;
  readonly cachePath: string;
  readonly index: Index;
  sync(sources: Source | readonly Source[], request?: Partial<SyncRequest>): Promise<SyncReport>;
  /** Every path with its attributes; directories end in `/`, symlinks have their target. */
  tree(): Map<string, Attributes & { readonly target: string | undefined }>;
  /** The paths below `years/`, in the order of the listing, and those of all albums. */
  years(): string[];
  albums(): string[];
  /** The journal's records so far, those of new items as records of single things. A line that was cut off is none. */
  journal(): JournalRecord[];
  /** Opens the same home again, as the next process would. */
  reopen(): SyncHome;
  dispose(): void;
}

export function openSyncHome(layout: Layout = defaultLayout, at?: string): SyncHome {
  const home = at ?? mkdtempSync(join(tmpdir(), 'gphotosfs-sync-'));
  const cachePath = join(home, 'cache');
  const index = openIndex(join(home, 'index.db'));

  function* walk(
    ino: number,
    path: string,
  ): Generator<[string, Attributes & { target: string | undefined }]> {
    for (const { name, attributes } of listEntries(index, ino, 0, 1_000_000)) {
      const below = `${path}${name}`;
      if (attributes.kind === 'directory') {
        yield [`${below}/`, { ...attributes, target: undefined }];
        yield* walk(attributes.ino, `${below}/`);
      } else yield [below, { ...attributes, target: readTarget(index, attributes.ino) }];
    }
  }
  const below = (top: string): string[] =>
    [...walk(rootIno, '')].flatMap(([path]) =>
      path.startsWith(top) && !path.endsWith('/') ? path.slice(top.length) : [],
    );

  return {
    home,
    cachePath,
    index,
    sync: (sources, request = {}) =>
      sync({
        index,
        cachePath,
        home,
        layout,
        sources: [sources].flat() as Source[],
        rescan: false,
        signal: new AbortController().signal,
        progress: () => {},
        ...request,
      }),
    tree: () => new Map(walk(rootIno, '')),
    years: () => below('years/'),
    albums: () => below('albums/'),
    journal() {
      const text = readFileSync(join(cachePath, '.gphotosfs', 'journal'), 'utf8');
      return text
        .split('\n')
        .flatMap((line) => recordOf(line))
        .flatMap((record) => (record.type === 'new' ? spellOut(record) : [record]));
    },
    reopen() {
      closeIndex(index);
      return openSyncHome(layout, home);
    },
    dispose() {
      if (index.db.open) closeIndex(index);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
