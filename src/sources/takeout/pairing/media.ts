/**
 * Which names in a Takeout are photos and videos, and which names Google gives to edits. A name alone decides here;
 * an unknown kind of file still counts as media where a sidecar speaks of it (`gather.ts`).
 */
import { videoExtensions } from '../../../model/media-kind.ts';
import { splitName } from './file-name.ts';

const words = (text: string): string[] => text.trim().split(/\s+/);

const stillExtensions = new Set(
  words(`
    jpg jpeg jpe jfif heic heif hif avif png apng gif webp bmp tif tiff jxl jp2 jps mpo ico svg psd
    dng cr2 cr3 crw nef nrw arw srf sr2 srw raf orf ori rw2 rwl raw pef ptx x3f 3fr fff iiq mos mef mrw
    erf kdc dcr dcs k25 gpr cap bay eip`),
);
const videos: ReadonlySet<string> = new Set(videoExtensions);
/** Files of systems and of Takeout itself that are never anybody's photo. */
const junkExtensions = new Set(words('html htm css js txt csv ini db lnk tmp part crdownload ds_store'));
/** Folders that file managers, NAS systems and macOS leave behind; the pictures in them are thumbnails. */
const junkFolders = new Set([
  '__macosx',
  '@eadir',
  '.@__thumb',
  '.thumbnails',
  '.appledouble',
  '#recycle',
  '$recycle.bin',
]);

export type NameKind = 'still' | 'video' | 'motion' | 'json' | 'junk' | 'unknown';

/** The kind of a file by its name. `motion`: the clip of a motion photo under a name of its own (`.MP`, `MVIMG_…`). */
export function kindOfName(name: string): NameKind {
  // macOS keeps attributes in `._X` beside `X` on foreign disks; `.DS_Store` and others are hidden as well.
  if (name.startsWith('.')) return 'junk';
  const extension = splitName(name).extension.slice(1).toLowerCase();
  if (extension === 'json') return 'json';
  if (stillExtensions.has(extension)) return 'still';
  if (videos.has(extension)) return 'video';
  if (/^mp(?:~\d+)?$/.test(extension) || /^MVIMG_[^.]*$/i.test(name)) return 'motion';
  return junkExtensions.has(extension) ? 'junk' : 'unknown';
}

/** Whether a folder (a path, parts joined by `/`) lies in one of those that hold thumbnails and leftovers. */
export function isJunkFolder(path: string): boolean {
  return path.split('/').some((part) => junkFolders.has(part.toLowerCase()));
}

/** Whether a video of this name may be the clip of a still beside it: phones write these three formats. */
export function mayBeClip(name: string): boolean {
  return kindOfName(name) === 'motion' || /\.(?:mp4|mov|m4v)$/i.test(name);
}

/**
 * What Google puts behind the stem of an edited copy, in the language of the account; the first three lines were
 * seen in exports, the last names its other creations in every language.
 */
const editedSuffixes = [
  ...words(
    '-edited -bearbeitet -modifié -modificato -bewerkt -edytowane -編集済み -editado -editada -editat',
  ),
  ...['-ha editado'],
  ...words('-muokattu -измененный -düzenlendi -已修改 -已編輯'),
  // The same word in more languages, not yet seen in an export. It only counts where there is a sidecar of the
  // stem before it and none of its own, so a wrong guess pairs nothing that isn't called "edited".
  ...words(
    '-redigerad -redigeret -redigert -upraveno -upravené -szerkesztve -відредаговано -수정됨 -แก้ไขแล้ว -diedit -已编辑',
  ),
  ...words('-effects -smile -mix -collage -animation -motion'),
].map((suffix) => suffix.normalize('NFC'));

const editedSuffix = new RegExp(`(?:${editedSuffixes.join('|')})$`, 'iu');

/** The stem before an edited suffix; undefined where there is none: `IMG_1-edited` is `IMG_1`. */
export function beforeEdited(stem: string): string | undefined {
  if (!stem.includes('-')) return undefined;
  const at = editedSuffix.exec(stem)?.index;
  return at === undefined || at === 0 ? undefined : stem.slice(0, at);
}

/** Whether a text such as `-edi` is an edited suffix that lost its end (two letters at least are left). */
export function isCutSuffix(text: string): boolean {
  const lower = text.toLowerCase();
  return lower.length >= 3 && editedSuffixes.some((suffix) => suffix.startsWith(lower));
}
