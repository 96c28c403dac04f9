/** `add drive`: Takeout archives in Google Drive. Only noted; the first sync asks Google. */
import { GphotosfsError } from '../model/errors.ts';
import { type DriveEntry, isDriveId } from '../sources/all.ts';
import { updateSources } from './config.ts';
import { exitCodes } from './exit-codes.ts';
import { formatCounted } from './format.ts';
import type { Run } from './run.ts';
import { freeId, nextStep } from './source-entries.ts';

export const run: Run = async ({ output, paths, settings }) => {
  const { account } = settings;
  const folders = settings.folder.map(folderId);
  let added: { readonly entry: DriveEntry; readonly isNew: boolean } | undefined;
  await updateSources(paths.config, (sources) => {
    const present = sources.find(
      (source): source is DriveEntry => source.kind === 'drive' && source.account === account,
    );
    const entry: DriveEntry = {
      id: present?.id ?? freeId(sources, 'drive'),
      kind: 'drive',
      account,
      folders: [...new Set([...(present?.folders ?? []), ...folders])],
    };
    const isNew = present === undefined || entry.folders.length > present.folders.length;
    added = { entry, isNew };
    return present === undefined
      ? [...sources, entry]
      : sources.map((source) => (source === present ? entry : source));
  });
  if (added === undefined) throw new GphotosfsError('internal', 'the configuration was not updated');
  const { entry, isNew } = added;
  const where =
    entry.folders.length === 0 ? 'the Takeout folder' : formatCounted(entry.folders.length, 'folder');
  output.result({ type: 'added', id: entry.id, account, folders: entry.folders, known: isNew ? 0 : 1 }, [
    `${entry.id}: ${isNew ? `added (${where})` : 'known already'}`,
    `Next: ${nextStep(paths, account, 'drive')}`,
  ]);
  return exitCodes.done;
};

/** A folder's id, also from its address in the browser. */
function folderId(text: string): string {
  const id = /^https?:\/\/.*\/folders\/([^/?#]+)/.exec(text.trim())?.[1] ?? text.trim();
  if (isDriveId(id)) return id;
  throw new GphotosfsError('usage', `"${text}" is no folder of Drive`, {
    hint: 'Open the folder at drive.google.com: its id is the last part of the address.',
  });
}
