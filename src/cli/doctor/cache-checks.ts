/** The cache: is it the one, can it be written, what does its file system take, and is there room for the rest? */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { cacheIdAt, knownId } from '../../cache/binding.ts';
import { probePlace, readSpace } from '../../cache/place.ts';
import { readNeeds } from '../../index/needs.ts';
import type { Index } from '../../index/open.ts';
import { formatBytes, formatCounted } from '../format.ts';
import { type Check, type Finding, failed, ok, warning } from './check.ts';
import {
  fatKinds,
  fileSystemOf,
  largestFatFile,
  layeredKinds,
  networkKinds,
  volatileKinds,
} from './file-system.ts';

export const cache: Check = {
  name: 'cache',
  look({ context, index }) {
    const { cachePath } = context;
    const known = index && knownId(index);
    const found = cacheIdAt(cachePath);
    if (found === undefined && known === undefined) return [willBeMade(cachePath)];
    if (found === undefined) {
      return [
        failed(
          `${cachePath} does not hold the cache that the index knows`,
          'Is its disk mounted? Where it was moved, run: gphotosfs adopt DIR',
        ),
      ];
    }
    if (found !== known) {
      return [
        failed(
          `${cachePath} is the cache of another index`,
          known === undefined
            ? 'If its index.db is lost: gphotosfs sync --rebuild. Else choose another directory with --cache.'
            : 'Choose the directory that belongs to this home with --cache.',
        ),
      ];
    }
    const { longestName } = probePlace(cachePath);
    return [ok(`${cachePath} can be written`), ...judgeNames(longestName, index)];
  },
};

function willBeMade(cachePath: string): Finding {
  const parent = nearestPresent(cachePath);
  try {
    accessSync(parent, constants.W_OK);
    return ok(`${cachePath} will be made by the first sync`);
  } catch {
    return failed(
      `${cachePath} can't be made: ${parent} is not yours to write`,
      'Choose another directory with --cache, or change its owner.',
    );
  }
}

/** The tree's names have up to 240 bytes (tree/names.ts). */
const longestGiven = 240;

function judgeNames(longestName: number, index: Index | undefined): Finding[] {
  if (longestName >= longestGiven) return [ok(`names of up to ${longestName} bytes`)];
  const says = `its file system takes names of at most ${longestName} bytes`;
  const remedy = 'Keep the cache on a file system without name encryption (eCryptfs shortens names).';
  const { longestName: longestNeeded } = index === undefined ? { longestName: 0 } : readNeeds(index);
  return longestNeeded > longestName
    ? [failed(`${says}, and the library has one of ${longestNeeded}`, remedy)]
    : [warning(says, remedy)];
}

export const fileSystem: Check = {
  name: 'file system',
  look: ({ context, index }) => [
    judgeCacheKind(context.cachePath, index),
    judgeIndexKind(context.paths.index),
  ],
};

function judgeCacheKind(cachePath: string, index: Index | undefined): Finding {
  const kind = kindAt(cachePath);
  const says = `the cache is on ${kind}`;
  if (volatileKinds.has(kind)) {
    return warning(`${says}: it is gone at the next start`, 'Choose a disk with --cache.');
  }
  if (layeredKinds.has(kind)) {
    return warning(`${says}, a container's own`, 'Put it on a volume: with the container it would be gone.');
  }
  if (fatKinds.has(kind)) {
    const largest = index === undefined ? 0 : readNeeds(index).largestFile;
    const remedy = 'Choose a disk with ext4, Btrfs, XFS, ZFS, NTFS or exFAT.';
    return largest > largestFatFile
      ? failed(`${says}, which takes no file of 4 GB, and the library has one`, remedy)
      : warning(`${says}, which takes no file of 4 GB`, remedy);
  }
  return ok(says);
}

function judgeIndexKind(path: string): Finding {
  const kind = kindAt(path);
  const says = `the index is on ${kind}`;
  return networkKinds.has(kind)
    ? failed(
        `${says}: several processes at once would damage it`,
        'Keep the home (--home) on a disk of this machine; the cache (--cache) may be on the network.',
      )
    : ok(says);
}

function kindAt(path: string): string {
  return fileSystemOf(realpathSync.native(nearestPresent(path))) ?? 'an unknown file system';
}

export const space: Check = {
  name: 'space',
  look({ context, index }) {
    const { freeBytes, freeFiles } = readSpace(nearestPresent(context.cachePath));
    const needs = index === undefined ? { missingBytes: 0, missingFiles: 0 } : readNeeds(index);
    const says = `${formatBytes(freeBytes)} free for the cache, ${formatBytes(needs.missingBytes)} to be fetched`;
    if (needs.missingBytes > freeBytes) {
      return [
        warning(says, 'Fetch a part (prefetch --year, --album), or move the cache to a larger disk (adopt).'),
      ];
    }
    if (freeFiles !== undefined && needs.missingFiles > freeFiles) {
      const counted = formatCounted(freeFiles, 'more file');
      return [
        warning(`its file system takes only ${counted}`, 'Move the cache to one with more inodes (adopt).'),
      ];
    }
    return [ok(says)];
  },
};

/** The path itself, or the first folder above it that is there. */
function nearestPresent(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestPresent(dirname(path));
}
