/** A large export is listed in a thread: page by page as it would be without one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '../../../src/sources/source.ts';
import { openArchive } from '../../../src/sources/takeout/archives/open-archive.ts';
import { type Listing, listPages } from '../../../src/sources/takeout/list-pages.ts';
import type { listInThread } from '../../../src/sources/takeout/listing-thread.ts';
import { loadPart } from '../../../src/sources/takeout/load-part.ts';
import { buildTakeout, photo } from '../../helpers/takeout-builder.ts';

let folder: string;
let listing: Listing;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'listing-'));
  listing = await bigListing();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** More than two pages of a year, an album with copies and edits, a photo in two parts, a name without a sidecar. */
async function bigListing(): Promise<Listing> {
  const entries = Array.from({ length: 12_000 }, (_, at) => ({
    folder: 'Photos from 2021',
    name: `IMG_${at}.jpg`,
    bytes: photo(at, 300),
    part: 1 + (at % 2),
    ...(at % 100 === 7 ? { sidecar: false as const } : {}),
    ...(at % 100 === 8
      ? { sidecar: { description: 'Brücke', people: [{ name: 'Ann' }], trashed: at % 3 === 0 } }
      : {}),
  }));
  const inAlbum = entries.filter((_, at) => at % 50 === 0).map((one) => ({ ...one, folder: 'Été' }));
  const edits = entries.filter((_, at) => at % 70 === 0);
  const paths = await buildTakeout(folder, {
    entries: [
      ...entries,
      ...inAlbum,
      ...edits.map((one, at) => ({
        ...one,
        name: one.name.replace('.', '-edited.'),
        bytes: photo(`e${at}`, 200),
        sidecar: false as const,
      })),
      ...entries.slice(0, 30).map((one) => ({ ...one, part: 3 - one.part })),
    ],
    albums: [{ folder: 'Été' }],
  });
  const signal = new AbortController().signal;
  const catalogs = [];
  for (const path of paths) {
    const archive = await openArchive(path);
    catalogs.push((await loadPart(archive, `of ${path}`, undefined, signal, () => {})).catalog);
    await archive.close();
  }
  return {
    source: 'takeout',
    exportId: '20260101T120000Z-3',
    time: 1767268800,
    parts: paths.map((name, at) => ({ name, title: `part ${at}`, sequential: false })),
    catalogs,
    gone: [],
    stage: 'whole',
    remote: false,
    only: undefined,
    finished: { key: 'scanned', value: Buffer.from('what was finished') },
  };
}

const whole = async (pages: AsyncIterable<Page>) => {
  const all = [];
  for await (const page of pages) all.push({ ...page, items: [...page.items] });
  return all;
};

/** As it was built: there is no thread to be started from a TypeScript source. */
const built = async (): Promise<typeof listInThread> =>
  (await import(new URL('../../../dist/sources/takeout/listing-thread.js', import.meta.url).href))
    .listInThread;

describe('a listing in a thread', () => {
  it('gives the same pages as one without', async () => {
    const signal = new AbortController().signal;
    const open = () => {
      throw new Error('nothing has to be read');
    };
    const here = await whole(listPages(listing, { open, signal, progress: () => {} }));
    const phases: string[] = [];
    const there = await whole((await built())(listing, signal, ({ phase }) => phases.push(phase)));
    expect(there).toEqual(here);
    expect(here.length).toBeGreaterThan(3);
    expect(here.flatMap(({ items }) => items).filter(({ files }) => files.length > 1).length).toBeGreaterThan(
      100,
    );
    expect(
      here
        .flatMap(({ items }) => items)
        .some(({ files }) => files.some(({ locations }) => locations.length > 1)),
    ).toBe(true);
    expect(there.at(-1)?.memos[0]?.value).toBeInstanceOf(Buffer);
    expect(new Set(phases)).toEqual(new Set(['listing photos']));
  });

  it('ends when its reader gives up, and says so when it is stopped', async () => {
    const list = await built();
    for await (const page of list(listing, new AbortController().signal, () => {})) {
      expect(page.archives).toHaveLength(2);
      break;
    }
    const stop = new AbortController();
    const stopped = (async () => {
      for await (const _ of list(listing, stop.signal, () => {})) stop.abort();
    })();
    await expect(stopped).rejects.toMatchObject({ kind: 'interrupted' });
  });

  it('fails where a catalog came damaged', async () => {
    const list = await built();
    const [first] = listing.catalogs;
    if (first === undefined) throw new Error('no catalog');
    const damaged = { ...first, value: Buffer.from('nothing') };
    const failed = whole(list({ ...listing, catalogs: [damaged] }, new AbortController().signal, () => {}));
    await expect(failed).rejects.toThrow('damaged');
  });
});
