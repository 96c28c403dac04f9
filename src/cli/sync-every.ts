/** Syncs while mounted. Whatever goes wrong is told and tried again next time: it never ends the mount. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toGphotosfsError } from '../model/errors.ts';
import { openSources } from '../sources/all.ts';
import { readConfig } from './config.ts';
import type { Context } from './context.ts';
import { formatCounted } from './format.ts';
import { syncSources } from './sync.ts';

export interface Syncing {
  /** Ends it; waits for a sync that is under way, which stops at its next page. */
  stop(): Promise<void>;
}

/** Starts to sync every `everyMs`, for the first time after that long. */
export function startSyncing(context: Context, everyMs: number): Syncing {
  const stopping = new AbortController();
  const running = repeat(context, everyMs, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function repeat(context: Context, everyMs: number, signal: AbortSignal): Promise<void> {
  const { log } = context.output;
  while (await slept(everyMs, signal)) {
    try {
      await syncOnce(context, signal);
    } catch (error) {
      const { kind, message } = toGphotosfsError(error);
      if (kind !== 'interrupted') log('warn', `sync failed: ${message}; the next one is in its turn`);
    }
  }
}

/** Waits; false when it is to end. */
async function slept(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal }).catch(() => false);
}

async function syncOnce(context: Context, signal: AbortSignal): Promise<void> {
  // Archives may have been added since the mount began.
  const sources = await openSources(readConfig(context.paths.config).sources, context.sourceParts);
  try {
    const report = await syncSources(context, sources, signal, () => {});
    for (const { id, newItems, newFiles, problems, error } of report.sources) {
      const counts = `${formatCounted(newItems, 'new item')} in ${formatCounted(newFiles, 'file')}`;
      context.output.log(newItems + newFiles > 0 ? 'info' : 'debug', `synced ${id}: ${counts}`);
      for (const { where, what, remedy, severity } of problems) {
        context.output.log(severity === 'notice' ? 'debug' : 'warn', `${where}: ${what}. ${remedy}`);
      }
      if (error !== undefined) context.output.log('warn', `${id}: ${error.message}`);
    }
    if (context.settings.thumbnails === undefined) return;
    const { refreshThumbnails } = await import('./thumbnails.ts');
    await refreshThumbnails(context, sources, signal);
  } finally {
    for (const source of sources) await source.close();
  }
}
