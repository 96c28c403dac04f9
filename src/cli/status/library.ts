/** What is there, and how much of it is in the cache. */
import { join } from 'node:path';
import { formatBytes, formatCounted, formatPercent } from '../format.ts';
import { labelled, type Section, type Subject } from './section.ts';

export function library({ context, status }: Subject): Section {
  const { items, files, bytes, cachedFiles, cachedBytes, albums, complete, unavailable } = status;
  const { provisional, revisions, damaged, superseded } = status;
  const supersededFolder = join(context.cachePath, '.gphotosfs', 'superseded');
  const lines = [
    ...labelled(
      'photos',
      `${formatCounted(items, 'item')} in ${formatCounted(files, 'file')}, ${formatBytes(bytes)}, ${formatCounted(albums, 'album')}`,
    ),
    ...labelled(
      'cached',
      `${formatCounted(cachedFiles, 'file')}, ${formatBytes(cachedBytes)} (${formatPercent(cachedBytes, bytes)}) in ${context.cachePath}`,
    ),
  ];
  if (damaged > 0)
    lines.push(
      ...labelled(
        'damaged',
        `${formatCounted(damaged, 'file')} in the cache: "gphotosfs verify --repair" mends what a source still has`,
      ),
    );
  if (superseded.files > 0)
    lines.push(
      ...labelled(
        'former',
        `${formatCounted(superseded.files, 'file')}, ${formatBytes(superseded.bytes)} that newer bytes took the place of, in ${supersededFolder}`,
      ),
    );
  if (unavailable > 0)
    lines.push(
      ...labelled('missing', `${formatCounted(unavailable, 'file')} neither cached nor in any source`),
    );
  if (revisions > 0)
    lines.push(...labelled('newer', `${formatCounted(revisions, 'file')} with newer bytes to fetch`));
  const waiting = status.sources.reduce((sum, source) => sum + source.waiting, 0);
  if (waiting > 0)
    lines.push(
      ...labelled(
        'waiting',
        `${formatCounted(waiting, 'item')} that will be listed when a sync has learnt the size`,
      ),
    );
  if (provisional > 0)
    lines.push(
      ...labelled('undated', `${formatCounted(provisional, 'item')} whose sidecar was not found yet`),
    );
  return {
    record: {
      items,
      files,
      bytes,
      cachedFiles,
      cachedBytes,
      albums,
      complete,
      unavailable,
      provisional,
      revisions,
      damaged,
      superseded: { ...superseded, folder: supersededFolder },
      cache: context.cachePath,
    },
    lines,
  };
}
