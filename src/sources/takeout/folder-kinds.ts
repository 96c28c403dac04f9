/**
 * What the folders inside the Photos folder are: years, albums, or Google's own (archive, trash). Told by data rather
 * than by language: an album folder has an album's JSON, a year folder has none and is called like most of the others
 * but for its four digits. Right only when all parts are known: the JSON may lie in any of them.
 */
import { compareText, foldName } from './pairing/file-name.ts';
import { isKnownYearName } from './photos-folder.ts';

export type FolderKind = 'year' | 'album' | 'archive' | 'trash' | 'locked' | 'failed' | 'loose';

export interface FolderClass {
  readonly kind: FolderKind;
  /** The year whose photos it holds. */
  readonly year: number | undefined;
}

/** A folder by its path inside the Photos folder; empty for files directly in that. */
export interface FolderToClass {
  readonly path: string;
  readonly hasAlbumJson: boolean;
  /** Media files in it. */
  readonly files: number;
}

const list = (text: string): ReadonlySet<string> => new Set(text.split(',').map(foldName));
/** Google's own folders in the languages they were reported in, and their dictionary names in others. */
const special: readonly (readonly [FolderKind, ReadonlySet<string>])[] = [
  [
    'trash',
    list(`Trash, Bin, Papierkorb, Corbeille, Papelera, Cestino, Lixeira, Lixo, Prullenbak, Kosz, Корзина, ゴミ箱, 휴지통,
      回收站, 回收桶, 垃圾桶, Papirkurv, Papirkorg, Papperskorgen, Roskakori, Koš, Kôš, Kuka, Lomtár, Coș de gunoi,
      Çöp kutusu, Кошик, Кошче, Κάδος, Paperera, ถังขยะ, Thùng rác, Sampah`),
  ],
  [
    'archive',
    list(`Archive, Archiv, Archives, Archivo, Archivio, Arquivo, Archief, Archiwum, Архив, Архів, アーカイブ, 보관함,
      归档, 封存, Arkiv, Arkisto, Archívum, Arhivă, Arşiv, Arxiu`),
  ],
  [
    'locked',
    list(`Locked Folder, Gesperrter Ordner, Dossier verrouillé, Carpeta privada, Cartella bloccata, Pasta trancada,
      Vergrendelde map, Folder zablokowany, Личная папка, ロックされたフォルダ, 잠긴 폴더, 已锁定的文件夹`),
  ],
  [
    'failed',
    list('Failed Videos, Fehlgeschlagene Videos, Vidéos ayant échoué, Vídeos fallidos, Video non riusciti'),
  ],
];

/** Classifies all folders of one export. */
export function classifyFolders(folders: readonly FolderToClass[]): ReadonlyMap<string, FolderClass> {
  const shape = yearShapeOf(folders);
  return new Map(folders.map((folder) => [folder.path, classify(folder, shape)]));
}

function classify({ path, hasAlbumJson }: FolderToClass, shape: string | undefined): FolderClass {
  if (path === '') return { kind: 'loose', year: undefined };
  const year = readYear(path);
  const inYearShape = year !== undefined && (year.shape === shape || isKnownYearName(path));
  // An album that its owner called like a year folder lies in one with it: then it is both, an album whose
  // photos are also of that year where nothing else places them.
  if (hasAlbumJson) return { kind: 'album', year: inYearShape ? year.year : undefined };
  if (inYearShape) return { kind: 'year', year: year.year };
  const kind = special.find(([, names]) => names.has(foldName(path)))?.[0];
  return { kind: kind ?? 'album', year: undefined };
}

interface YearName {
  readonly year: number;
  /** The name without its digits, and whether they stood in front. */
  readonly shape: string;
}

/** A name that ends or begins with a year: `Photos from 2021`, `2021年の写真`. */
function readYear(path: string): YearName | undefined {
  const name = foldName(path);
  const [, before, last] = /^(|.*\D)((?:18|19|20)\d\d)$/.exec(name) ?? [];
  if (last !== undefined) return { year: Number(last), shape: `${before}#` };
  const [, first, after] = /^((?:18|19|20)\d\d)(\D.*)$/.exec(name) ?? [];
  return first === undefined ? undefined : { year: Number(first), shape: `#${after}` };
}

/**
 * The shape of this export's year folders: a known one, else the one that most folders without an album JSON have.
 * "Italy 2019" is outnumbered. A single folder that only looks like a year is taken for one: nothing says otherwise.
 */
function yearShapeOf(folders: readonly FolderToClass[]): string | undefined {
  const shapes = new Map<string, { folders: number; files: number; known: boolean }>();
  for (const { path, hasAlbumJson, files } of folders) {
    const year = hasAlbumJson ? undefined : readYear(path);
    if (year === undefined) continue;
    const sum = shapes.get(year.shape) ?? { folders: 0, files: 0, known: isKnownYearName(path) };
    shapes.set(year.shape, { ...sum, folders: sum.folders + 1, files: sum.files + files });
  }
  const ranked = [...shapes].sort(
    ([nameA, a], [nameB, b]) =>
      Number(b.known) - Number(a.known) ||
      b.folders - a.folders ||
      b.files - a.files ||
      compareText(nameA, nameB),
  );
  return ranked[0]?.[0];
}
