/** `unmount DIR`: takes a mount of gphotosfs away, whether or not its process still lives. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GphotosfsError } from '../model/errors.ts';
import { resolveMountPoint } from '../mount/mount-point.ts';
import { isOurs, type MountEntry, mountAt } from '../mount/mount-table.ts';
import { unmountPath } from '../mount/unmount.ts';
import { exitCodes } from './exit-codes.ts';
import type { Run } from './run.ts';

/** The kernel takes a mount from the table before umount(2) returns; a namespace elsewhere may lag behind. */
const goneWithinMs = 5000;
const askAgainAfterMs = 20;

export const run: Run = async ({ output }, [dir = '']) => {
  const mountPoint = resolveMountPoint(dir);
  const first = mountAt(mountPoint);
  if (first === undefined) throw new GphotosfsError('mount', `nothing is mounted at ${mountPoint}`);
  let lazily = false;
  // Processes that were killed may have left dead mounts on top of one another.
  for (let top: MountEntry | undefined = first; top !== undefined; top = mountAt(mountPoint)) {
    if (!isOurs(top)) {
      if (top !== first) break;
      throw new GphotosfsError('mount', `${mountPoint} is not a mount of gphotosfs (it is ${top.fsType})`, {
        hint: `Unmount it with: umount ${mountPoint}`,
      });
    }
    lazily = (await unmountPath(mountPoint)) === 'lazily' || lazily;
    await waitUntilGone(mountPoint, top);
  }
  if (lazily) output.log('warn', `${mountPoint} was in use: programs that hold its files open get errors`);
  output.result({ type: 'unmounted', mountPoint, lazily }, [`${mountPoint} is unmounted`]);
  return exitCodes.done;
};

async function waitUntilGone(mountPoint: string, entry: MountEntry): Promise<void> {
  const since = performance.now();
  while (mountAt(mountPoint)?.device === entry.device) {
    if (performance.now() - since > goneWithinMs) {
      throw new GphotosfsError('mount', `${mountPoint} is still mounted`, {
        hint: 'Close the programs that use it and try again.',
      });
    }
    await sleep(askAgainAfterMs);
  }
}
