/** Libraries for the promises: a Takeout on disk, what each of its files must hold, and what is really there. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { closeIndex, type Index, openIndex, statement } from '../../src/index/open.ts';
import { getInode, pathOf } from '../../src/index/tree.ts';
import { buildTakeout, photo, type TakeoutEntry } from '../helpers/takeout-builder.ts';

export interface LibrarySpec {
  readonly photos: number;
  /** Bytes of a photo; photos differ a little in size. */
  readonly size: number;
  readonly parts?: number;
  readonly exportTime?: string;
  /** Each with every so-manieth photo. */
  readonly albums?: readonly { readonly folder: string; readonly every: number }[];
  /** Further files, in the year 2024. */
  readonly videos?: readonly { readonly name: string; readonly size: number }[];
  /** Number of the first photo: libraries with other numbers share no photo. */
  readonly first?: number;
}

export interface Library {
  /** The archives, in order. */
  readonly archives: readonly string[];
  /** SHA-256 by path in the tree, such as `years/2021/IMG_0001.jpg`. */
  readonly files: ReadonlyMap<string, string>;
  readonly bytes: number;
}

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Writes the archives of a library over four years into `folder`. */
export async function buildLibrary(folder: string, spec: LibrarySpec): Promise<Library> {
  const { photos, size, parts = 3, albums = [], videos = [], first = 0 } = spec;
  const files = new Map<string, string>();
  let bytes = 0;
  function* entries(): Generator<TakeoutEntry> {
    for (let number = first; number < first + photos; number++) {
      const year = 2020 + (number % 4);
      const name = `IMG_${String(number).padStart(5, '0')}.jpg`;
      const content = photo(`photo ${number}`, size + (number % 97));
      files.set(`years/${year}/${name}`, hashOf(content));
      bytes += content.length;
      const takenAt = Date.UTC(year, number % 12, 1 + (number % 28), 12, 0, number % 60) / 1000;
      const entry = { name, bytes: content, takenAt };
      yield { ...entry, folder: `Photos from ${year}` };
      for (const { folder, every } of albums) if (number % every === 0) yield { ...entry, folder };
    }
    for (const { name, size } of videos) {
      const content = photo(name, size);
      files.set(`years/2024/${name}`, hashOf(content));
      bytes += size;
      yield { folder: 'Photos from 2024', name, bytes: content, takenAt: Date.UTC(2024, 5) / 1000 };
    }
  }
  const archives = await buildTakeout(folder, {
    parts,
    entries: entries(),
    albums: albums.map(({ folder }) => ({ folder })),
    ...(spec.exportTime === undefined ? {} : { exportTime: spec.exportTime }),
  });
  return { archives, files, bytes };
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** All that is in a tree but directories: SHA-256 of files, `-> target` of symlinks, by path, in order. */
export async function contentsOf(root: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  for (const name of names) {
    if (name === '.gphotosfs' || name.startsWith('.gphotosfs/')) continue;
    const path = join(root, name);
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) found.set(name, `-> ${readlinkSync(path)}`);
    else if (stats.isFile()) found.set(name, await sha256(path));
  }
  return found;
}

/** Only the files, without the links of albums. */
export function filesIn(contents: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...contents].filter(([path]) => path.startsWith('years/')));
}

/** Work with a home's index, opened for reading. */
export function withIndex<T>(home: string, work: (index: Index) => T): T {
  const index = openIndex(join(home, 'index.db'), { readonly: true });
  try {
    return work(index);
  } finally {
    closeIndex(index);
  }
}

export interface ListedFile {
  readonly ino: number;
  readonly path: string;
  readonly size: number;
  readonly ctime: number;
  /** Hexadecimal; of a file that the index holds to be in the cache. */
  readonly cached: string | undefined;
}

/** Every file of a home's index. */
export function listFiles(home: string): ListedFile[] {
  return withIndex(home, (index) => {
    // hex(NULL) is an empty string.
    const rows = statement(
      index,
      'SELECT f.ino, lower(hex(c.sha256)) AS cached FROM file f LEFT JOIN cached c ON c.ino = f.ino ORDER BY f.ino',
    ).all() as { ino: number; cached: string }[];
    return rows.map(({ ino, cached }) => ({
      ino,
      path: pathOf(index, ino)?.join('/') ?? '',
      size: getInode(index, ino)?.size ?? Number.NaN,
      ctime: getInode(index, ino)?.ctime ?? Number.NaN,
      cached: cached === '' ? undefined : cached,
    }));
  });
}

/** What is wrong with what the index holds to be cached: missing, short or other bytes than the archives'. */
export async function wrongInCache(
  { home, cache }: { readonly home: string; readonly cache: string },
  library: Pick<Library, 'files'>,
  looksAt: (path: string) => boolean = () => true,
): Promise<{ checked: number; wrong: string[] }> {
  const wrong: string[] = [];
  let checked = 0;
  for (const { path, cached } of listFiles(home)) {
    if (cached === undefined || !looksAt(path)) continue;
    checked += 1;
    const expected = library.files.get(path);
    const found = await sha256(join(cache, path)).catch((error: unknown) => String(error));
    if (found !== expected || cached !== expected) wrong.push(`${path}: ${found}`);
  }
  return { checked, wrong };
}

/** Names of the partial files of a cache. */
export function partialsOf(cache: string): string[] {
  const folder = join(cache, '.gphotosfs/partial');
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** The records of a cache's journal. */
export function journalOf(cache: string): { readonly type: string; readonly ino: number }[] {
  return readFileSync(join(cache, '.gphotosfs/journal'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** Inode, mode, links, size, blocks, times and name of all that is in a tree, directories too. */
export async function attributesOf(root: string): Promise<ReadonlyMap<string, string>> {
  const format = '%P\\t%i %y %m %n %s %b %T@ %C@ %l\\n';
  const { stdout } = await promisify(execFile)('find', [root, '-printf', format], { maxBuffer: 1 << 28 });
  const lines = stdout.trimEnd().split('\n');
  return new Map(lines.map((line) => line.split('\t') as [string, string]));
}

/** Python: lists folders in turns for so many seconds; prints how often, and the 99th percentile of each, ms. */
export const listInTurns = `
import json, os, sys, time
def listed(folder):
    began = time.perf_counter()
    for entry in os.scandir(folder): os.lstat(entry.path)
    return (time.perf_counter() - began) * 1000
folders, until, took = sys.argv[2:], time.monotonic() + float(sys.argv[1]), {}
while time.monotonic() < until:
    for folder in folders: took.setdefault(folder, []).append(listed(folder))
    time.sleep(0.02)
print(json.dumps([[len(t), sorted(t)[int(len(t) * 0.99)]] for t in (took[folder] for folder in folders)]))
`;
