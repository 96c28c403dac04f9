/** `status`: how things stand, once or again and again; or, with `--check`, whether they stand as a script needs it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from './context.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Run } from './run.ts';
import { accounts } from './status/accounts.ts';
import { archives } from './status/archives.ts';
import { library } from './status/library.ts';
import { next } from './status/next.ts';
import { running } from './status/running.ts';
import { runs } from './status/runs.ts';
import type { Section, Subject } from './status/section.ts';
import { sources } from './status/sources.ts';

/** In the order in which they are told. */
const sections: readonly ((subject: Subject) => Section)[] = [
  library,
  running,
  runs,
  sources,
  archives,
  accounts,
  next,
];

const watchEveryMs = 2000;

export const run: Run = async (context) => {
  const { settings } = context;
  if (settings.check !== undefined) return checkComplete(context);
  return settings.watch ? watch(context) : tell(context, false);
};

async function tell(context: Context, isAgain: boolean): Promise<ExitCode> {
  const [index, { readStatus }] = await Promise.all([context.index(), import('../index/status.ts')]);
  const subject = { context, index, status: readStatus(index) };
  const told = sections.map((section) => section(subject));
  if (isAgain) context.output.startOver();
  context.output.result(
    Object.assign({}, ...told.map(({ record }) => record)),
    told.flatMap(({ lines }) => lines),
  );
  return exitCodes.done;
}

async function watch(context: Context): Promise<ExitCode> {
  const signal = context.signal();
  for (;;) {
    const since = performance.now();
    await tell(context, true);
    // A library of millions takes seconds to count: at most a tenth of the time goes into it.
    const pause = Math.max(watchEveryMs, 10 * (performance.now() - since));
    if (!(await sleep(pause, true, { signal }).catch(() => false))) return exitCodes.done;
  }
}

/** For backup scripts: not what is recorded counts, but what really lies in the cache (one stat a file). */
async function checkComplete(context: Context): Promise<ExitCode> {
  const index = await context.index();
  const [{ checkSelection }, { selectionOf }] = await Promise.all([
    import('../prefetch/check.ts'),
    import('./selection.ts'),
  ]);
  const cache = await context.cache();
  const found = checkSelection(index, cache, selectionOf(context.settings));
  const { isSynced, selectedFiles, missingFiles, lostFiles, waitingFiles } = found;
  const absent = missingFiles + lostFiles;
  const complete = isSynced && absent + waitingFiles === 0;
  const says = [
    ...(absent > 0 ? [`${absent} of ${selectedFiles} files not in the cache`] : []),
    ...(lostFiles > 0 ? [`${lostFiles} of them lost from it`] : []),
    ...(waitingFiles > 0 ? [`${waitingFiles} not listed yet`] : []),
    ...(isSynced ? [] : ['nothing has been synced yet']),
  ].join(', ');
  context.output.result({ type: 'check', check: 'complete', complete, ...found }, [
    complete ? `complete: ${selectedFiles} files in the cache` : `not complete: ${says}`,
  ]);
  return complete ? exitCodes.done : exitCodes.partial;
}
