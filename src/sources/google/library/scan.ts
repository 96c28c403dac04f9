/**
 * A scan of the Library API. All items are paged through each time, for an old photo that was uploaded yesterday stands
 * among the old ones, and no filter asks for the time of upload: 250 calls for 25,000 items. New ones are measured
 * (their sizes are in no list) and then listed; what is known costs nothing more.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Problem } from '../../../model/words.ts';
import type { Memo, Page, ScannedItem, ScanRequest } from '../../source.ts';
import type { GoogleClient } from '../client.ts';
import { measureAll } from '../media/measure-all.ts';
import { measureMedia } from '../media/media-bytes.ts';
import { createScanMemory, type ScanMemory } from '../media/scan-memory.ts';
import { scanAlbums } from './albums.ts';
import { type LibraryItem, listItems } from './api.ts';
import type { Links } from './links.ts';
import { libraryAccess, libraryArchive } from './place.ts';

/** Items a page: what an interruption has to measure again at most. */
const pageLength = 200;

export async function* scanLibrary(
  client: GoogleClient,
  links: Links,
  request: ScanRequest,
): AsyncGenerator<Page, void> {
  const memory = createScanMemory(request.recall);
  const listed = await listAll(client, request);
  yield page({ archives: [libraryArchive], problems: listed.problems });

  const isUnique = uniqueness(listed.items);
  const scannedOf = (item: LibraryItem, size: number) => scanned(item, size, memory, isUnique(item));
  const items = [...listed.items].sort(inOrder);
  const known = items.filter(({ id }) => memory.find(id) !== undefined);
  if (request.rescan) {
    for (let at = 0; at < known.length; at += pageLength) {
      const again = known.slice(at, at + pageLength);
      yield page({ items: again.map((item) => scannedOf(item, memory.find(item.id)?.size ?? 0)) });
    }
  }

  let stopped: GphotosfsError | undefined;
  let added = 0;
  const unknown = items.filter(({ id }) => memory.find(id) === undefined);
  const certain = new Set(listed.stopped === undefined ? items : wholeSeconds(listed.items));
  const wanted = unknown.filter((item) => item.state === 'ready' && certain.has(item));
  for (const { id, baseUrl } of wanted) if (baseUrl !== undefined) links.put(id, baseUrl);
  for (let at = 0; at < wanted.length && stopped === undefined; at += pageLength) {
    request.progress({ phase: 'asking for sizes', done: at, total: wanted.length });
    const group = wanted.slice(at, at + pageLength);
    // Where the listing's links have been pushed out or are old by now, in calls of 50.
    await links.prepare(group.map(({ id }) => id));
    const measured = await measureAll(group, request.signal, (item, signal) =>
      measureMedia(
        { ...libraryAccess(client, links, item.family, item.id), what: `library: ${item.filename}` },
        signal,
      ),
    );
    stopped = measured.stopped;
    const memos: Memo[] = [];
    for (const [item, size] of measured.sizes) memos.push(...memory.add(item.id, size));
    const there = group.filter((item) => measured.sizes.has(item));
    added += there.length;
    yield page({
      items: there.map((item) => scannedOf(item, measured.sizes.get(item) ?? 0)),
      memos,
      problems: [...measured.failed].map(([item, error]) => unmeasured(item, error)),
    });
  }
  const broken = unknown.filter(({ state }) => state === 'failed').map(neverReady);
  yield page({ problems: broken, waiting: unknown.length - added });

  // Albums count against another quota than sizes, so they go on where those had to stop.
  const mayAskOn = listed.stopped === undefined && (stopped === undefined || stopped.kind === 'quota');
  if (mayAskOn)
    yield* scanAlbums(client, request, { memory, hasNewItems: added > 0, archive: libraryArchive });
  const why = stopped ?? listed.stopped;
  if (why !== undefined) throw why;
}

const nothing: Page = { archives: [], items: [], albums: [], memos: [], problems: [] };
const page = (part: Partial<Page>): Page => ({ ...nothing, ...part });

interface Listed {
  readonly items: readonly LibraryItem[];
  readonly problems: readonly Problem[];
  /** Why the list ends before its end. */
  readonly stopped: GphotosfsError | undefined;
}

/** Pages through all items; what is listed twice counts once. */
async function listAll(client: GoogleClient, { signal, progress }: ScanRequest): Promise<Listed> {
  const items = new Map<string, LibraryItem>();
  const namesakes: LibraryItem[] = [];
  let unreadable = 0;
  let stopped: GphotosfsError | undefined;
  try {
    for await (const listed of listItems(client, signal)) {
      unreadable += listed.unreadable;
      for (const item of listed.items) {
        const before = items.get(item.id);
        if (before === undefined) items.set(item.id, item);
        else if (before.filename !== item.filename || before.takenAt !== item.takenAt) namesakes.push(item);
      }
      progress({ phase: 'listing', done: items.size, total: items.size });
    }
  } catch (error) {
    // What came until then is gone on with.
    if (!(error instanceof GphotosfsError) || error.kind === 'interrupted' || items.size === 0) throw error;
    stopped = error;
  }
  const problems = namesakes.map(
    ({ filename }): Problem => ({
      where: filename,
      what: 'Google lists it under the id of another item',
      remedy: 'The first of the two is kept. Please report it if it stays so.',
    }),
  );
  if (unreadable > 0) {
    problems.push({
      where: libraryArchive.name,
      what: `${unreadable} listed items could not be read`,
      remedy: 'They are looked at again by the next sync. Please report it if it stays so.',
    });
  }
  return { items: [...items.values()], problems, stopped };
}

/**
 * Of a list that broke off, the items whose second surely came whole: where it goes from the newest to the oldest, only the last
 * second may go on. In any other order none is sure, and what may have a namesake must not be taken for an item of Takeout.
 */
function wholeSeconds(items: readonly LibraryItem[]): readonly LibraryItem[] {
  const times = items.map(({ takenAt }) => takenAt ?? Number.NaN);
  const isInOrder = times.every((time, at) => at === 0 || time <= (times[at - 1] ?? Number.NaN));
  const last = times.at(-1) ?? Number.NaN;
  return isInOrder ? items.filter((_, at) => (times[at] ?? Number.NaN) > last) : [];
}

/** Names are given in this order: oldest first, and the same in every sync. */
function inOrder(a: LibraryItem, b: LibraryItem): number {
  const byTime = (a.takenAt ?? 0) - (b.takenAt ?? 0);
  if (byTime !== 0) return byTime;
  return compare(a.filename, b.filename) || compare(a.id, b.id);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Which items have no other with the same name and second: only those may be taken for an item of Takeout. */
function uniqueness(items: readonly LibraryItem[]): (item: LibraryItem) => boolean {
  const keyOf = ({ filename, takenAt }: LibraryItem) => `${takenAt} ${filename}`;
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return (item) => counts.get(keyOf(item)) === 1;
}

function scanned(item: LibraryItem, size: number, memory: ScanMemory, isUnique: boolean): ScannedItem {
  const { id, filename, family, takenAt, dimensions, description } = item;
  return {
    exportId: libraryArchive.exportId,
    // Google's ids here are of another space than those in Takeout's links.
    photoId: undefined,
    title: filename,
    takenAt,
    yearFolder: undefined,
    provisional: false,
    trashed: false,
    description: description === undefined || description === '' ? {} : { description },
    ...(isUnique && dimensions !== undefined ? { dimensions } : {}),
    files: [
      {
        role: 'original',
        name: filename,
        content: { size, crc32: undefined },
        locations: [
          {
            archive: libraryArchive.name,
            offset: memory.find(id)?.ordinal ?? 0,
            address: `${family} ${id}`,
            seekable: true,
          },
        ],
      },
    ],
  };
}

function unmeasured({ filename }: LibraryItem, error: GphotosfsError): Problem {
  return {
    where: filename,
    what: `its size could not be learnt: ${error.message}`,
    remedy: error.hint ?? 'It is asked again by the next sync.',
  };
}

function neverReady({ filename }: LibraryItem): Problem {
  return {
    where: filename,
    what: 'Google could not process this video',
    remedy: 'Upload it again, or take it from Takeout.',
  };
}
