/** Taking a mount away: at once, or, where programs still use it, out of sight until they are done. */
import { GphotosfsError } from '../model/errors.ts';
import { mountAt } from './mount-table.ts';
import { runCommand } from './system-command.ts';

/** The programs answer in milliseconds; only a mount whose server hangs can hold one up. */
const timeoutMs = 1500;

/**
 * Unmounts what is mounted at `mountPoint` (absolute, links resolved), as root by `umount`, else by `fusermount3`.
 * Gives `'lazily'` when programs still hold files of it open: it is detached, and gone when they close them.
 * @throws `mount` where neither works.
 */
export async function unmountPath(mountPoint: string): Promise<'at-once' | 'lazily'> {
  if (await unmountNow(mountPoint)) return 'at-once';
  const failure = await unmountLazily(mountPoint);
  if (failure === undefined) return 'lazily';
  throw new GphotosfsError('mount', `${mountPoint} could not be unmounted: ${failure}`, {
    hint: `Close the programs that use it and run "umount ${mountPoint}" as root, or "fusermount3 -u ${mountPoint}".`,
  });
}

/** Unmounts if nobody uses the mount; also true where it is gone already. */
export async function unmountNow(mountPoint: string): Promise<boolean> {
  const before = mountAt(mountPoint);
  if (before === undefined) return true;
  for (const [program, ...args] of commands(mountPoint, false)) {
    const { status } = await runCommand(program, args, { timeoutMs });
    if (status === 0) return true;
  }
  // It may have gone by itself meanwhile, and what is there now be another one.
  return mountAt(mountPoint)?.device !== before.device;
}

/** Detaches a mount, dead or alive. Gives what went wrong, or undefined. */
export async function unmountLazily(mountPoint: string): Promise<string | undefined> {
  let said = '';
  for (const [program, ...args] of commands(mountPoint, true)) {
    const { status, stderr, missing } = await runCommand(program, args, { timeoutMs });
    if (status === 0) return undefined;
    if (!missing) said ||= stderr || `${program} failed`;
  }
  return said || 'neither umount nor fusermount3 was found';
}

/** What this user can unmount with, best first. */
function commands(mountPoint: string, lazy: boolean): [string, ...string[]][] {
  if (process.geteuid?.() === 0) return [lazy ? ['umount', '-l', mountPoint] : ['umount', mountPoint]];
  const flags = lazy ? '-uz' : '-u';
  return [
    ['fusermount3', flags, '--', mountPoint],
    ['fusermount', flags, '--', mountPoint],
  ];
}
