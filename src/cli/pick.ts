/**
 * `pick`: the owner picks photos in Google's Picker, and they are fetched at once, for in some days Google will not give
 * them any more. An interrupted pick is gone on with by the next sync and prefetch.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createFetcher } from '../fetch/fetcher.ts';
import { findArchive, retireArchive } from '../index/locations.ts';
import { type Index, transaction } from '../index/open.ts';
import { listMissing } from '../index/plan.ts';
import { putMemo, recall } from '../index/sources.ts';
import { GphotosfsError, toGphotosfsError } from '../model/errors.ts';
import { everything } from '../model/filter.ts';
import { planMissing } from '../prefetch/plan.ts';
import type { PrefetchReport } from '../prefetch/run.ts';
import { openSources, type SourceEntry } from '../sources/all.ts';
import type { GoogleClient } from '../sources/google/client.ts';
import {
  createSession,
  deleteSession,
  getSession,
  type PickerSession,
} from '../sources/google/picker/api.ts';
import { expired } from '../sources/google/picker/links.ts';
import { parseSessions, sessionsKey, sessionsMemo } from '../sources/google/picker/sessions.ts';
import type { Source } from '../sources/source.ts';
import type { SourceReport } from '../sync/sync.ts';
import type { Context } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { formatBytes, formatCounted } from './format.ts';
import { startProgress } from './progress.ts';
import type { Run } from './run.ts';
import { showPrefetch } from './show-prefetch.ts';
import { ensureAccountEntry } from './source-entries.ts';
import { syncSources } from './sync.ts';

/** For ending a session when the owner has stopped the command, ms. */
const lastCallMs = 5000;

export const run: Run = async (context) => {
  const { paths, settings } = context;
  const signal = context.signal();
  // First, so that a sign-in that lacks the permission is renewed with it.
  const { entry } = await ensureAccountEntry(paths.config, 'picker', settings.account);
  const client = await context.sourceParts.google(settings.account);
  const session = await createSession(client, signal);
  const index = await context.index();
  // Before anything is picked: what is, shall not be lost with this program.
  remember(index, entry, session);
  await tellWhere(context, session);
  try {
    await waitUntilPicked(client, session, signal);
  } catch (error) {
    // Of anything else nobody knows whether the owner goes on picking.
    if (error instanceof GphotosfsError && isOver(error))
      await endSession(client, index, entry, session, AbortSignal.timeout(lastCallMs));
    throw error;
  }

  const [source] = await openSources([entry], context.sourceParts);
  if (source === undefined) throw new GphotosfsError('internal', 'the picker is no source');
  try {
    const found = await syncPicked(context, source);
    const report = await fetchPicked(context, index, source);
    const left = listMissing(index, everything).filter((file) => file.source === source.id).length;
    // What could not be fetched, or not even listed, may be had later, as long as the session lives.
    const isDone =
      left === 0 && found.waiting === 0 && found.error === undefined && found.problems.length === 0;
    if (isDone) await endSession(client, index, entry, session, signal);
    tell(context, found, report, left);
    if (report.stopped !== undefined) throw report.stopped;
    if (found.error !== undefined) throw found.error;
    return isDone ? exitCodes.done : exitCodes.partial;
  } finally {
    await source.close();
  }
};

async function tellWhere({ output }: Context, { pickerUri }: PickerSession): Promise<void> {
  // Closes its tab when the owner is done; not for a phone, where it would close the app.
  const link = `${pickerUri.replace(/\/$/, '')}/autoclose`;
  const { renderUnicodeCompact } = await import('uqr');
  output.result({ type: 'session', pickerUri, link }, [
    'Open this link in a browser that is signed in to your Google account:',
    '',
    `  ${link}`,
    '',
    'or scan this with your phone:',
    '',
    ...renderUnicodeCompact(pickerUri, { border: 2 }).split('\n'),
    '',
    'Waiting until you are done there. Ctrl-C gives up.',
  ]);
}

/** The owner gave up, or Google did. */
function isOver({ kind }: GphotosfsError): boolean {
  return kind === 'interrupted' || kind === 'not-found' || kind === 'source-gone';
}

/**
 * Asks as often as Google says, whatever passes meanwhile.
 * @throws `not-found` when time is up, `source-gone`, `interrupted`, and what doesn't pass in that time
 */
async function waitUntilPicked(
  client: GoogleClient,
  session: PickerSession,
  signal: AbortSignal,
): Promise<void> {
  const until = performance.now() + session.patienceMs;
  for (let now = session; ; ) {
    if (now.isPicked) return;
    if (performance.now() + now.pollMs > until) break;
    await sleep(now.pollMs, undefined, { signal }).catch(() => {
      throw new GphotosfsError('interrupted', 'nothing was picked');
    });
    try {
      now = await getSession(client, session.id, signal);
    } catch (error) {
      const known = toGphotosfsError(error);
      if (known.kind === 'source-gone') throw expired(session.id, known);
      if (!known.retryCanHelp || performance.now() + (known.retryAfterMs ?? 0) > until) throw known;
    }
  }
  throw new GphotosfsError('not-found', 'nothing was picked in the time that Google gives', {
    hint: 'Run "gphotosfs pick" again.',
  });
}

function remember(index: Index, { id }: SourceEntry, session: PickerSession): void {
  transaction(index, () => {
    const before = parseSessions(recall(index, id, sessionsKey));
    putMemo(index, id, sessionsMemo([...before, { id: session.id, expiresAt: session.expiresAt }]));
  });
}

/** All is in the cache: Google need not keep the session open, and its places hold no more. */
async function endSession(
  client: GoogleClient,
  index: Index,
  { id }: SourceEntry,
  session: PickerSession,
  signal: AbortSignal,
): Promise<void> {
  await deleteSession(client, session.id, signal).catch(() => {});
  transaction(index, () => {
    const archive = findArchive(index, id, session.id);
    if (archive !== undefined) retireArchive(index, archive.id);
    const others = parseSessions(recall(index, id, sessionsKey)).filter((one) => one.id !== session.id);
    putMemo(index, id, sessionsMemo(others));
  });
}

async function syncPicked(context: Context, source: Source): Promise<SourceReport> {
  const progress = await startProgress(context.output);
  try {
    const report = await syncSources(context, [source], context.signal(), (state) => progress.update(state));
    const [found] = report.sources;
    if (found !== undefined) return found;
    throw new GphotosfsError('internal', 'the picker was not read');
  } catch (error) {
    const known = toGphotosfsError(error);
    if (known.kind !== 'busy') throw known;
    throw new GphotosfsError('busy', known.message, {
      hint: 'What you picked is remembered: run "gphotosfs sync" and "gphotosfs prefetch" in the next days.',
      cause: known,
    });
  } finally {
    progress.stop();
  }
}

/** The command has a fetcher of its own: the source may be newer than the configuration it started with. */
async function fetchPicked(context: Context, index: Index, source: Source): Promise<PrefetchReport> {
  const { output, paths } = context;
  const cache = await context.cache();
  const { dataFolder: home } = paths;
  const fetcher = createFetcher({ index, cache, home, sources: [source], log: output.log });
  try {
    const missing = listMissing(index, everything).filter((file) => file.source === source.id);
    const plan = planMissing(index, everything, missing);
    return await showPrefetch(context, { index, cache, fetcher, sources: [source], plan, only: source.id });
  } catch (error) {
    throw toGphotosfsError(error);
  } finally {
    await fetcher.close();
  }
}

function tell({ output }: Context, found: SourceReport, report: PrefetchReport, left: number): void {
  const { newItems, waiting, problems } = found;
  const { fetchedFiles, fetchedBytes, failed } = report;
  if (!output.json) {
    for (const { where, what, remedy } of problems) output.log('warn', `${where}: ${what}. ${remedy}`);
    for (const { path, message } of failed) output.log('warn', `${path}: ${message}`);
  }
  const lines = [
    `${formatCounted(newItems, 'new photo')} picked, ${formatCounted(fetchedFiles, 'file')} fetched (${formatBytes(fetchedBytes)})`,
  ];
  if (left > 0)
    lines.push(`${formatCounted(left, 'file')} not fetched: run "gphotosfs prefetch" in the next days.`);
  output.result(
    { type: 'picked', newItems, fetchedFiles, fetchedBytes, left, waiting, problems, failed },
    lines,
  );
}
