/**
 * Where file managers look for thumbnails: the personal folder of the freedesktop thumbnail specification (0.9). A file's is
 * named by the MD5 of its address, and is taken for right when address and time in it are the file's.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { sameContent } from '../model/content.ts';
import { errorCode, GphotosfsError } from '../model/errors.ts';
import type { Content, UnixSeconds } from '../model/words.ts';
import { type Pixels, readTexts, writePng } from './png.ts';

/** The longest side of what is kept in each folder, pixels. A file manager takes the other one where one is missing. */
export const sizes = { normal: 128, large: 256 } as const;
export type Size = keyof typeof sizes;
export const sizeNames = Object.keys(sizes) as Size[];

const software = 'gphotosfs';
/** Texts of our own: which bytes of a photo it shows, for a revision has the same time; and that it is a card. */
const contentKey = 'X-gphotosfs::Content';
const cardKey = 'X-gphotosfs::Card';
/** Address, time and software stand in the first bytes: paths have at most 4096. */
const textsReach = 16 << 10;

/** A file as a file manager knows it. */
export interface Subject {
  readonly uri: string;
  readonly mtime: UnixSeconds;
  /** What it shows. */
  readonly content: Content;
}

/** What is there for a subject: nothing that is right, one of ours (a picture or a card), or one by somebody else. */
export type Found = 'nothing' | 'picture' | 'card' | 'foreign';

export interface ThumbnailStore {
  find(subject: Subject, size: Size): Found;
  write(subject: Subject, size: Size, pixels: Pixels, shows: 'picture' | 'card'): void;
  /** Takes ours away, whatever time it has; gives whether there was one. */
  remove(subject: Subject, size: Size): boolean;
}

/** What the specification wants in the file. Its size is left out: it may be put right later, and is optional. */
const textsOf = ({ uri, mtime, content }: Subject): Readonly<Record<string, string>> => ({
  'Thumb::URI': uri,
  'Thumb::MTime': String(mtime),
  Software: software,
  [contentKey]: [content.size, ...(content.crc32 === undefined ? [] : [content.crc32])].join(' '),
});

function contentIn(text: string | undefined): Content {
  const [size = -1, crc32] = (text ?? '-1').split(' ').map(Number);
  return { size, crc32 };
}

/**
 * The address of an absolute path as GLib writes it (`g_filename_to_uri`): the name of a thumbnail is made from these very
 * characters. Measured: it leaves letters, digits and `-._~!$&'()*+,:=@/` as they are.
 */
export function fileUri(path: string): string {
  const escaped = encodeURIComponent(path).replace(/%(?:2F|24|26|2B|2C|3A|3D|40)/g, decodeURIComponent);
  return `file://${escaped}`;
}

/**
 * @param folder `thumbnails` in the user's cache folder; made when something is written
 * @throws `usage` where it is somebody else's: they could not read what is put there
 */
export function openThumbnailStore(folder: string): ThumbnailStore {
  refuseForeign(folder);
  const pathOf = ({ uri }: Subject, size: Size) =>
    join(folder, size, `${createHash('md5').update(uri).digest('hex')}.png`);
  const textsAt = (path: string) => readTexts(headOf(path));
  const made = new Set<Size>();
  return {
    find(subject, size) {
      const texts = textsAt(pathOf(subject, size));
      const isRight =
        texts?.get('Thumb::URI') === subject.uri &&
        Number(texts.get('Thumb::MTime') ?? Number.NaN) === subject.mtime;
      if (!isRight) return 'nothing';
      if (texts.get('Software') !== software) return 'foreign';
      if (!sameContent(contentIn(texts.get(contentKey)), subject.content)) return 'nothing';
      return texts.has(cardKey) ? 'card' : 'picture';
    },
    write(subject, size, pixels, shows) {
      const png = writePng(pixels, { ...textsOf(subject), ...(shows === 'card' && { [cardKey]: '1' }) });
      const path = pathOf(subject, size);
      if (!made.has(size)) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      made.add(size);
      const temporary = `${path}.${randomUUID()}`;
      try {
        // A file manager may look at any moment. What a crash leaves behind is made again.
        writeFileSync(temporary, png, { flag: 'wx', mode: 0o600 });
        renameSync(temporary, path);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
    },
    remove(subject, size) {
      const path = pathOf(subject, size);
      if (textsAt(path)?.get('Software') !== software) return false;
      rmSync(path, { force: true });
      return true;
    },
  };
}

/** The beginning of a file; empty where there is none that can be read. */
function headOf(path: string): Buffer {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return Buffer.alloc(0);
  }
  try {
    const head = Buffer.alloc(textsReach);
    return head.subarray(0, readSync(fd, head, 0, head.length, 0));
  } catch {
    return Buffer.alloc(0);
  } finally {
    closeSync(fd);
  }
}

function refuseForeign(folder: string): void {
  const user = process.geteuid?.();
  for (let at = folder; user !== undefined; at = dirname(at)) {
    try {
      const { uid } = statSync(at);
      if (uid === user) return;
      throw new GphotosfsError('usage', `${at} belongs to another user (${uid})`, {
        hint: 'Run "gphotosfs thumbnails" as whoever looks at the photos, without sudo.',
      });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      if (at === dirname(at)) return;
    }
  }
}
