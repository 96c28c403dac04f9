/**
 * From the paths that an owner gave to the archives that are there now. A path is an archive, an unpacked Takeout, or
 * a folder in which either lies; such a folder is looked through at every sync, one level deep.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { GphotosfsError } from '../../model/errors.ts';
import type { Problem } from '../../model/words.ts';
import { type ArchiveName, isArchiveName, isUnpackedName, parseArchiveName } from './archive-name.ts';
import { readFailure } from './archives/read-failure.ts';
import { compareText } from './pairing/file-name.ts';
import { isKnownYearName, isPhotosName } from './photos-folder.ts';

export interface FoundPath {
  /** Absolute. */
  readonly path: string;
  /** The owner named it; otherwise it lies in a folder that the owner named, among other things perhaps. */
  readonly named: boolean;
  readonly isFolder: boolean;
}

export interface Discovery {
  readonly found: readonly FoundPath[];
  readonly problems: readonly Problem[];
}

/** Looks at each of the owner's paths. What is not there is a problem, and the others go on. */
export async function discover(paths: readonly string[]): Promise<Discovery> {
  const found = new Map<string, FoundPath>();
  const problems: Problem[] = [];
  for (const path of new Set(paths.map((path) => resolve(path))))
    try {
      const isFolder = await stat(path).then((stats) => stats.isDirectory());
      const inside = isFolder ? await lookInside(path) : [];
      // Named wins over found in a folder.
      if (inside.length === 0) found.set(path, { path, named: true, isFolder });
      for (const each of inside) if (!found.has(each.path)) found.set(each.path, each);
    } catch (error) {
      problems.push(problemOf(readFailure(error, path), path));
    }
  return { found: [...found.values()].sort((a, b) => compareText(a.path, b.path)), problems };
}

/**
 * The archives and unpacked parts directly in a folder. Empty where the folder is itself an unpacked Takeout, or holds
 * nothing that looks like one: then it is read as it is.
 */
async function lookInside(folder: string): Promise<FoundPath[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const isUnpacked = entries.some(({ name }) => isPhotosName(name) || isKnownYearName(name));
  if (isUnpacked) return [];
  const archives = entries.filter((entry) => !entry.isDirectory() && isArchiveName(entry.name));
  const unpacked = entries.filter((entry) => entry.isDirectory() && isUnpackedName(entry.name));
  const takeout = entries.filter((entry) => entry.isDirectory() && /^takeout$/i.test(entry.name));
  // `Takeout` alone: the folder was unpacked into, and its own name may tell the export.
  if (archives.length === 0 && unpacked.length === 0) return [];
  return [...archives, ...unpacked, ...takeout].map((entry) => ({
    path: join(folder, entry.name),
    named: false,
    isFolder: entry.isDirectory(),
  }));
}

/** The export of what was found. An unpacked part tells it by the folder that it was unpacked into. */
export function exportOf({ path, isFolder }: FoundPath): ArchiveName {
  if (!isFolder) return parseArchiveName(path);
  let folder = path;
  while (!isUnpackedName(basename(folder)) && /^takeout$/i.test(basename(folder))) folder = dirname(folder);
  if (isPhotosName(basename(path)) && isUnpackedName(basename(dirname(dirname(path)))))
    folder = dirname(dirname(path));
  return parseArchiveName(isUnpackedName(basename(folder)) ? folder : path);
}

/** Whether an archive that is not here now is one of those that the paths lead to. */
export function isCovered(paths: readonly string[], archive: string): boolean {
  return paths.some((path) => {
    const own = resolve(path);
    return archive === own || archive.startsWith(own.endsWith(sep) ? own : own + sep);
  });
}

/** An error as something to tell while the rest goes on. */
export function problemOf(error: unknown, where: string): Problem {
  const known = readFailure(error, where);
  return {
    where,
    what: known.message.startsWith(`${where} `) ? known.message.slice(where.length + 1) : known.message,
    remedy: known.hint ?? 'Look at the file, then run "gphotosfs sync" again.',
  };
}

/**
 * Passes on what ends the whole scan: the owner stopped it, gphotosfs itself failed, or what is reached over a network
 * doesn't answer: then the next archive wouldn't be read either.
 */
export function rethrowFatal(error: unknown, store?: { readonly remote: boolean }): void {
  if (!(error instanceof GphotosfsError) || error.kind === 'interrupted' || error.kind === 'internal')
    throw error;
  if (!store?.remote || error.ofOneArchive) return;
  if (error.retryCanHelp || error.kind === 'sign-in') throw error;
}
