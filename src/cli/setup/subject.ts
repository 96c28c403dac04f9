/** Whom and what a setup is for: the program as it runs now, the home, and the user whose it is. */
import { execFileSync } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { GphotosfsError } from '../../model/errors.ts';
import type { Context } from '../context.ts';

export interface Subject {
  /** Node and the script, absolute, with the flags that lead to this home. */
  readonly program: readonly string[];
  /** Set up for the whole system, as root; else for this user alone. */
  readonly forSystem: boolean;
  /** Who runs it. */
  readonly user: string;
  readonly uid: number;
  readonly home: string;
  readonly dataFolder: string;
  readonly configFolder: string;
  readonly cachePath: string;
  /** Time of day at which a run begins, local. */
  readonly at: { readonly hour: number; readonly minute: number };
}

export function subjectOf({ settings, origins, paths, cachePath }: Context): Subject {
  const [, script = ''] = process.argv;
  const flags: string[] = [];
  if (settings.home !== undefined) flags.push('--home', settings.home);
  // What config.json says will be found there again.
  if (origins.cache === 'flag' || origins.cache === 'environment') flags.push('--cache', cachePath);
  const forSystem = process.geteuid?.() === 0;
  const uid = forSystem ? ownerOf(paths.dataFolder) : userInfo().uid;
  return {
    program: [process.execPath, realpathSync(script), ...flags],
    forSystem,
    user: forSystem ? nameOf(uid) : userInfo().username,
    uid,
    home: settings.home ?? paths.configFolder,
    dataFolder: paths.dataFolder,
    configFolder: paths.configFolder,
    cachePath,
    at: timeOfDay(settings.at),
  };
}

function ownerOf(folder: string): number {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new GphotosfsError('usage', `there is no home at ${folder} yet`, {
      hint: 'Name it with --home, and sync it once as the user that is to run gphotosfs.',
    });
  }
  return stats.uid;
}

/** By name where it has one; systemd and cron take names. */
function nameOf(uid: number): string {
  try {
    return execFileSync('id', ['-nu', String(uid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return String(uid);
  }
}

function timeOfDay(text: string): Subject['at'] {
  const [, hour = '', minute = ''] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hour === '' || Number(hour) > 23 || Number(minute) > 59) {
    throw new GphotosfsError(
      'usage',
      `--at: "${text}" is not allowed: it must be a time of day such as 03:15`,
    );
  }
  return { hour: Number(hour), minute: Number(minute) };
}
