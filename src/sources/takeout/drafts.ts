/**
 * One folder's files as items with roles, before copies of other folders are looked at. Two files of a folder are two
 * items, unless matching found that one is the edit or the clip of the other.
 */
import type { Role } from '../../model/words.ts';
import type { ExportFolder, FolderInfo, MediaFile, SidecarFile } from './gather.ts';
import { compareText } from './pairing/file-name.ts';
import { matchFolder } from './pairing/matching.ts';
import { kindOfName } from './pairing/media.ts';
import type { Sidecar } from './pairing/sidecar.ts';

export interface DraftFile {
  readonly role: Role;
  readonly media: MediaFile;
}

/** An item as one folder shows it. */
export interface Draft {
  readonly folder: FolderInfo;
  /** Original first, then by role and name; at least one. */
  readonly files: readonly DraftFile[];
  readonly sidecar: Sidecar | undefined;
  /** The sidecar may be another photo's: good for a date until better is known, no proof of identity. */
  readonly uncertain: boolean;
}

export interface FolderDrafts {
  readonly folder: FolderInfo;
  /** In the order of their first files' names. */
  readonly drafts: readonly Draft[];
  /** Sidecars that no file of the folder took. */
  readonly unclaimed: readonly SidecarFile[];
  /** Files of unknown kinds that no sidecar speaks of: not listed. */
  readonly unknown: readonly MediaFile[];
}

const roleOrder: Readonly<Record<Role, number>> = { original: 0, edited: 1, motion: 2, sidecar: 3 };

export function draftFolder(folder: ExportFolder): FolderDrafts {
  const matches = matchFolder(folder.media, folder.sidecars);
  const claimed = new Set<SidecarFile>();
  const bySidecar = new Map<SidecarFile, DraftFile[]>();
  const byOriginal = new Map<MediaFile, DraftFile[]>();
  const groups: { files: DraftFile[]; sidecar: SidecarFile | undefined; uncertain: boolean }[] = [];
  const unknown: MediaFile[] = [];
  const begin = (file: DraftFile, sidecar: SidecarFile | undefined, uncertain = false): void => {
    const files = [file];
    groups.push({ files, sidecar, uncertain });
    byOriginal.set(file.media, files);
    if (sidecar !== undefined && !uncertain) bySidecar.set(sidecar, files);
  };

  const companions: MediaFile[] = [];
  for (const media of folder.media) {
    const match = matches.get(media);
    if (match?.sidecar !== undefined) claimed.add(match.sidecar);
    if (match === undefined && kindOfName(media.name) === 'unknown') unknown.push(media);
    else if (match === undefined || match.role === 'original')
      begin({ role: 'original', media }, match?.sidecar);
    else companions.push(media);
  }
  for (const media of companions.sort((a, b) => compareText(a.name, b.name))) {
    const { role = 'original', step, sidecar, original } = matches.get(media) ?? {};
    const group =
      (sidecar === undefined ? undefined : bySidecar.get(sidecar)) ??
      (original === undefined ? undefined : byOriginal.get(original));
    if (step === 'loose') begin({ role, media }, sidecar, true);
    else if (group === undefined) begin({ role, media }, sidecar);
    else group.push({ role, media });
  }

  const drafts = groups.map(({ files, sidecar, uncertain }): Draft => {
    files.sort((a, b) => roleOrder[a.role] - roleOrder[b.role] || compareText(a.media.name, b.media.name));
    return { folder: folder.info, files, sidecar: sidecar?.facts, uncertain };
  });
  return {
    folder: folder.info,
    drafts: drafts.sort((a, b) => compareText(firstName(a), firstName(b))),
    unclaimed: folder.sidecars.filter((sidecar) => !claimed.has(sidecar)),
    unknown,
  };
}

/** The name of an item's first file. */
export const firstName = (draft: Draft): string => draft.files[0]?.media.name ?? '';
