/** Whole scans of real archives on disk: what becomes of an export, in whatever shape and order it comes. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Location, Problem } from '../../../src/model/words.ts';
import type { ScannedAlbum, ScannedArchive, ScannedItem, Source } from '../../../src/sources/source.ts';
import { createTakeoutSource } from '../../../src/sources/takeout/takeout-source.ts';
import { buildTakeout, photo, type TakeoutEntry, type TakeoutSpec } from '../../helpers/takeout-builder.ts';

let dir: string;
let memos: Map<string, Buffer>;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'takeout-scan-'));
  memos = new Map();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Scanned {
  readonly archives: ScannedArchive[];
  readonly items: ScannedItem[];
  readonly albums: ScannedAlbum[];
  readonly problems: Problem[];
  readonly pages: number;
}

async function scan(
  paths: readonly string[],
  options: { rescan?: boolean; stopAfter?: number } = {},
): Promise<Scanned> {
  const source = createTakeoutSource({ id: 'takeout', account: 'me', paths });
  const all: Scanned = { archives: [], items: [], albums: [], problems: [], pages: 0 };
  const named = new Set<string>();
  let pages = 0;
  try {
    const signal = new AbortController().signal;
    const request = {
      recall: (key: string) => memos.get(key),
      rescan: options.rescan ?? false,
      signal,
      progress: () => {},
    };
    for await (const page of source.scan(request)) {
      for (const { name } of page.archives) named.add(name);
      for (const item of page.items)
        for (const file of item.files)
          for (const { archive } of file.locations) expect(named).toContain(archive);
      all.archives.push(...page.archives);
      all.items.push(...page.items);
      all.albums.push(...page.albums);
      all.problems.push(...page.problems);
      for (const { key, value } of page.memos)
        if (value === undefined) memos.delete(key);
        else memos.set(key, value);
      if (++pages === options.stopAfter) break;
    }
  } finally {
    await source.close();
  }
  return { ...all, pages };
}

/** `title @ year time: role name, …` per item: everything that must not depend on how an export is cut into parts. */
function summary({ items }: Pick<Scanned, 'items'>): string[] {
  return items.map(({ title, yearFolder, takenAt, trashed, provisional, photoId, files }) => {
    const flags = `${trashed ? ' trashed' : ''}${provisional ? ' provisional' : ''}${photoId === undefined ? ' no-id' : ''}`;
    const list = files.map(
      ({ role, name, content, locations }) => `${role} ${name} ${content.size} x${locations.length}`,
    );
    return `${title} @ ${yearFolder} ${takenAt}${flags}: ${list.join(', ')}`;
  });
}

function albumSummary({ items, albums }: Pick<Scanned, 'items' | 'albums'>): string[] {
  const fileAt = new Map(
    items.flatMap((item) =>
      item.files.flatMap((file) => file.locations.map((at) => [`${at.archive} ${at.offset}`, file.name])),
    ),
  );
  return albums.map(({ title, date, members }) => {
    const names = members.map(({ archive, offset }) => fileAt.get(`${archive} ${offset}`) ?? 'NOWHERE');
    return `${title} (${date}): ${names.join(', ')}`;
  });
}

const year = 'Photos from 2021';
const time = 1609502400;

/** A library with one of everything. */
function library(): TakeoutSpec {
  const inAlbum = (entry: TakeoutEntry): TakeoutEntry[] => [entry, { ...entry, folder: 'Italy' }];
  return {
    entries: [
      ...inAlbum({ folder: year, name: 'IMG_1.HEIC', bytes: photo('still', 3000), id: 'live-photo-0001' }),
      ...inAlbum({ folder: year, name: 'IMG_1.MP4', bytes: photo('clip', 5000), sidecar: false }),
      { folder: year, name: 'IMG_2.jpg', bytes: photo('two'), takenAt: time + 2 },
      {
        folder: year,
        name: 'IMG_2(1).jpg',
        bytes: photo('two again'),
        takenAt: time + 3,
        sidecar: { title: 'IMG_2.jpg' },
      },
      ...inAlbum({ folder: year, name: 'IMG_3.jpg', bytes: photo('three'), takenAt: time + 4 }),
      { folder: year, name: 'IMG_3-edited.jpg', bytes: photo('three, better'), sidecar: false },
      { folder: year, name: 'scan without sidecar.png', bytes: photo('scan'), sidecar: false },
      { folder: 'Photos from 1999', name: 'old.jpg', bytes: photo('old'), takenAt: 915148800 },
      { folder: 'Italy', name: 'from a friend.jpg', bytes: photo('friend'), takenAt: time + 5 },
      { folder: 'Trash', name: 'gone.jpg', bytes: photo('gone'), takenAt: time + 6 },
      { folder: 'Archive', name: 'shelf.jpg', bytes: photo('shelf'), takenAt: time + 7 },
      {
        folder: year,
        name: 'hidden.jpg',
        bytes: photo('hidden'),
        takenAt: time + 8,
        sidecar: { trashed: true },
      },
    ],
    albums: [{ folder: 'Italy', json: { title: 'Italy: the summer' } }],
    files: [
      { path: 'Takeout/archive_browser.html', bytes: Buffer.from('<html>') },
      { path: 'Takeout/Contacts/face.jpg', bytes: photo('contact') },
      {
        path: 'Takeout/Google Photos/user-generated-memory-titles.json',
        bytes: Buffer.from('{"title":["a","b"]}'),
      },
    ],
  };
}

const wholeLibrary = [
  'shelf.jpg @ undefined 1609502407: original shelf.jpg 2048 x1',
  'from a friend.jpg @ undefined 1609502405: original from a friend.jpg 2048 x1',
  'old.jpg @ 1999 915148800: original old.jpg 2048 x1',
  'IMG_1.HEIC @ 2021 1609502400: original IMG_1.HEIC 3000 x2, motion IMG_1.MP4 5000 x2',
  'IMG_2.jpg @ 2021 1609502403: original IMG_2(1).jpg 2048 x1',
  'IMG_2.jpg @ 2021 1609502402: original IMG_2.jpg 2048 x1',
  'IMG_3.jpg @ 2021 1609502404: original IMG_3.jpg 2048 x2, edited IMG_3-edited.jpg 2048 x1',
  'hidden.jpg @ 2021 1609502408 trashed: original hidden.jpg 2048 x1',
  'scan without sidecar.png @ 2021 undefined provisional no-id: original scan without sidecar.png 2048 x1',
  'gone.jpg @ undefined 1609502406 trashed: original gone.jpg 2048 x1',
];
const wholeAlbums = ['Italy: the summer (1609502400): IMG_1.HEIC, IMG_1.MP4, IMG_3.jpg, from a friend.jpg'];

describe('one library', () => {
  for (const format of ['zip', 'tgz', 'folder'] as const)
    test(`is the same from ${format}, however it is cut into parts`, async () => {
      const spec = library();
      const entries = spec.entries as TakeoutEntry[];
      const cuts = [
        entries,
        // Photos and sidecars in different parts, the album's JSON in a third.
        entries.map((entry, at) => ({ ...entry, part: (at % 3) + 1, sidecarPart: ((at + 1) % 3) + 1 })),
        entries.map((entry, at) => ({ ...entry, part: 3 - (at % 3), sidecarPart: 1 })),
      ];
      for (const [at, cut] of cuts.entries()) {
        memos.clear();
        const albums = spec.albums?.map((album) => ({ ...album, part: at === 0 ? 1 : 2 })) ?? [];
        const paths = await buildTakeout(join(dir, `${at}`), { ...spec, format, entries: cut, albums });
        const scanned = await scan(paths.reverse());
        expect(summary(scanned)).toEqual(wholeLibrary);
        expect(albumSummary(scanned)).toEqual(wholeAlbums);
        expect(scanned.problems.filter(({ severity }) => severity !== 'notice')).toEqual([]);
        const shelf = scanned.items.find(({ title }) => title === 'shelf.jpg');
        expect(shelf?.description).toEqual({ archived: true });
      }
    });

  test('is the same with parts that came twice, the copy of a browser among them', async () => {
    const [first = '', second = ''] = await buildTakeout(dir, { ...library(), parts: 2 });
    const copy = first.replace('.zip', ' (1).zip');
    writeFileSync(copy, await import('node:fs').then((fs) => fs.readFileSync(first)));
    const scanned = await scan([first, second, copy]);
    expect(summary(scanned).map((line) => line.replace(/ x\d/g, ''))).toEqual(
      wholeLibrary.map((line) => line.replace(/ x\d/g, '')),
    );
    expect(new Set(scanned.archives.map(({ exportId }) => exportId)).size).toBe(1);
  });

  test('streams the very bytes, from each format', async () => {
    for (const format of ['zip', 'tgz', 'folder'] as const) {
      const paths = await buildTakeout(join(dir, format), { ...library(), format, compress: true });
      memos.clear();
      const scanned = await scan(paths);
      const source = createTakeoutSource({ id: 'takeout', account: 'me', paths });
      try {
        const locations = locationsOf(scanned);
        for (const { location, content } of locations) {
          const bytes = await read(source, location);
          expect(bytes.length).toBe(content.size);
          if (content.crc32 !== undefined) expect(crc32(bytes)).toBe(content.crc32);
        }
        const still = locations.find(({ name }) => name === 'IMG_1.HEIC');
        if (still === undefined) throw new Error('no IMG_1.HEIC');
        expect(await read(source, still.location)).toEqual(photo('still', 3000));
        let passed = 0;
        for await (const { location, bytes } of source.openMany?.(
          locations.map(({ location }) => location),
          new AbortController().signal,
        ) ?? []) {
          const wanted = locations.find((one) => one.location.offset === location.offset);
          const got: Buffer[] = [];
          for await (const chunk of bytes) got.push(chunk);
          expect(Buffer.concat(got).length).toBe(wanted?.content.size);
          passed++;
        }
        expect(passed).toBe(locations.length);
      } finally {
        await source.close();
      }
    }
  });
});

describe('later scans', () => {
  for (const format of ['zip', 'tgz', 'folder'] as const)
    test(`yield nothing where nothing changed (${format}), everything on rescan`, async () => {
      const paths = await buildTakeout(dir, { ...library(), format });
      await scan(paths);
      const again = await scan(paths);
      expect(again.pages).toBe(0);
      const rescan = await scan(paths, { rescan: true });
      expect(summary(rescan)).toEqual(wholeLibrary);
    });

  test('give the whole export again when a part came, and only that export', async () => {
    const entries: TakeoutEntry[] = [
      { folder: year, name: 'a.jpg', bytes: photo('a'), part: 1, sidecarPart: 2 },
      { folder: year, name: 'b.jpg', bytes: photo('b'), part: 2 },
    ];
    const [first = '', second = ''] = await buildTakeout(dir, { entries });
    const other = await buildTakeout(dir, {
      exportTime: '20250101T000000Z',
      entries: [{ folder: year, name: 'c.jpg', bytes: photo('c') }],
    });
    expect(summary(await scan([first, ...other]))).toEqual([
      'c.jpg @ 2021 1609502400: original c.jpg 2048 x1',
      'a.jpg @ 2021 undefined provisional no-id: original a.jpg 2048 x1',
    ]);
    const later = await scan([first, second, ...other]);
    expect(summary(later)).toEqual([
      'a.jpg @ 2021 1609502400: original a.jpg 2048 x1',
      'b.jpg @ 2021 1609502400: original b.jpg 2048 x1',
    ]);
    expect(new Set(later.archives.map(({ name }) => name))).toEqual(new Set([first, second]));
  });

  test('take remembered sidecars of a part that is gone, and name neither it nor its photos', async () => {
    const entries: TakeoutEntry[] = [
      { folder: year, name: 'a.jpg', bytes: photo('a'), part: 1, sidecarPart: 2 },
      { folder: year, name: 'b.jpg', bytes: photo('b'), part: 2 },
      { folder: year, name: 'c.jpg', bytes: photo('c'), part: 3 },
    ];
    const [, second = '', third = ''] = await buildTakeout(dir, { entries });
    const parked = join(dir, 'parked');
    mkdirSync(parked);
    renameSync(third, join(parked, basename(third)));
    await scan([dir]);
    rmSync(second);
    renameSync(join(parked, basename(third)), third);
    rmSync(parked, { recursive: true });
    const later = await scan([dir]);
    expect(summary(later)).toEqual([
      'a.jpg @ 2021 1609502400: original a.jpg 2048 x1',
      'c.jpg @ 2021 1609502400: original c.jpg 2048 x1',
    ]);
    expect(later.archives.map(({ name }) => name)).not.toContain(second);
    expect(later.problems).toEqual([]);
  });

  test('find what came into a folder of archives', async () => {
    const entry = (name: string): TakeoutEntry => ({ folder: year, name, bytes: photo(name) });
    await buildTakeout(dir, { exportTime: '20250101T000000Z', entries: [entry('a.jpg')] });
    writeFileSync(join(dir, 'notes.txt'), 'not an archive');
    expect((await scan([dir])).items.map(({ title }) => title)).toEqual(['a.jpg']);
    await buildTakeout(dir, { exportTime: '20250301T000000Z', format: 'tgz', entries: [entry('b.jpg')] });
    await buildTakeout(dir, { exportTime: '20250501T000000Z', format: 'folder', entries: [entry('c.jpg')] });
    expect((await scan([dir])).items.map(({ title }) => title)).toEqual(['b.jpg', 'c.jpg']);
    expect((await scan([dir])).pages).toBe(0);
  });

  test('go on after an interruption with the exports not done', async () => {
    const make = (exportTime: string, name: string) =>
      buildTakeout(dir, { exportTime, entries: [{ folder: year, name, bytes: photo(name) }] });
    const paths = [
      ...(await make('20250301T000000Z', 'b.jpg')),
      ...(await make('20250101T000000Z', 'a.jpg')),
    ];
    // The oldest first: catalog, items, end.
    const cut = await scan(paths, { stopAfter: 3 });
    expect(cut.items.map(({ title }) => title)).toEqual(['a.jpg']);
    expect((await scan(paths)).items.map(({ title }) => title)).toEqual(['b.jpg']);
    expect((await scan(paths)).pages).toBe(0);
  });

  test('read again what a damaged memo no longer tells', async () => {
    const paths = await buildTakeout(dir, library());
    await scan(paths);
    const before = new Map(memos);
    for (const damage of [Buffer.from('rubbish'), Buffer.alloc(0), Buffer.from('{"version":1}')]) {
      for (const key of before.keys()) memos.set(key, damage);
      expect(summary(await scan(paths))).toEqual(wholeLibrary);
    }
  });

  test('of a changed folder notice the change', async () => {
    const [folder = ''] = await buildTakeout(dir, { ...library(), format: 'folder' });
    await scan([folder]);
    writeFileSync(join(folder, 'Takeout/Google Photos', year, 'new.jpg'), photo('new'));
    const later = await scan([folder]);
    expect(later.items.map(({ title }) => title)).toContain('new.jpg');
    expect(later.items).toHaveLength(wholeLibrary.length + 1);
    expect(later.items.find(({ title }) => title === 'IMG_3.jpg')?.takenAt).toBe(time + 4);
  });
});

describe('copies in albums', () => {
  const scanOf = async (entries: TakeoutEntry[], more: Partial<TakeoutSpec> = {}): Promise<Scanned> =>
    scan(await buildTakeout(dir, { entries, albums: [{ folder: 'Trip' }], ...more }));

  test('with other bytes and the same id are further files of the item', async () => {
    const scanned = await scanOf([
      { folder: year, name: 'x.jpg', bytes: photo('x', 1000), id: 'photo-id-0001' },
      { folder: 'Trip', name: 'x.jpg', bytes: photo('x, smaller', 500), id: 'photo-id-0001' },
    ]);
    expect(summary(scanned)).toEqual([
      'x.jpg @ 2021 1609502400: original x.jpg 1000 x1, original x.jpg 500 x1',
    ]);
    expect(albumSummary(scanned)).toEqual(['Trip (1609502400): x.jpg']);
  });

  test('with other bytes and another or no id are items of their own', async () => {
    const other = await scanOf([
      { folder: year, name: 'x.jpg', bytes: photo('x', 1000), id: 'photo-id-0001' },
      { folder: 'Trip', name: 'x.jpg', bytes: photo('y', 500), id: 'photo-id-0002' },
      { folder: year, name: 'z.jpg', bytes: photo('z', 1000) },
      { folder: 'Trip', name: 'z.jpg', bytes: photo('zz', 500), sidecar: { url: undefined } },
    ]);
    expect(summary(other)).toEqual([
      'x.jpg @ 2021 1609502400: original x.jpg 1000 x1',
      'z.jpg @ 2021 1609502400: original z.jpg 1000 x1',
      'x.jpg @ undefined 1609502400: original x.jpg 500 x1',
      'z.jpg @ undefined 1609502400 no-id: original z.jpg 500 x1',
    ]);
  });

  test('find their year copy under another number by the id', async () => {
    const scanned = await scanOf([
      { folder: year, name: 'x.jpg', bytes: photo('same'), id: 'photo-id-0001' },
      {
        folder: year,
        name: 'x(1).jpg',
        bytes: photo('same'),
        id: 'photo-id-0002',
        sidecar: { title: 'x.jpg' },
      },
      { folder: 'Trip', name: 'x.jpg', bytes: photo('same'), id: 'photo-id-0002' },
    ]);
    expect(summary(scanned)).toEqual([
      'x.jpg @ 2021 1609502400: original x(1).jpg 2048 x2',
      'x.jpg @ 2021 1609502400: original x.jpg 2048 x1',
    ]);
  });

  test('that could be of two years are kept apart', async () => {
    const scanned = await scanOf([
      { folder: year, name: 'x.jpg', bytes: photo('same'), sidecar: false },
      { folder: 'Photos from 2020', name: 'x.jpg', bytes: photo('same'), sidecar: false },
      { folder: 'Trip', name: 'x.jpg', bytes: photo('same'), sidecar: false },
    ]);
    expect(scanned.items.map(({ yearFolder, files }) => [yearFolder, files[0]?.locations.length])).toEqual([
      [2020, 1],
      [2021, 1],
      [undefined, 1],
    ]);
  });

  test('give the time that the year copy lacks', async () => {
    const scanned = await scanOf([
      { folder: year, name: 'x.jpg', bytes: photo('x'), sidecar: false },
      { folder: 'Trip', name: 'x.jpg', bytes: photo('x'), takenAt: 1600000000 },
    ]);
    expect(summary(scanned)).toEqual(['x.jpg @ 2021 1600000000: original x.jpg 2048 x2']);
  });

  test('two in one folder never become one', async () => {
    const scanned = await scanOf([
      { folder: year, name: 'x.jpg', bytes: photo('same'), sidecar: false },
      { folder: 'Trip', name: 'x.jpg', bytes: photo('same'), sidecar: false },
      { folder: 'Trip', name: 'x(1).jpg', bytes: photo('same'), sidecar: false },
      { folder: 'Trip', name: 'empty.jpg', bytes: Buffer.alloc(0), sidecar: false },
      { folder: 'Trip', name: 'empty(1).jpg', bytes: Buffer.alloc(0), sidecar: false },
    ]);
    expect(scanned.items).toHaveLength(4);
    expect(albumSummary(scanned)[0]?.split(', ')).toHaveLength(4);
  });

  test('in two albums, of a photo that is in no year, are one item', async () => {
    const shared: TakeoutEntry = {
      folder: 'Trip',
      name: 's.jpg',
      bytes: photo('s'),
      sidecar: { googlePhotosOrigin: { fromSharedAlbum: {} } },
    };
    const scanned = await scanOf([shared, { ...shared, folder: 'Other' }], {
      albums: [{ folder: 'Trip' }, { folder: 'Other' }],
    });
    expect(summary(scanned)).toEqual(['s.jpg @ undefined 1609502400: original s.jpg 2048 x2']);
    expect(albumSummary(scanned)).toEqual(['Other (1609502400): s.jpg', 'Trip (1609502400): s.jpg']);
  });

  test('that are only sidecars name their members by title, and id or time', async () => {
    const paths = await buildTakeout(dir, {
      entries: [
        { folder: year, name: 'x.jpg', bytes: photo('x'), id: 'photo-id-0001' },
        { folder: year, name: 'y.jpg', bytes: photo('y') },
      ],
      albums: [{ folder: 'Trip' }],
      files: ['photo-id-0001', 'photo-id-9999'].map((id, at) => ({
        path: `Takeout/Google Photos/Trip/${at === 0 ? 'x' : 'y'}.jpg.supplemental-metadata.json`,
        bytes: Buffer.from(
          JSON.stringify({
            title: at === 0 ? 'x.jpg' : 'y.jpg',
            photoTakenTime: { timestamp: '1609502400' },
            url: `https://photos.google.com/photo/${id}`,
          }),
        ),
      })),
    });
    expect(albumSummary(await scan(paths))).toEqual(['Trip (1609502400): x.jpg']);
  });

  test('in an unpacked folder are compared by their bytes; nothing else is read', async () => {
    const scanned = await scanOf(
      [
        { folder: year, name: 'x.jpg', bytes: photo('x') },
        { folder: 'Trip', name: 'x.jpg', bytes: photo('x') },
        { folder: year, name: 'y.jpg', bytes: photo('y') },
        { folder: 'Trip', name: 'y.jpg', bytes: photo('other'), sidecar: { url: undefined } },
        { folder: year, name: 'z.jpg', bytes: photo('z', 700) },
        { folder: 'Trip', name: 'z.jpg', bytes: photo('z', 600), sidecar: false },
      ],
      { format: 'folder' },
    );
    const sums = scanned.items.flatMap(({ files }) =>
      files.map(({ name, content, locations }) => [name, content.crc32, locations.length]),
    );
    expect(sums).toEqual([
      ['x.jpg', crc32(photo('x')), 2],
      ['y.jpg', crc32(photo('y')), 1],
      ['z.jpg', undefined, 1],
      ['y.jpg', crc32(photo('other')), 1],
      ['z.jpg', undefined, 1],
    ]);
  });
});

test('an id that several items bear identifies none of them', async () => {
  const paths = await buildTakeout(dir, {
    entries: ['a.jpg', 'b.jpg'].map((name) => ({
      folder: year,
      name,
      bytes: photo(name),
      id: 'REDACTED-ID-1',
    })),
  });
  expect((await scan(paths)).items.map(({ photoId }) => photoId)).toEqual([undefined, undefined]);
});

describe('folders', () => {
  const album = (folder: string): TakeoutEntry => ({ folder, name: `${folder}.jpg`, bytes: photo(folder) });

  test('localised are told by what they hold', async () => {
    const paths = await buildTakeout(dir, {
      photosFolder: 'Google\u00a0Fotos',
      entries: ['Fotos von 2020', 'Fotos von 2021', 'Italien 2019', 'Papierkorb', '2018'].map(album),
      albums: [
        { folder: 'Italien 2019', jsonName: 'Metadaten.json' },
        {
          folder: '2018',
          jsonName: 'metadata(1).json',
          json: { albumData: { title: '2018' }, title: undefined, date: undefined, access: undefined },
        },
      ],
      files: [{ path: 'Takeout/Kontakte/x.jpg', bytes: photo('contact') }],
    });
    const scanned = await scan(paths);
    expect(scanned.items.map(({ title, yearFolder, trashed }) => [title, yearFolder, trashed])).toEqual([
      ['2018.jpg', undefined, false],
      ['Fotos von 2020.jpg', 2020, false],
      ['Fotos von 2021.jpg', 2021, false],
      ['Italien 2019.jpg', undefined, false],
      ['Papierkorb.jpg', undefined, true],
    ]);
    expect(scanned.albums.map(({ title }) => title)).toEqual(['2018', 'Italien 2019']);
  });

  test('of an unknown language are found by the sidecars beside the photos', async () => {
    const paths = await buildTakeout(dir, {
      photosFolder: 'Kuvia palvelusta X',
      entries: ['2020年の写真', '2021年の写真', 'Matka 2019'].map(album),
      files: [
        { path: 'Takeout/Chat/photo.jpg', bytes: photo('chat') },
        { path: 'Takeout/Chat/messages.json', bytes: Buffer.from('{"messages":[]}') },
      ],
    });
    const scanned = await scan(paths);
    expect(scanned.items.map(({ title, yearFolder }) => [title, yearFolder])).toEqual([
      ['2020年の写真.jpg', 2020],
      ['2021年の写真.jpg', 2021],
      ['Matka 2019.jpg', undefined],
    ]);
  });

  test('in Drive that are called like the Photos folder are not walked', async () => {
    const paths = await buildTakeout(dir, {
      parts: 2,
      entries: [{ ...album(year), part: 1 }],
      files: [{ path: `Takeout/Drive/Google Photos/${year}/mine.jpg`, bytes: photo('drive'), part: 2 }],
    });
    expect((await scan(paths)).items.map(({ title }) => title)).toEqual([`${year}.jpg`]);
  });

  test('called like a year but with an album JSON are albums, and place what nothing else places', async () => {
    const paths = await buildTakeout(dir, {
      entries: ['Photos from 2020', 'Photos from 2021', 'Photos from 2019'].map(album),
      albums: [{ folder: 'Photos from 2019' }],
    });
    const scanned = await scan(paths);
    expect(scanned.items.map(({ yearFolder }) => yearFolder)).toEqual([2019, 2020, 2021]);
    expect(scanned.albums.map(({ title }) => title)).toEqual(['Photos from 2019']);
  });

  test('without a title show the folder name; one JSON more does not make another album', async () => {
    const json = (title: string, stamp: number) =>
      Buffer.from(JSON.stringify({ title, date: { timestamp: String(stamp) } }));
    const paths = await buildTakeout(dir, {
      entries: [album('Untitled'), album('Untitled(1)')],
      files: [
        { path: 'Takeout/Google Photos/Untitled/metadata.json', bytes: json('', 5) },
        { path: 'Takeout/Google Photos/Untitled/metadata(1).json', bytes: json('', 3) },
        { path: 'Takeout/Google Photos/Untitled(1)/metadata.json', bytes: Buffer.from('{"title":""}') },
      ],
    });
    expect(albumSummary(await scan(paths))).toEqual([
      'Untitled (3): Untitled.jpg',
      'Untitled(1) (undefined): Untitled(1).jpg',
    ]);
  });

  test('named as the owner likes: the Photos folder itself, its parent, or a part unpacked', async () => {
    const [part = ''] = await buildTakeout(dir, { ...library(), format: 'folder' });
    const ids = new Set<string>();
    for (const path of [part, join(part, 'Takeout'), join(part, 'Takeout/Google Photos'), dir]) {
      memos.clear();
      const scanned = await scan([path]);
      expect(summary(scanned)).toEqual(wholeLibrary);
      for (const { exportId } of scanned.archives) ids.add(exportId);
    }
    expect([...ids]).toEqual(['takeout-20260101T120000Z-3']);
  });
});

describe('problems', () => {
  const one = (name: string, part: number): TakeoutEntry => ({
    folder: year,
    name,
    bytes: photo(name),
    part,
  });
  const texts = ({ problems }: Scanned): string[] =>
    problems.map(({ where, what }) => `${basename(where)}: ${what}`);

  test('a part missing from a set is named, at each scan', async () => {
    const [first = '', , third = ''] = await buildTakeout(dir, {
      entries: [one('a.jpg', 1), one('b.jpg', 2), one('c.jpg', 3)],
    });
    for (let count = 0; count < 2; count++)
      expect(texts(await scan([first, third]))).toEqual([
        'takeout-20260101T120000Z-3: part 2 of this export is missing',
      ]);
  });

  test('an archive that cannot be read is named, and the others are listed', async () => {
    const [first = '', second = ''] = await buildTakeout(dir, {
      entries: [one('a.jpg', 1), one('b.jpg', 2)],
    });
    truncateSync(second, 500);
    const scanned = await scan([first, second]);
    expect(scanned.items.map(({ title }) => title)).toEqual(['a.jpg']);
    expect(scanned.problems.map(({ where }) => where)).toEqual([second]);
    const again = await scan([first, second]);
    expect(again.items).toEqual([]);
    expect(again.problems).toEqual(scanned.problems);
  });

  test('a path that is gone is named, and nothing is listed or forgotten', async () => {
    const paths = await buildTakeout(dir, library());
    await scan(paths);
    const [path = ''] = paths;
    renameSync(path, `${path}.away`);
    const gone = await scan(paths);
    expect(gone.problems.map(({ where, what }) => [where, what])).toEqual([
      [path, 'is not there (any more)'],
    ]);
    expect(gone.items).toEqual([]);
    renameSync(`${path}.away`, path);
    expect((await scan(paths)).pages).toBe(0);
  });

  test('sidecars that are none leave their photo listed without a date', async () => {
    const broken = {
      'nojson.jpg': '<html>',
      'list.jpg': '[1,2]',
      'types.jpg':
        '{"title":7,"photoTakenTime":{"timestamp":{"a":1}},"people":"x","geoData":[],"trashed":"no"}',
      'huge.jpg': '{"title":"huge.jpg","photoTakenTime":{"timestamp":"99999999999999999"}}',
      'cut.jpg': '{"title":"cut.jpg","photoTak',
    };
    const paths = await buildTakeout(dir, {
      entries: Object.entries(broken).map(([name, sidecar]) => ({
        folder: year,
        name,
        bytes: photo(name),
        sidecar,
      })),
    });
    const scanned = await scan(paths);
    expect(
      scanned.items.map(({ files, yearFolder, takenAt }) => [files[0]?.name, yearFolder, takenAt]),
    ).toEqual(
      Object.keys(broken)
        .sort()
        .map((name) => [name, 2021, undefined]),
    );
    expect(scanned.problems).toHaveLength(5);
    // A year folder stays one, whatever a damaged sidecar looks like.
    expect(scanned.albums).toEqual([]);
  });

  test('a tgz is told to be slow, once', async () => {
    const paths = await buildTakeout(dir, { ...library(), format: 'tgz' });
    expect((await scan(paths)).problems.map(({ severity }) => severity)).toEqual(['notice']);
    appendFileSync(join(dir, 'unrelated'), 'x');
    expect((await scan(paths)).problems).toEqual([]);
  });

  test('an export without photos says so; an unrelated zip in the folder says nothing', async () => {
    const [path = ''] = await buildTakeout(dir, {
      entries: [],
      files: [{ path: 'Takeout/Drive/x.txt', bytes: Buffer.from('x') }],
    });
    expect(texts(await scan([path]))).toEqual([
      `${basename(path)}: no Google Photos folder was found in this export`,
    ]);
    renameSync(path, join(dir, 'homework.zip'));
    memos.clear();
    expect(texts(await scan([dir]))).toEqual([]);
  });

  test('files of unknown kinds are counted; with a sidecar they are listed', async () => {
    const paths = await buildTakeout(dir, {
      entries: [
        { folder: year, name: 'new.format', bytes: photo('n') },
        { folder: year, name: 'other.format', bytes: photo('o'), sidecar: false },
      ],
    });
    const scanned = await scan(paths);
    expect(scanned.items.map(({ title }) => title)).toEqual(['new.format']);
    expect(scanned.problems).toHaveLength(1);
    expect(scanned.problems[0]?.what).toContain('1 files are of no known kind');
  });
});

test('an aborted scan ends with what it is', async () => {
  const paths = await buildTakeout(dir, library());
  const source = createTakeoutSource({ id: 'takeout', account: 'me', paths });
  const abort = new AbortController();
  abort.abort();
  const pages = source.scan({
    recall: () => undefined,
    rescan: false,
    signal: abort.signal,
    progress: () => {},
  });
  await expect(async () => {
    for await (const _ of pages);
  }).rejects.toMatchObject({ kind: 'interrupted' });
});

interface Wanted {
  readonly name: string;
  readonly content: { readonly size: number; readonly crc32: number | undefined };
  readonly location: Location;
}

/** The first location of every file. */
function locationsOf({ items, archives }: Scanned): Wanted[] {
  return items.flatMap(({ files }) =>
    files.map(({ name, content, locations: [first] }) => {
      if (first === undefined) throw new Error(`${name} has no location`);
      const fingerprint = archives.find((archive) => archive.name === first.archive)?.fingerprint ?? '';
      return { name, content, location: { ...first, ...content, source: 'takeout', fingerprint } };
    }),
  );
}

async function read(source: Source, location: Location): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source.open(location)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
