/** Sources: are their archives there, and are exports whole? */
import { accessSync, constants, existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { type KnownArchive, listArchives } from '../../index/archives.ts';
import type { Index } from '../../index/open.ts';
import { missingParts, numberRuns, parseArchiveName } from '../../sources/takeout/archive-name.ts';
import { formatCounted } from '../format.ts';
import { type Check, type Finding, failed, ok, warning } from './check.ts';

export const sources: Check = {
  name: 'sources',
  look({ context: { config }, index }) {
    if (config.sources.length === 0) {
      return [warning('there is no source yet', 'Run: gphotosfs add takeout ~/Downloads/takeout-*.zip')];
    }
    return config.sources.map((source) => {
      const { id, account } = source;
      if (source.kind !== 'takeout') return ok(`${id} (account "${account}"): asked by sync`);
      const { paths } = source;
      const bad = paths.filter((path) => !isReadable(path));
      if (bad.length === 0)
        return ok(`${id} (account "${account}"): ${formatCounted(paths.length, 'place')} there`);
      const uncached =
        index === undefined ? 1 : archivesOf(index, id).reduce((sum, one) => sum + one.uncached, 0);
      const says = `${id} (account "${account}"): can't read ${bad.join(', ')}`;
      const remedy = `Is the disk mounted? If it is gone for good: gphotosfs remove ${id}`;
      return uncached > 0
        ? failed(says, remedy)
        : warning(says, `All that it had is in the cache. ${remedy}`);
    });
  },
};

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

const archivesOf = (index: Index, source: string) =>
  listArchives(index).filter((one) => one.source === source);

export const archives: Check = {
  name: 'archives',
  look({ index }) {
    // Others than files have no path: a listing, an archive elsewhere.
    const known = index === undefined ? [] : listArchives(index).filter(({ name }) => isAbsolute(name));
    if (known.length === 0) return [ok('none has been read yet')];
    const gone = known.filter(({ name, uncached }) => uncached > 0 && !existsSync(name));
    const findings = [...missingInExports(known), ...gone.map(goneArchive)];
    return findings.length > 0
      ? findings
      : [ok(`${formatCounted(known.length, 'archive')}, no part missing`)];
  },
};

function goneArchive({ name, uncached }: KnownArchive): Finding {
  return failed(
    `${name} is gone, and ${formatCounted(uncached, 'file')} of it ${uncached === 1 ? 'is' : 'are'} not in the cache`,
    'Bring it back; then "gphotosfs prefetch" keeps what is in it.',
  );
}

function missingInExports(known: readonly KnownArchive[]): Finding[] {
  const exports = new Map<string, KnownArchive[]>();
  for (const one of known) exports.set(one.exportId, [...(exports.get(one.exportId) ?? []), one]);
  return [...exports].flatMap(([exportId, parts]) => {
    const named = parts.map(({ name }) => parseArchiveName(name));
    const numbers = named.flatMap(({ part }) => part ?? []);
    const missing = missingParts(
      numbers,
      named.some(({ exportTime }) => exportTime !== undefined),
    );
    if (missing.length === 0) return [];
    return [
      warning(
        `${exportId}: missing ${missing.length === 1 ? 'part' : 'parts'} ${numberRuns(missing)}`,
        'Download what is missing from takeout.google.com, put it beside the others and run "gphotosfs sync".',
      ),
    ];
  });
}
