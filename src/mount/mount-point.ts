/**
 * The place of a mount: what has to be true of it before anything is mounted there. A dead mount that a killed
 * gphotosfs left behind is cleared; everything else that is in the way is refused.
 */
import { lstatSync, readdirSync, realpathSync, statfsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import { isOurs, mountAt } from './mount-table.ts';
import { runCommand } from './system-command.ts';
import { unmountLazily } from './unmount.ts';

/** A live mount answers from the kernel's memory; a server that takes longer hangs. Milliseconds. */
const probeTimeoutMs = 3000;
/** A program that is killed and started again stacks dead mounts; more than a few means that clearing does not work. */
const mostStaleMounts = 16;

/**
 * Makes sure that `path` can be mounted on, and gives it absolute and with links resolved.
 * @throws `mount` where it doesn't exist, is no directory, isn't empty, or is in use by another mount of gphotosfs.
 */
export async function prepareMountPoint(
  path: string,
  log: (level: 'info', message: string) => void = () => {},
): Promise<string> {
  const mountPoint = resolveMountPoint(path);
  await clearStale(mountPoint, log);
  checkDirectory(mountPoint);
  return mountPoint;
}

/** `path` absolute and without links, also where a dead mount stands in it. */
export function resolveMountPoint(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync.native(absolute);
  } catch (error) {
    // A dead mount cannot be asked anything; its parent can.
    if (errorCode(error) !== 'ENOENT')
      return join(realpathSync.native(dirname(absolute)), basename(absolute));
    throw new GphotosfsError('mount', `the mount point ${absolute} does not exist`, {
      hint: `Make it first: mkdir -p ${absolute}`,
    });
  }
}

async function clearStale(mountPoint: string, log: (level: 'info', message: string) => void): Promise<void> {
  for (let tries = 0; tries < mostStaleMounts; tries++) {
    const mounted = mountAt(mountPoint);
    if (mounted === undefined || !isOurs(mounted)) return;
    const state = await probe(mountPoint);
    if (state === 'live') {
      throw new GphotosfsError('mount', `${mountPoint} is mounted already`, {
        hint: `Unmount it first: gphotosfs unmount ${mountPoint}`,
      });
    }
    if (state === 'hangs') {
      throw new GphotosfsError('mount', `the gphotosfs that serves ${mountPoint} does not answer`, {
        hint: 'End that process; the mount it leaves behind is then cleared here.',
      });
    }
    const failure = await unmountLazily(mountPoint);
    if (failure !== undefined) throw staleError(mountPoint, failure);
    log('info', `cleared the mount that an earlier gphotosfs left at ${mountPoint}`);
  }
  throw staleError(mountPoint, 'it is mounted many times over');
}

function staleError(mountPoint: string, reason: string): GphotosfsError {
  return new GphotosfsError('mount', `a dead mount at ${mountPoint} could not be cleared: ${reason}`, {
    hint: `Run as root: umount -l ${mountPoint}`,
  });
}

/**
 * Whether the server of a mount is there. Asked by another program first: whoever asks a server that hangs is
 * stuck in the kernel, beyond SIGKILL.
 */
async function probe(mountPoint: string): Promise<'live' | 'dead' | 'hangs'> {
  // The file system's own state: attributes of the root come from the kernel's memory, also when the server is dead.
  const asked = await runCommand('stat', ['-f', '--', mountPoint], { timeoutMs: probeTimeoutMs });
  if (asked.status === undefined && !asked.missing) return 'hangs';
  try {
    statfsSync(mountPoint);
    return 'live';
  } catch (error) {
    // Another user's, without allow_other, counts as live.
    return errorCode(error) === 'ENOTCONN' ? 'dead' : 'live';
  }
}

/** Whether the server of the mount at `mountPoint` answers. */
export async function isLiveMount(mountPoint: string): Promise<boolean> {
  return (await probe(mountPoint)) === 'live';
}

function checkDirectory(mountPoint: string): void {
  let names: string[];
  try {
    names = readdirSync(mountPoint);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOTDIR')
      throw new GphotosfsError('mount', `${mountPoint} is not a directory`, {
        hint: 'Choose an empty directory: mkdir makes one.',
      });
    const isDenied = code === 'EACCES' || code === 'EPERM';
    throw new GphotosfsError(
      'mount',
      `the mount point ${mountPoint} cannot be read: ${isDenied ? 'access is denied' : (code ?? String(error))}`,
      {
        hint: isDenied
          ? 'Choose a directory of your own, or give yourself its rights (ls -ld shows them).'
          : 'Choose another directory, or see what its disk has (dmesg).',
        cause: error,
      },
    );
  }
  if (names.length === 0) return;
  throw new GphotosfsError('mount', `the mount point ${mountPoint} is not empty`, {
    hint: 'Choose an empty directory: a mount hides what is below it.',
  });
}

export interface NestingPaths {
  readonly mountPoint: string;
  readonly home: string;
  readonly cache: string;
  readonly archives: readonly string[];
}

/**
 * Refuses places of which one would hide or feed the other: a home, cache or archive at or below the mount point
 * (the program would wait for itself), and a mount point inside the cache or inside an unpacked archive.
 * @throws `usage`, naming both paths.
 */
export function refuseNesting(paths: NestingPaths): void {
  const mountPoint = withoutLinks(paths.mountPoint);
  const named: [string, string][] = [
    ['home', paths.home],
    ['cache', paths.cache],
    ...paths.archives.map((archive): [string, string] => ['archive', archive]),
  ];
  for (const [what, path] of named) {
    const place = withoutLinks(path);
    if (isWithin(place, mountPoint))
      throw nested(`the ${what} ${path} is inside the mount point ${mountPoint}`);
    if (what !== 'home' && isWithin(mountPoint, place)) {
      throw nested(`the mount point ${mountPoint} is inside the ${what} ${path}`);
    }
  }
}

function nested(message: string): GphotosfsError {
  return new GphotosfsError('usage', message, { hint: 'Choose a mount point beside it.' });
}

function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way !== '..' && !way.startsWith(`..${sep}`);
}

/** `path` with the links of the part that exists resolved. */
function withoutLinks(path: string): string {
  const absolute = resolve(path);
  try {
    lstatSync(absolute);
    return realpathSync.native(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(withoutLinks(parent), basename(absolute));
  }
}
