/**
 * Albums of the Library API. An album is looked into when its count has changed, when a member that could not be listed
 * before may be by now, and otherwise once a week: a photo swapped for another leaves the count as it was.
 */
import { GphotosfsError, toGphotosfsError } from '../../../model/errors.ts';
import type { Problem } from '../../../model/words.ts';
import type { Memo, Page, ScannedAlbum, ScannedArchive, ScanRequest } from '../../source.ts';
import type { GoogleClient } from '../client.ts';
import { concernsAll } from '../media/measure-all.ts';
import type { ScanMemory } from '../media/scan-memory.ts';
import { isOffline } from '../network-error.ts';
import { type LibraryAlbum, listAlbumItems, listAlbums } from './api.ts';

const week = 7 * 86_400;
/**
 * Calls a sync may spend on albums that are only due: a library of 25,000 items is paged through in 250, and a daily sync
 * shall stay below 300. What is left over is due the next day.
 */
const dueCalls = 40;
/** So many in a row that the server fails at: then it is the server, not the albums. */
const maxUnanswered = 3;
/** Items a page of an album has. */
const itemsACall = 100;

interface Seen {
  readonly count: number;
  /** When it was looked into, seconds since 1970. */
  readonly at: number;
  /** Members that were not listed then. */
  readonly missing: number;
}

export interface AlbumScan {
  readonly memory: ScanMemory;
  /** Items were listed in this scan that were not before. */
  readonly hasNewItems: boolean;
  readonly archive: ScannedArchive;
}

/** A page for each album that is looked into. */
export async function* scanAlbums(
  client: GoogleClient,
  { recall, rescan, signal, progress }: ScanRequest,
  { memory, hasNewItems, archive }: AlbumScan,
): AsyncGenerator<Page, void> {
  const now = Math.floor(Date.now() / 1000);
  const albums: { album: LibraryAlbum; seen: Seen | undefined }[] = [];
  for await (const album of listAlbums(client, signal))
    albums.push({ album, seen: parse(recall(keyOf(album))) });

  const isChanged = ({ album, seen }: (typeof albums)[number]) =>
    rescan || seen === undefined || seen.count !== album.count || (seen.missing > 0 && hasNewItems);
  const changed = albums.filter(isChanged);
  const due = albums
    .filter((one) => !isChanged(one) && now - (one.seen?.at ?? 0) >= week)
    .sort((a, b) => (a.seen?.at ?? 0) - (b.seen?.at ?? 0));
  let calls = dueCalls;
  const affordable = due.filter(({ album }, at) => {
    const needed = Math.max(1, Math.ceil(album.count / itemsACall));
    // One that needs more than a day has gets a day of its own once it is the oldest.
    const isTooLarge = at === 0 && needed > dueCalls;
    if (needed > calls && !isTooLarge) return false;
    calls -= needed;
    return true;
  });

  const chosen = [...changed, ...affordable];
  let unanswered = 0;
  for (const [done, { album }] of chosen.entries()) {
    progress({ phase: 'looking into albums', done, total: chosen.length });
    const ids = await lookInto(client, album, signal);
    if (ids instanceof GphotosfsError) {
      unanswered = ids.kind === 'source-unreachable' ? unanswered + 1 : 0;
      if (unanswered >= maxUnanswered) throw ids;
      yield { archives: [], items: [], albums: [], memos: [], problems: [unreadable(album, ids)] };
      continue;
    }
    unanswered = 0;
    const places = [...ids].flatMap((id) => memory.find(id)?.ordinal ?? []);
    const seen: Seen = { count: album.count, at: now, missing: ids.size - places.length };
    const scanned: ScannedAlbum = {
      folder: album.id,
      title: titleOf(album),
      date: undefined,
      members: places.map((offset) => ({ archive: archive.name, offset })),
    };
    const memos: Memo[] = [{ key: keyOf(album), value: Buffer.from(JSON.stringify(seen)) }];
    yield { archives: [], items: [], albums: [scanned], memos, problems: [] };
  }
}

/** The ids of an album's members, or why it alone could not be looked into. @throws what concerns them all */
async function lookInto(
  client: GoogleClient,
  { id }: LibraryAlbum,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | GphotosfsError> {
  const ids = new Set<string>();
  try {
    for await (const page of listAlbumItems(client, id, signal)) for (const one of page) ids.add(one);
    return ids;
  } catch (error) {
    const known = toGphotosfsError(error);
    if (concernsAll(known) || isOffline(known)) throw known;
    return known;
  }
}

const unreadable = (album: LibraryAlbum, { message, hint }: GphotosfsError): Problem => ({
  where: `album ${titleOf(album)}`,
  what: `it could not be looked into: ${message}`,
  remedy: hint ?? 'It is looked into again by the next sync.',
});

const titleOf = ({ title }: LibraryAlbum): string => (title.trim() === '' ? 'Untitled' : title);

const keyOf = ({ id }: LibraryAlbum): string => `album ${id}`;

function parse(value: Buffer | undefined): Seen | undefined {
  return value === undefined ? undefined : (JSON.parse(value.toString()) as Seen);
}
