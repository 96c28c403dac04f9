/**
 * The library that the mount tests look at: a real Takeout with everything that was ever awkward in a mount, synced
 * into a home of its own, and what of it a mount has to show.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { locationsOf } from '../../../src/index/locations.ts';
import { closeIndex, type Index, openIndex } from '../../../src/index/open.ts';
import type { Layout } from '../../../src/index/settings.ts';
import { dropSource } from '../../../src/index/sources.ts';
import { type Attributes, listEntries, readTarget } from '../../../src/index/tree.ts';
import { noAccounts, openSources, type SourceEntry } from '../../../src/sources/all.ts';
import { sync } from '../../../src/sync/sync.ts';
import { recordCached, rootIno } from '../../helpers/mount-tree.ts';
import { buildTakeout, photo, type TakeoutEntry } from '../../helpers/takeout-builder.ts';
import { openZip } from '../../helpers/zip-builder.ts';
import type { Hands } from './hands.ts';

/** Anything that a mount shows, by its path from the mount point. */
export interface Node extends Attributes {
  readonly path: string;
  readonly name: string;
  /** A file's bytes, where they are known and right. */
  readonly bytes: Buffer | undefined;
  readonly target: string | undefined;
}

export interface Library {
  readonly folder: string;
  readonly home: string;
  readonly cachePath: string;
  readonly mountPoint: string;
  readonly layout: Layout;
  readonly sources: readonly SourceEntry[];
  readonly index: Index;
  /** Everything below the root, depth first. */
  nodes(): Node[];
  /** The node at a path. */
  node(path: string): Node;
  /** The place in its archive that a server is told to be slow at. */
  placeOf(path: string): string;
  /** Adds photos in a part of its own and syncs, as another process would. */
  addLater(names: readonly string[]): Promise<void>;
  remove(): void;
}

/** 1960-06-15T12:00:00Z. */
export const before1970 = -301_233_600;
export const bigSize = 4_500_000_000;
/** What stands at some places of the file over 4 GiB; zeros everywhere else. */
export const bigMarks: ReadonlyMap<number, string> = new Map([
  [0, 'at the start'],
  [2 ** 32 - 6, 'across the 4 GiB line'],
  [bigSize - 10, 'at the end'],
]);

/** Names that must come through byte for byte. The third is at the longest that names have: 240 bytes. */
export const awkwardNames: readonly string[] = [
  'Zoë na\u0308ive'.normalize('NFC').concat('.jpg'),
  '家族旅行 🏖️ 👨‍👩‍👧‍👦.jpg',
  `${'é'.repeat(118)}.jpg`,
  'صورة العائلة.jpg',
  '-rf.jpg',
  '  two  spaces.jpg',
  "\u{1F1E9}\u{1F1EA} \"$(touch x)` 'quotes' \\ 100% #1 & more; [a]{b}.jpg".replace(/["\\]/g, ''),
  'ﬁ ligature Å Ω.jpg'.normalize('NFC'),
];

/** Files that are slow to come, when a server is told so. */
export const slowNames = Array.from({ length: 44 }, (_, at) => `slow-${String(at).padStart(2, '0')}.jpg`);

const photoBytes = (name: string): Buffer => photo(name, sizes[name] ?? 10_000 + (name.length % 7) * 4096);
const sizes: Readonly<Record<string, number>> = {
  'big.jpg': 3_000_001,
  'first-bytes.mp4': 2_000_000,
  'killed.mp4': 2_000_000,
  // So long that a reader has its first bytes well before the end is found to be wrong.
  'bad-crc.jpg': 12_000_000,
  'two-places.jpg': 12_000_000,
  'one-byte.jpg': 1,
  'empty.jpg': 0,
  'page.jpg': 4096,
};

const entryOf = (folder: string, name: string, more: Partial<TakeoutEntry> = {}): TakeoutEntry => ({
  folder,
  name,
  bytes: photoBytes(name),
  ...more,
});

/** Builds the Takeout, syncs it, and gives all of it to the user that shall mount it. */
export async function createLibrary(hands: Hands, layout: Layout): Promise<Library> {
  const folder = mkdtempSync(join(tmpdir(), 'gphotosfs-semantics-'));
  chmodSync(folder, 0o755);
  const [home, cachePath, mountPoint] = ['home', 'cache', 'mnt with space'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  for (const directory of [home, cachePath, mountPoint]) mkdirSync(directory);
  const folder21 = 'Photos from 2021';
  const [part = ''] = await buildTakeout(join(folder, 'takeout'), {
    albums: [{ folder: 'Sommer in Köln' }],
    entries: [
      entryOf(folder21, 'big.jpg', {
        takenAt: 1_625_000_000,
        sidecar: { description: 'Grüße\naus Köln', people: [{ name: 'Zoë' }] },
      }),
      ...Object.keys(sizes)
        .filter((name) => !['big.jpg', 'bad-crc.jpg', 'two-places.jpg'].includes(name))
        .map((name) => entryOf(folder21, name, { takenAt: 1_625_000_000 + name.length })),
      ...awkwardNames.map((name) => entryOf('Photos from 2020', name, { takenAt: 1_590_000_000 })),
      ...slowNames.map((name) => entryOf('Photos from 2019', name, { takenAt: 1_560_000_000 })),
      entryOf('Photos from 1960', 'grandma.jpg', { takenAt: before1970 }),
      entryOf('Sommer in Köln', 'big.jpg', { takenAt: 1_625_000_000 }),
      entryOf('Sommer in Köln', awkwardNames[1] ?? '', { takenAt: 1_590_000_000 }),
      { folder: 'Photos from 2022', name: 'huge.mp4', bytes: { zeros: bigSize }, takenAt: 1_650_000_000 },
      {
        folder: 'Photos from 2022',
        name: 'far.mp4',
        bytes: { zeros: bigSize + 512 },
        takenAt: 1_650_000_000,
      },
    ],
  });
  const broken = writeBroken(join(folder, 'takeout', 'takeout-20260101T120000Z-3-002.zip'));
  const [lost = ''] = await buildTakeout(join(folder, 'lost'), {
    exportTime: '20250101T120000Z',
    entries: [entryOf('Photos from 2018', 'lost.jpg', { takenAt: 1_530_000_000 })],
  });
  const sources: SourceEntry[] = [
    { id: 'takeout', kind: 'takeout', account: 'test', paths: [part, broken] },
    { id: 'lost', kind: 'takeout', account: 'test', paths: [lost] },
  ];
  const index = openIndex(join(home, 'index.db'));
  const library = { folder, home, cachePath, mountPoint, layout, sources, index };
  await syncLibrary(library, sources);
  dropSource(index, 'lost');

  const nodes = () => [...walk(index, rootIno, '')];
  const node = (path: string): Node => {
    const found = nodes().find((one) => one.path === path);
    if (found === undefined) throw new Error(`no ${path} among ${nodes().map((one) => one.path)}`);
    return found;
  };
  const big = writeBig(join(cachePath, 'years/2022/huge.mp4'));
  // The index's files that SQLite makes while root has it open, too.
  execFileSync('chown', ['-R', `${hands.uid}:${hands.gid}`, folder]);
  // Last, as a change of owner would put the file in doubt.
  recordCached(index, node('years/2022/huge.mp4').ino, big);
  let later = 0;
  return {
    ...library,
    nodes,
    node,
    placeOf(path) {
      const [location] = locationsOf(index, node(path).ino);
      return `${location?.archive}:${location?.offset}`;
    },
    async addLater(names) {
      later += 1;
      const paths = await buildTakeout(join(folder, `later-${later}`), {
        exportTime: `2026020${later}T120000Z`,
        entries: names.map((name) => entryOf('Photos from 2021', name, { takenAt: 1_626_000_000 })),
      });
      await syncLibrary(library, [
        { id: 'takeout', kind: 'takeout', account: 'test', paths: [part, broken, ...paths] },
      ]);
    },
    remove() {
      closeIndex(index);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function syncLibrary(
  library: Pick<Library, 'index' | 'cachePath' | 'home' | 'layout'>,
  entries: readonly SourceEntry[],
): Promise<void> {
  const sources = await openSources(entries, noAccounts);
  const { index, cachePath, home, layout } = library;
  const signal = new AbortController().signal;
  const report = await sync({
    index,
    cachePath,
    home,
    layout,
    sources,
    rescan: false,
    signal,
    progress: () => {},
  });
  for (const source of sources) await source.close();
  const failed = report.sources.find(({ error }) => error !== undefined);
  if (failed !== undefined) throw failed.error;
}

/**
 * A part with two photos that don't have the bytes that their CRC-32 promises. One has the right bytes in a second
 * place, its album.
 */
function writeBroken(path: string): string {
  const bytes = photoBytes('bad-crc.jpg');
  const right = photoBytes('two-places.jpg');
  const wrong = Buffer.from(right);
  wrong.write('wrong', 30_000);
  const zip = openZip(path);
  zip.add({
    name: 'Takeout/Google Photos/Photos from 2017/two-places.jpg',
    bytes: right,
    lie: { data: wrong },
  });
  zip.add({ name: 'Takeout/Google Photos/Sommer in Köln/two-places.jpg', bytes: right });
  zip.add({
    name: 'Takeout/Google Photos/Photos from 2017/bad-crc.jpg',
    bytes,
    lie: { crc32: (crc32(bytes) ^ 1) >>> 0 },
  });
  zip.finish();
  return path;
}

/** A sparse file for the cache, with marks where 32-bit arithmetic would go wrong. */
function writeBig(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'w');
  ftruncateSync(fd, bigSize);
  for (const [at, mark] of bigMarks)
    writeSync(fd, Buffer.from(mark).subarray(0, bigSize - at), 0, undefined, at);
  closeSync(fd);
  return path;
}

function* walk(index: Index, parent: number, above: string): Generator<Node> {
  for (const { name, attributes } of listEntries(index, parent, 0, 1_000_000)) {
    const path = above === '' ? name : `${above}/${name}`;
    const known = attributes.kind === 'file' && attributes.size < 1 << 30 && name !== 'bad-crc.jpg';
    yield {
      ...attributes,
      path,
      name,
      bytes: known ? photoBytes(name) : undefined,
      target: attributes.kind === 'symlink' ? readTarget(index, attributes.ino) : undefined,
    };
    if (attributes.kind === 'directory') yield* walk(index, attributes.ino, path);
  }
}
