/** JSONs of a Takeout: what is taken from them, and what strange ones leave. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Catalog } from '../../../../src/sources/takeout/catalog.ts';
import { openPacked, packCatalog, unpackCatalog } from '../../../../src/sources/takeout/packed-catalog.ts';
import { type ReadJson, readJson } from '../../../../src/sources/takeout/pairing/sidecar.ts';

const read = (value: unknown, name = 'IMG_1.jpg.json'): ReadJson =>
  readJson(name, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
const at = (timestamp: unknown) => ({ photoTakenTime: { timestamp } });

describe('a sidecar', () => {
  test('is read whole', () => {
    expect(
      read({
        title: 'IMG_1.jpg',
        description: 'On the beach',
        ...at('-86400'),
        geoData: { latitude: 0, longitude: 0 },
        geoDataExif: { latitude: 45.5, longitude: -7.25 },
        people: [{ name: 'Ada' }, {}, null, { name: 7 }, { name: 'Bob' }],
        url: 'https://photos.google.com/u/1/photo/AF1QipABCDEFGH?x=1',
        favorited: true,
        archived: true,
        trashed: true,
      }),
    ).toEqual({
      facts: {
        kind: 'sidecar',
        title: 'IMG_1.jpg',
        takenAt: -86400,
        photoId: 'AF1QipABCDEFGH',
        trashed: true,
        description: {
          description: 'On the beach',
          people: ['Ada', 'Bob'],
          place: [45.5, -7.25],
          favorited: true,
          archived: true,
        },
      },
      flaw: undefined,
    });
  });

  test('keeps the rest when a field is of the wrong type', () => {
    const { facts } = read({
      ...at(1609502400),
      title: ['x'],
      description: 7,
      people: 'x',
      geoData: { latitude: 'north', longitude: 1 },
      url: {},
      favorited: 'yes',
      trashed: 1,
    });
    expect(facts).toEqual({
      kind: 'sidecar',
      title: undefined,
      takenAt: 1609502400,
      photoId: undefined,
      trashed: false,
      description: {},
    });
  });

  test('has a time between 1800 and 2200, or none and a flaw', () => {
    const timeOf = (timestamp: unknown) => {
      const { facts, flaw } = read({ title: 'a', imageViews: '1', ...at(timestamp) });
      return [facts.kind === 'sidecar' ? facts.takenAt : facts.kind, flaw !== undefined];
    };
    expect(['0', '-5364662400', '7258118400', 1.9, ' 12 '].map(timeOf)).toEqual([
      [0, false],
      [-5364662400, false],
      [7258118400, false],
      [1, false],
      [12, false],
    ]);
    for (const bad of ['99999999999999999999', '-99999999999', 'soon', '1e9', '0x10', true, {}, [], '', null])
      expect(timeOf(bad)).toEqual([undefined, true]);
  });

  test('is not taken for an album when its time is damaged', () => {
    expect(read({ title: 'IMG_1.jpg' }).facts.kind).toBe('sidecar');
    expect(read({ title: 'IMG_1.jpg', creationTime: { timestamp: '1' } }, 'cut-name.json').facts.kind).toBe(
      'sidecar',
    );
  });
});

describe('an album', () => {
  test('is told by its content, old and new', () => {
    const full = {
      title: 'Trip',
      description: '',
      access: 'protected',
      date: { timestamp: '5', formatted: 'x' },
    };
    expect(read(full, 'métadonnées.json').facts).toEqual({ kind: 'album', title: 'Trip', date: 5 });
    expect(read({ albumData: full }, 'metadata.json').facts).toEqual({
      kind: 'album',
      title: 'Trip',
      date: 5,
    });
    expect(read({ title: '' }, 'metadata(1).json').facts).toEqual({
      kind: 'album',
      title: '',
      date: undefined,
    });
    expect(read({ title: 'Old', photoTakenTime: { timestamp: '' } }, 'metadata.json').facts.kind).toBe(
      'album',
    );
  });
});

test('all else is neither, and never an error', () => {
  for (const other of [
    { title: ['a', 'b'] },
    { externalOrderId: '1', category: 'x' },
    [],
    7,
    null,
    'x',
    {},
    { albumData: [] },
  ])
    expect(read(JSON.stringify(other), 'other.json').facts.kind).toBe('other');
  expect(read('\ufeff{"title":"T"}', 'metadata.json').facts.kind).toBe('album');
  expect(read('{"title":', 'metadata.json')).toEqual({ facts: { kind: 'other' }, flaw: 'is not JSON' });
  fc.assert(fc.property(fc.json(), fc.string(), (json, name) => void read(json, name)));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void readJson('a.jpg.json', Buffer.from(bytes))));
});

describe('a catalog', () => {
  const facts = read({
    title: 'é\u0000😀',
    ...at('1'),
    description: 'd',
    geoData: { latitude: 1, longitude: 2 },
  }).facts;
  const catalog: Catalog = {
    archive: '/a.zip',
    fingerprint: '1:2',
    modified: { time: 5, count: 2 },
    files: [
      {
        folder: 'T/Y',
        name: 'a.jpg',
        size: 2 ** 33,
        crc32: 2 ** 32 - 1,
        offset: 2 ** 34,
        address: 'x',
        seekable: true,
      },
      { folder: '', name: 'b', size: 0, crc32: undefined, offset: 0, address: '', seekable: false },
    ],
    jsons: [
      {
        folder: 'T/Y',
        name: 'a.jpg.json',
        facts: facts.kind === 'other' ? { kind: 'album', title: '', date: 1 } : facts,
        address: undefined,
      },
      {
        folder: 'T/A',
        name: 'metadata.json',
        facts: { kind: 'album', title: 'A', date: undefined },
        address: 'y',
      },
    ],
    unread: [
      { path: 'Z/c.json', size: 1, crc32: 2, offset: 3, address: '', seekable: true, modified: undefined },
    ],
    others: 3,
    problems: [{ where: '/a.zip', what: 'w', remedy: 'r' }],
  };

  test('may have more folders than a call takes arguments', () => {
    const unread = Array.from({ length: 130_000 }, (_, at) => ({
      path: `Z/${at}/c.json`,
      size: 1,
      crc32: 2,
      offset: at,
      address: '',
      seekable: true,
      modified: undefined,
    }));
    const opened = openPacked(packCatalog({ ...catalog, unread }).value);
    expect(opened && unpackCatalog(opened).unread.length).toBe(130_000);
  });

  test('comes out of its memo as it went in', () => {
    const opened = openPacked(packCatalog(catalog).value);
    expect(opened && unpackCatalog(opened)).toEqual(catalog);
  });

  test('that is damaged anywhere is read again', () => {
    const memo = packCatalog(catalog).value;
    expect(openPacked(undefined)).toBeUndefined();
    for (let at = 0; at < memo.length; at++) {
      const damaged = Buffer.from(memo);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(openPacked(damaged)).toBeUndefined();
    }
    for (let length = 0; length < memo.length; length++)
      expect(openPacked(memo.subarray(0, length))).toBeUndefined();
  });
});
