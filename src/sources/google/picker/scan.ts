/**
 * A scan of the sessions that live: what was picked in each, with sizes asked for. A session that is over is said to be so;
 * what was picked in it stays listed.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Problem } from '../../../model/words.ts';
import type { Memo, Page, ScannedItem, ScanRequest } from '../../source.ts';
import type { GoogleClient } from '../client.ts';
import { measureAll } from '../media/measure-all.ts';
import { measureMedia } from '../media/media-bytes.ts';
import { createScanMemory } from '../media/scan-memory.ts';
import { listPicked, type PickedItem } from './api.ts';
import type { PickerLinks } from './links.ts';
import { pickerAccess, pickerExport, sessionArchive } from './place.ts';
import { parseSessions, type RememberedSession, sessionsKey, sessionsMemo } from './sessions.ts';

/** Items a page: what an interruption has to measure again at most. */
const pageLength = 200;

type Open = () => Promise<{ readonly client: GoogleClient; readonly links: PickerLinks }>;

export async function* scanPicker(open: Open, request: ScanRequest): AsyncGenerator<Page, void> {
  let remembered = parseSessions(request.recall(sessionsKey));
  let waiting = 0;
  let stopped: GphotosfsError | undefined;
  for (const session of remembered) {
    if (stopped !== undefined) break;
    const { client, links } = await open();
    try {
      const picked = await listSession(client, links, session, request.signal);
      const result = yield* scanSession(client, links, session, picked, request);
      waiting += result.waiting;
      stopped = result.stopped;
    } catch (error) {
      if (!(error instanceof GphotosfsError)) throw error;
      if (isUnfinished(error)) continue;
      if (error.kind !== 'source-gone') throw error;
      remembered = remembered.filter(({ id }) => id !== session.id);
      yield { ...nothing, gone: [session.id], memos: [sessionsMemo(remembered)] };
    }
  }
  yield { ...nothing, waiting };
  if (stopped !== undefined) throw stopped;
}

const nothing: Page = { archives: [], items: [], albums: [], memos: [], problems: [] };

/** Nothing has been picked in it yet: that is no trouble. */
function isUnfinished(error: GphotosfsError): boolean {
  return /FAILED_PRECONDITION|has not (?:yet )?picked/i.test(`${error.message} ${String(error.cause)}`);
}

interface Picked {
  readonly items: readonly PickedItem[];
  readonly unreadable: number;
}

async function listSession(
  client: GoogleClient,
  links: PickerLinks,
  session: RememberedSession,
  signal: AbortSignal,
): Promise<Picked> {
  const items = new Map<string, PickedItem>();
  let unreadable = 0;
  for await (const page of listPicked(client, session.id, signal)) {
    unreadable += page.unreadable;
    for (const item of page.items) {
      items.set(item.id, items.get(item.id) ?? item);
      links.put(session.id, item);
    }
  }
  return { items: [...items.values()].sort(inOrder), unreadable };
}

function inOrder(a: PickedItem, b: PickedItem): number {
  const byTime = (a.takenAt ?? 0) - (b.takenAt ?? 0);
  return byTime !== 0 ? byTime : `${a.filename}\n${a.id}` < `${b.filename}\n${b.id}` ? -1 : 1;
}

/** What is left to be done for a session. */
interface Left {
  /** Items whose size isn't known. */
  readonly waiting: number;
  readonly stopped: GphotosfsError | undefined;
}

async function* scanSession(
  client: GoogleClient,
  links: PickerLinks,
  session: RememberedSession,
  picked: Picked,
  { recall, rescan, signal, progress }: ScanRequest,
): AsyncGenerator<Page, Left> {
  const { items, unreadable } = picked;
  const archive = sessionArchive(session.id);
  const memory = createScanMemory(recall);
  const listedKey = `listed ${session.id}`;
  const listed = new Set(rescan ? [] : (recall(listedKey)?.toString() ?? '').split('\n'));
  const isUnique = uniqueness(items);
  const problems =
    unreadable === 0
      ? []
      : [
          {
            where: `picker session ${session.id}`,
            what: `${unreadable} picked items could not be read`,
            remedy: 'Pick them again. Please report it if it stays so.',
          },
        ];
  const open = items.filter(({ id }) => !listed.has(id));
  yield { ...nothing, archives: [archive], problems: [...problems, ...unready(session, open)] };

  const ready = open.filter(({ state }) => state === 'ready');
  let added = 0;
  let stopped: GphotosfsError | undefined;
  for (let at = 0; at < ready.length && stopped === undefined; at += pageLength) {
    progress({ phase: 'asking for sizes', done: at, total: ready.length });
    const group = ready.slice(at, at + pageLength);
    const measured = await measureAll(group, signal, async (item, stopping) => {
      // A photo that was picked before has told its size.
      const known = memory.find(item.id);
      if (known !== undefined) return known.size;
      const access = pickerAccess(client, links, session.id, item.family, item.id);
      return measureMedia({ ...access, what: `picker: ${item.filename}` }, stopping);
    });
    stopped = measured.stopped;
    const memos: Memo[] = [];
    for (const [{ id }, size] of measured.sizes) {
      if (memory.find(id) === undefined) memos.push(...memory.add(id, size));
      listed.add(id);
    }
    memos.push({ key: listedKey, value: Buffer.from([...listed].join('\n')) });
    added += measured.sizes.size;
    yield {
      ...nothing,
      items: group.flatMap((item) => {
        const size = measured.sizes.get(item);
        const offset = memory.find(item.id)?.ordinal ?? 0;
        return size === undefined ? [] : [scanned(item, size, archive.name, offset, isUnique(item))];
      }),
      memos,
      problems: [...measured.failed].map(([{ filename }, error]) => ({
        where: filename,
        what: `its size could not be learnt: ${error.message}`,
        remedy: error.hint ?? 'It is asked again by the next sync, as long as the session lives.',
      })),
    };
  }
  return { waiting: open.length - added, stopped };
}

/** Videos that Google has no bytes of yet, or never will. */
function unready({ id }: RememberedSession, items: readonly PickedItem[]): Problem[] {
  const failed = items.filter(({ state }) => state === 'failed');
  const processing = items.filter(({ state }) => state === 'processing').length;
  const problems: Problem[] = failed.map(({ filename }) => ({
    where: filename,
    what: 'Google could not process this video',
    remedy: 'Take it from Takeout.',
  }));
  if (processing > 0)
    problems.push({
      where: `picker session ${id}`,
      what: `${processing === 1 ? '1 video is' : `${processing} videos are`} still being processed by Google`,
      remedy: 'Run "gphotosfs sync" and "gphotosfs prefetch" in the next days.',
      severity: 'notice',
    });
  return problems;
}

function uniqueness(items: readonly PickedItem[]): (item: PickedItem) => boolean {
  const keyOf = ({ filename, takenAt }: PickedItem) => `${takenAt} ${filename}`;
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return (item) => counts.get(keyOf(item)) === 1;
}

function scanned(
  item: PickedItem,
  size: number,
  archive: string,
  offset: number,
  isUnique: boolean,
): ScannedItem {
  const { id, filename, family, takenAt, dimensions } = item;
  return {
    exportId: pickerExport,
    photoId: undefined,
    title: filename,
    takenAt,
    yearFolder: undefined,
    provisional: false,
    trashed: false,
    description: {},
    ...(isUnique && dimensions !== undefined ? { dimensions } : {}),
    files: [
      {
        role: 'original',
        name: filename,
        content: { size, crc32: undefined },
        locations: [{ archive, offset, address: `${family} ${id}`, seekable: true }],
      },
    ],
  };
}
