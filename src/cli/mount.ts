/** `mount DIR`: serves the tree until it is told to stop, here or, with `--daemon`, in the background. */
import { resolve } from 'node:path';
import type { Mounted } from '../mount/driver.ts';
import { defaultDriver, loadDriver } from '../mount/drivers.ts';
import { openSources } from '../sources/all.ts';
import { metadataSource } from '../sync/metadata-source.ts';
import { isInBackground, tellStarter } from './background.ts';
import { readConfig } from './config.ts';
import type { Context } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { notifyReady } from './notify.ts';
import type { Run } from './run.ts';

export const run: Run = async (context, [dir = '']) => {
  const { settings, output } = context;
  const mountPoint = resolve(dir);
  if (settings.daemon && !isInBackground()) {
    const { startInBackground } = await import('./daemon.ts');
    return startInBackground(context, mountPoint, driverName(context));
  }
  // From the start: whoever is stopped while mounting leaves no mount behind.
  const signal = context.signal();
  const mounted = await serveAt(context, mountPoint);
  const everyMs = settings.syncEvery;
  const syncing =
    everyMs === undefined ? undefined : (await import('./sync-every.ts')).startSyncing(context, everyMs);
  const stop = () => {
    mounted.unmount().catch((error: unknown) => output.log('error', String(error)));
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  else tellReady(context, mounted);
  try {
    await mounted.closed;
    if (!signal.aborted) output.log('info', `${mounted.mountPoint} was unmounted`);
    return exitCodes.done;
  } finally {
    signal.removeEventListener('abort', stop);
    await syncing?.stop();
  }
};

async function serveAt(context: Context, mountPoint: string): Promise<Mounted> {
  const { settings, output, paths, config, cachePath } = context;
  const [{ serve }, { refuseNesting }, driver, index, cache, sources] = await Promise.all([
    import('../mount/serve.ts'),
    import('../mount/mount-point.ts'),
    loadDriver(driverName(context), { passthrough: settings.passthrough === 'auto' }),
    context.index(),
    context.cache(),
    context.sources(),
  ]);
  const archives = config.sources.flatMap((source) => (source.kind === 'takeout' ? source.paths : []));
  for (const home of new Set([paths.dataFolder, paths.configFolder])) {
    refuseNesting({ mountPoint, home, cache: cachePath, archives });
  }
  // A folder that something runs in can't be unmounted; all paths are absolute by now.
  if (isInBackground()) process.chdir('/');
  return serve({
    driver,
    index,
    cache,
    home: paths.dataFolder,
    sources: [...sources, metadataSource(index)],
    openSource: async (id) => {
      const added = readConfig(paths.config).sources.filter((entry) => entry.id === id);
      return (await openSources(added, context.sourceParts))[0];
    },
    mountPoint,
    uid: settings.uid ?? process.getuid?.() ?? 0,
    gid: settings.gid ?? process.getgid?.() ?? 0,
    umask: settings.umask,
    allowOther: settings.allowOther,
    log: output.log,
  });
}

function driverName({ settings }: Context): string {
  return settings.driver ?? defaultDriver();
}

function tellReady(context: Context, { mountPoint }: Mounted): void {
  const { output } = context;
  void notifyReady(mountPoint, output.log);
  if (isInBackground()) {
    tellStarter({ ready: true });
    output.log('info', `${mountPoint} is mounted`);
    return;
  }
  output.result({ type: 'mounted', mountPoint, driver: driverName(context), pid: process.pid }, [
    `${mountPoint} is mounted; Ctrl-C or "gphotosfs unmount ${mountPoint}" ends it`,
  ]);
}
