/** Archives in Drive: those in the owner's folders, or where Takeout puts them. */

import { GphotosfsError } from '../../../model/errors.ts';
import type { Problem } from '../../../model/words.ts';
import { isArchiveName, parseArchiveName } from '../../takeout/archive-name.ts';
import type { ArchiveStore, FoundArchive } from '../../takeout/store.ts';
import { type DriveApi, type DriveFile, driveName } from './drive-api.ts';
import { driveArchive, isTgzName } from './drive-archive.ts';
import { driveArchiveFile } from './drive-file.ts';
import type { Pace } from './pace.ts';

export interface DriveStoreRequest {
  readonly api: () => Promise<DriveApi>;
  /** Ids; empty: where Takeout puts archives. */
  readonly folders: readonly string[];
  /** Where a tgz is put while its photos are taken; undefined: none is downloaded to be looked into. */
  readonly spool: string | undefined;
}

export function driveStore({ api: open, folders, spool }: DriveStoreRequest): ArchiveStore {
  let pace: Pace | undefined;
  return {
    remote: true,
    pace: () => (pace === undefined ? undefined : `${pace.atATime()} at a time`),
    async find(known, signal) {
      const api = await open();
      pace = api.pace;
      const files = await api.list(folders, signal);
      const listed = new Map(files.map((file) => [file.id, file]));
      const problems: Problem[] = [];
      const found: FoundArchive[] = [];
      const gone: string[] = [];
      const read = new Set(known);
      const add = (file: DriveFile): void => {
        // One that was looked into once need not be asked about again.
        const problem = problemOf(file, spool !== undefined || read.has(file.id));
        if (problem === undefined) found.push(foundArchive(api, file, spool));
        else problems.push(problem);
      };
      for (const file of files) if (!file.trashed && isArchiveName(file.name)) add(file);
      // A list that is short proves nothing: each that is missing is asked for by itself.
      for (const id of known) {
        if (listed.has(id)) continue;
        const file = await lookAgain(api, id, signal);
        if (file instanceof GphotosfsError) problems.push(notShown(id, file));
        else if (file === undefined || file.trashed) gone.push(id);
        else add(file);
      }
      return { found, problems, gone };
    },
    covers: () => true,
  };
}

/** The file, wherever it was moved to; undefined where it is surely not there any more; or why Drive doesn't show this one. */
async function lookAgain(
  api: DriveApi,
  id: string,
  signal: AbortSignal,
): Promise<DriveFile | GphotosfsError | undefined> {
  try {
    return await api.look(id, signal);
  } catch (error) {
    if (!(error instanceof GphotosfsError)) throw error;
    if (error.kind === 'source-gone') return undefined;
    if (error.kind === 'no-permission' || error.kind === 'bad-source') return error;
    throw error;
  }
}

const notShown = (id: string, { message }: GphotosfsError): Problem => ({
  where: `Drive file ${id}`,
  what: `Drive doesn't show it any more: ${message}`,
  remedy: 'Ask its owner, or add the account that owns it. What it showed stays listed.',
});

function foundArchive(api: DriveApi, file: DriveFile, spool: string | undefined): FoundArchive {
  const { id, name } = file;
  return {
    name: id,
    title: name,
    fileName: parseArchiveName(`/${name}`),
    named: false,
    open: async () => driveArchive(driveArchiveFile(api, id, file), name, spool),
  };
}

/** Why a file is left out, without a look into it. */
function problemOf(file: DriveFile, tgz: boolean): Problem | undefined {
  const where = driveName(file.name, file.id);
  if (file.fingerprint === undefined)
    return {
      where,
      what: 'is still being uploaded',
      remedy: 'Nothing to do: the next sync reads it.',
      severity: 'notice',
    };
  if (!file.canDownload)
    return {
      where,
      what: "may not be downloaded: its owner doesn't allow it",
      remedy: 'Ask its owner, or add the account that owns it.',
    };
  if (isTgzName(file.name) && !tgz)
    return {
      where,
      what: `is a tgz, which has to be downloaded as a whole (${Math.ceil((file.size ?? 0) / 2 ** 20)} MiB) to be looked into`,
      remedy: 'Choose .zip for the next export, or run "gphotosfs sync --tgz", which downloads it.',
    };
  return undefined;
}
