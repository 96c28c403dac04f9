/**
 * The table of real and reported pairs of sidecar and media names. Each row is a folder of its own with just these
 * two files. A `match` must pair by name; four invented names that break the 46-unit rule may be missed.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { splitName, splitNumber } from '../../../../src/sources/takeout/pairing/file-name.ts';
import type { Match, MediaName, SidecarName } from '../../../../src/sources/takeout/pairing/match-desk.ts';
import { matchFolder } from '../../../../src/sources/takeout/pairing/matching.ts';
import { beforeEdited } from '../../../../src/sources/takeout/pairing/media.ts';

interface Row {
  readonly sidecar: string;
  readonly media: string;
  readonly expected: string;
  readonly title: string;
}

const rows = parseCsv(readFileSync(new URL('sidecar-cases.csv', import.meta.url), 'utf8'));

/** Names of up to 53 units before `.json`, which Google does not make. */
const missed = [
  '123456789123456789123456789123456789_DSCN0091.JP.supplemental-meta.json',
  '123456789123456789123456789123456789_DSCN0091.JP.supplemental-meta(1).json',
  '123456789123456789123456789123456789_DSCN0095.JP.supplemental.json',
  '123456789123456789123456789123456789_DSCN0095.JP.supplemental(1).json',
];

test('the table has the rows that the other tests count on', () => {
  const counts = new Map<string, number>();
  for (const { expected } of rows) counts.set(expected, (counts.get(expected) ?? 0) + 1);
  expect(Object.fromEntries(counts)).toEqual({
    match: 72,
    no: 7,
    companion: 2,
    'match-loose': 7,
    'match-title': 1,
  });
});

test('all match rows pair by name but the four invented ones, and those by their title', () => {
  const steps = of('match').map((row) => ({ row, step: pair(row, likelyTitle(row))?.step }));
  const byName = steps.filter(({ step }) => step === 'name' || step === 'odd-name');
  expect(byName).toHaveLength(68);
  const others = steps.filter(({ step }) => step !== 'name' && step !== 'odd-name');
  expect(others.map(({ row }) => row.sidecar)).toEqual(missed);
  expect(others.map(({ step }) => step)).toEqual(missed.map(() => 'title'));
});

test('64 of the match rows pair by the exact name, without any title', () => {
  const exact = of('match').filter((row) => pair(row, undefined)?.step === 'name');
  expect(exact).toHaveLength(64);
  const odd = of('match').filter((row) => pair(row, likelyTitle(row))?.step === 'odd-name');
  expect(odd.map(({ sidecar }) => sidecar)).toEqual([
    '123456789123456789123456789123456789_DSCN0098.JPG.su.json',
    '123456789123456789123456789123456789_DSCN0098.JPG.su(1).json',
    'photo.jpg.suppl.json',
    'IMG_2367.HEIC(1).supplemental-metadata.json',
  ]);
});

test('no row that must not pair does, with its title, a likely one, the name itself or none', () => {
  for (const row of of('no'))
    for (const title of [row.title || undefined, likelyTitle(row), row.media, undefined])
      expect([row.media, pair(row, title)?.sidecar?.name]).toEqual([row.media, undefined]);
});

test('a companion takes the sidecar of its still, though the still is not there', () => {
  for (const row of of('companion'))
    expect(pair(row, undefined)).toMatchObject({ role: 'motion', step: 'companion' });
});

test('the row that only its title tells pairs as an edited copy', () => {
  for (const row of of('match-title'))
    expect(pair(row, row.title)).toMatchObject({ role: 'edited', step: 'title' });
});

test('of the rows that may be missed, those pair whose title names the original and the suffix is known', () => {
  const originals = of('match-loose').map((row) => ({
    row,
    title: row.media.replace(/-ha[^.(]*|\(\d+\)/g, ''),
  }));
  const steps = originals.map(({ row, title }) => [row.media, pair(row, title)?.step]);
  const long = '123456789123456789123456789123456789';
  expect(steps).toEqual([
    [`${long}_DSCN0091-ha edit.JPG`, undefined],
    [`${long}_DSCN0095-ha editado.JPG`, 'title'],
    [`${long}_DSCN0098-ha.JPG`, undefined],
    [`${long}_DSCN0098-ha(1).JPG`, undefined],
    ['IMG_12345.jpg', undefined],
    ['foo_.jpg', undefined],
    ['foo_n.jpg', undefined],
  ]);
});

function pair(row: Row, title: string | undefined): Match<MediaName, SidecarName> | undefined {
  // What a reader of archives gives is NFC.
  const media: MediaName = { name: row.media.normalize('NFC'), archives: ['one'] };
  const sidecar: SidecarName = { name: row.sidecar.normalize('NFC'), title, archives: ['one'] };
  return matchFolder([media], [sidecar]).get(media);
}

/** The title that such a sidecar would have: the media's name without duplicate number and edited suffix. */
function likelyTitle(row: Row): string {
  if (row.title !== '') return row.title;
  const { stem, extension } = splitName(row.media);
  const { core } = splitNumber(stem);
  return (beforeEdited(core) ?? core) + extension;
}

const of = (expected: string): Row[] => rows.filter((row) => row.expected === expected);

/** RFC 4180: fields in double quotes may hold commas and doubled quotes; no field of this table has a line end. */
function parseCsv(text: string): Row[] {
  const [header = [], ...lines] = text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
      ),
    );
  return lines.map((fields) => {
    const field = (name: string) => fields[header.indexOf(name)] ?? '';
    return {
      sidecar: field('sidecar'),
      media: field('media'),
      expected: field('expected'),
      title: field('title'),
    };
  });
}
