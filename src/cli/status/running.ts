/** What is going on right now, in whichever process: syncs, fetches, mounts. */
import { getFile } from '../../index/items.ts';
import { listRunning } from '../../index/running-leases.ts';
import { pathOf } from '../../index/tree.ts';
import { formatBytes, formatCount } from '../format.ts';
import { labelled, type Section, type Subject } from './section.ts';

/** So many fetches are named. */
const shown = 4;

export function running({ context, index }: Subject): Section {
  const leases = listRunning(context.paths.dataFolder);
  const syncing = leases.find(({ key }) => key === 'sync');
  const fetches = leases.flatMap(({ key, pid, prefix }) => {
    const ino = Number(/^file:(\d+)$/.exec(key)?.[1]);
    const size = Number.isNaN(ino) ? undefined : getFile(index, ino)?.size;
    if (size === undefined) return [];
    return [{ path: pathOf(index, ino)?.join('/') ?? String(ino), readyBytes: prefix, bytes: size, pid }];
  });
  const lines: string[] = [];
  if (syncing !== undefined) lines.push(...labelled('syncing', `in process ${syncing.pid}`));
  if (fetches.length > 0) {
    const named = fetches
      .slice(0, shown)
      .map(
        ({ path, readyBytes, bytes, pid }) =>
          `${path}, ${formatBytes(readyBytes)} of ${formatBytes(bytes)}, in process ${pid}`,
      );
    if (fetches.length > shown) named.push(`and ${formatCount(fetches.length - shown)} more`);
    const [first = '', ...more] = named;
    lines.push(...labelled('fetching', first, ...more));
  }
  return { record: { syncing: syncing?.pid ?? null, fetching: fetches }, lines };
}
