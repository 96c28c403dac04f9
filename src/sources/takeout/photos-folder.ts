/**
 * Where in an export the photos are. Takeout puts every product into a folder of its own; only that of Google Photos is
 * walked, for others hold pictures too (contacts, chats, Drive). Its name is localised, so it is found by a
 * list of names, else by the year folders in it, else by folders in which media and sidecars lie side by side.
 */
import { compareText, foldName, splitName, splitNumber } from './pairing/file-name.ts';
import { kindOfName } from './pairing/media.ts';
import { candidates } from './pairing/sidecar-name.ts';

/** The names that were reported from exports; all have "Google" in front or behind, and a word for photos. */
const photoWords = [
  'photos',
  'fotos',
  'foto',
  'фото',
  'fotky',
  'снимки',
  'fotók',
  'kuvat',
  'フォト',
  '포토',
  '相册',
  '相簿',
]
  .concat([
    'fotoğraflar',
    'zdjęcia',
    "foto's",
    'foton',
    'billeder',
    'bilder',
    'φωτογραφίες',
    'รูปภาพ',
    'ảnh',
    'תמונות',
    'صور',
  ])
  .map((word) => word.normalize('NFC'));
const names = new Set(photoWords.flatMap((word) => [`google ${word}`, `${word} google`]));

/** Whether a folder has one of the known names of the Photos folder. */
export const isPhotosName = (name: string): boolean => names.has(foldName(name));

/**
 * `Photos from 2021` and its reported translations. Other languages are found by what the folders hold
 * (`folder-kinds.ts`); these decide alone where there is little to go by.
 */
const yearNames =
  /^(?:photos from|photos de|photos du|fotos von|fotos del|fotos de|foto del|foto dal|foto's uit|zdjęcia z) (\d{4})$/;

export function isKnownYearName(name: string): boolean {
  return yearNames.test(foldName(name));
}

/** One folder of an export, with the names of the files directly in it, over all parts. */
export interface FolderNames {
  /** Its path in the archive. */
  readonly path: string;
  /** Given on demand: only the last resort needs them. */
  readonly files: () => readonly string[];
}

/** The Photos folders of one archive. */
export interface PhotosFolders {
  /** Several where parts were unpacked side by side; none where the archive has no photos. */
  readonly paths: readonly string[];
  /** Sure by name and place: no other part can show that the photos are elsewhere. */
  readonly sure: boolean;
}

/** Finds the Photos folders of an export's archives, given the folders of each; the answers are in the same order. */
export function findPhotosFolders(archives: readonly (readonly FolderNames[])[]): PhotosFolders[] {
  const sure = archives.map((folders) => surePhotosFolders(folders.map(({ path }) => path)));
  if (sure.some(({ paths }) => paths.length > 0)) return sure;
  const folders = [...new Map(archives.flat().map((folder) => [folder.path, folder])).values()];
  const attempts = [
    () => folders.flatMap(({ path }) => namedPrefix(path) ?? []),
    () => folders.flatMap(({ path }) => yearParent(path) ?? []),
    () => folders.filter(holdsPairs).map(({ path }) => parentOf(path)),
  ];
  for (const attempt of attempts) {
    const paths = shallowest(attempt());
    if (paths.length > 0) return archives.map(() => ({ paths, sure: false }));
  }
  return archives.map(() => ({ paths: [], sure: false }));
}

/** Those that are sure by name and place, of one archive; without any, another archive of the export may have some. */
export function surePhotosFolders(folders: readonly string[]): PhotosFolders {
  const paths = [...new Set(folders.flatMap((path) => surePrefix(path) ?? []))];
  return { paths: paths.sort(compareText), sure: true };
}

/** A folder's path inside the Photos folder, empty for that itself; undefined where it lies elsewhere. */
export function pathInPhotos({ paths }: PhotosFolders, folder: string): string | undefined {
  for (const root of paths) {
    if (root === '' || folder === root) return root === '' ? folder : '';
    if (folder.startsWith(root) && folder[root.length] === '/') return folder.slice(root.length + 1);
  }
  return undefined;
}

/**
 * A known name where Takeout puts it: at the top, or right below `Takeout`. `Takeout/Drive/Google Photos` is a folder in
 * somebody's Drive. Year folders at the top mean that the Photos folder itself was given.
 */
function surePrefix(path: string): string | undefined {
  const parts = path.split('/');
  if (isKnownYearName(parts[0] ?? '')) return '';
  const at = parts.findIndex(
    (part, at) => isPhotosName(part) && (at === 0 || foldName(parts[at - 1] ?? '') === 'takeout'),
  );
  return at < 0 ? undefined : parts.slice(0, at + 1).join('/');
}

/** The part of a path that ends in the first folder with a known name. */
function namedPrefix(path: string): string | undefined {
  const parts = path.split('/');
  const at = parts.findIndex(isPhotosName);
  return at < 0 ? undefined : parts.slice(0, at + 1).join('/');
}

function yearParent(path: string): string | undefined {
  const parts = path.split('/');
  const at = parts.findIndex(isKnownYearName);
  return at < 0 ? undefined : parts.slice(0, at).join('/');
}

const parentOf = (path: string): string => path.split('/').slice(0, -1).join('/');

/** Whether some media file of the folder has a sidecar beside it. */
function holdsPairs({ files }: FolderNames): boolean {
  const all = files();
  const jsons = new Set(all.filter((name) => kindOfName(name) === 'json'));
  if (jsons.size === 0) return false;
  return all.some((name) => {
    const kind = kindOfName(name);
    if (kind !== 'still' && kind !== 'video') return false;
    const { stem, extension } = splitName(name);
    // A chat may hold `photo.jpg` and `photo.json`; a sidecar that has the whole name is Google's.
    const whole = splitNumber(stem).core + extension;
    for (const candidate of candidates(name))
      if (!candidate.edited && candidate.name.startsWith(whole.slice(0, 46)) && jsons.has(candidate.name))
        return true;
    return false;
  });
}

/** Of several paths those that lie highest. */
function shallowest(paths: readonly string[]): readonly string[] {
  const depth = (path: string): number => (path === '' ? 0 : path.split('/').length);
  const least = Math.min(...new Set(paths.map(depth)));
  return [...new Set(paths.filter((path) => depth(path) === least))].sort(compareText);
}
