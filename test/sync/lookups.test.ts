/** The indexes that look-ups go by are put off during a first sync, and there after it, however it ended. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { photo } from '../helpers/library-view.ts';
import { type MemoryExport, memorySource } from '../helpers/memory-source.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';

let home: SyncHome;
beforeEach(() => {
  home = openSyncHome();
});
afterEach(() => home.dispose());

const oneExport = (id: string, time: number): MemoryExport => ({
  id,
  time,
  albums: [],
  items: Array.from({ length: 6 }, (_, at) => photo(`${at}.jpg`, { takenAt: at })),
});

/** Those of the schema that no constraint brings. */
const lookups = () =>
  home.index.db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE 'CREATE INDEX%' ORDER BY name")
    .pluck()
    .all();

/** What they are when a page is applied. */
async function duringSync(exports: readonly MemoryExport[]): Promise<unknown[][]> {
  const source = memorySource({ pageSize: 3, exports });
  const seen: unknown[][] = [];
  const scan = source.scan.bind(source);
  await home.sync({
    ...source,
    async *scan(request) {
      for await (const page of scan(request)) {
        yield page;
        seen.push(lookups());
      }
    },
  });
  return seen;
}

it('they are missing while the first export comes in, and there when a second one does', async () => {
  const all = lookups();
  expect(all).toContain('file_by_content');
  const seen = await duringSync([oneExport('e1', 1), oneExport('e2', 2)]);
  expect(all.length - (seen[0]?.length ?? 0)).toBe(4);
  expect(seen.at(-1)).toEqual(all);
  expect(lookups()).toEqual(all);
});

it('they are there after a first sync that failed, and stay there from then on', async () => {
  const all = lookups();
  const source = memorySource({ pageSize: 2, exports: [oneExport('e1', 1)] });
  source.breakScan({ kind: 'throw', pages: 2, error: 'source-unreachable' });
  const [report] = (await home.sync(source)).sources;
  expect(report?.error?.kind).toBe('source-unreachable');
  expect(lookups()).toEqual(all);
  for (const seen of await duringSync([oneExport('e1', 1)])) expect(seen).toEqual(all);
});

it('a sync that was killed left them out: the next one makes them', async () => {
  const all = lookups();
  await home.sync(memorySource({ exports: [oneExport('e1', 1)] }));
  home.index.db.exec('DROP INDEX location_by_file');
  expect(lookups()).not.toEqual(all);
  await home.sync(memorySource({ exports: [oneExport('e1', 1)] }));
  expect(lookups()).toEqual(all);
});
