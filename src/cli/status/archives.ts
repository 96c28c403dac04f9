/** Archives in Drive: how much of each is kept here, and which are no longer needed there. */
import { isDispensable, listRemoteArchives, type RemoteArchive } from '../../index/archives.ts';
import type { Index } from '../../index/open.ts';
import { formatBytes, formatColumns, formatCount, formatCounted } from '../format.ts';
import type { Section, Subject } from './section.ts';

export const archives = ({ index }: Subject): Section => describeArchives(index);

/** The same for the end of a prefetch. Nothing where there is no archive in Drive. */
export function describeArchives(index: Index): Section {
  const all = listRemoteArchives(index);
  const record = {
    archives: all.map(({ unkept, ...archive }) => ({
      ...archive,
      unkept: unkept ?? null,
      dispensable: isDispensable({ ...archive, unkept }),
    })),
  };
  const there = all.filter(({ gone }) => !gone);
  if (there.length === 0) return { record, lines: [] };
  const rows = there.map((one) => [
    one.title,
    `${formatCount(one.keptFiles)} of ${formatCount(one.files)}`,
    formatBytes(one.bytes),
    stateOf(one),
  ]);
  return { record, lines: ['', ...formatColumns([['in Drive', 'cached', 'size', ''], ...rows], [1, 2])] };
}

function stateOf(archive: RemoteArchive): string {
  if (isDispensable(archive)) return 'safe to delete from Drive';
  const { unkept, files, keptFiles } = archive;
  if (unkept === undefined) return 'needed: its sidecars are not all read, run gphotosfs sync';
  if (files > keptFiles) return 'needed: gphotosfs prefetch takes the rest';
  return `holds ${formatCounted(unkept, 'file')} that gphotosfs doesn't keep`;
}
