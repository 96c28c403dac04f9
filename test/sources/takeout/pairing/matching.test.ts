/** Folders as Google writes them: which sidecar each file gets, in what role, and what must stay without. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MediaName, SidecarName } from '../../../../src/sources/takeout/pairing/match-desk.ts';
import { matchFolder } from '../../../../src/sources/takeout/pairing/matching.ts';
import { defaultSidecarName } from '../../../helpers/takeout-builder.ts';

/** Sidecars by name with their titles; `undefined` for one without a title. */
type Titles = Readonly<Record<string, string | undefined>>;

/** `media: sidecar (role)` for every file, in the order given; `-` where nothing was found. */
function pairs(media: readonly string[], titles: Titles): string[] {
  const files = media.map((name): MediaName => ({ name, archives: ['a'] }));
  const sidecars = Object.entries(titles).map(
    ([name, title]): SidecarName => ({ name, title, archives: ['a'] }),
  );
  const matches = matchFolder(files, sidecars);
  return files.map((file) => {
    const match = matches.get(file);
    if (match === undefined) return `${file.name}: -`;
    return `${file.name}: ${match.sidecar?.name ?? match.original?.name} (${match.role})`;
  });
}

const stepOf = (media: string, titles: Titles): string | undefined => {
  const file: MediaName = { name: media, archives: ['a'] };
  const sidecars = Object.entries(titles).map(
    ([name, title]): SidecarName => ({ name, title, archives: ['a'] }),
  );
  return matchFolder([file], sidecars).get(file)?.step;
};

describe('duplicate numbers', () => {
  test('belong to the sidecar with the same number, before and after the extension', () => {
    expect(
      pairs(['IMG_1.jpg', 'IMG_1(1).jpg', 'IMG_1(2).jpg'], {
        'IMG_1.jpg.supplemental-metadata.json': 'IMG_1.jpg',
        'IMG_1.jpg.supplemental-metadata(1).json': 'IMG_1.jpg',
        'IMG_1.jpg(2).json': 'IMG_1.jpg',
      }),
    ).toEqual([
      'IMG_1.jpg: IMG_1.jpg.supplemental-metadata.json (original)',
      'IMG_1(1).jpg: IMG_1.jpg.supplemental-metadata(1).json (original)',
      'IMG_1(2).jpg: IMG_1.jpg(2).json (original)',
    ]);
  });

  test('are never dropped, though the title is the same', () => {
    const title = 'DSC00107.JPG';
    expect(pairs(['DSC00107.JPG'], { 'DSC00107.JPG.supplemental-metadata(1).json': title })).toEqual([
      'DSC00107.JPG: -',
    ]);
    expect(pairs(['DSC00107(1).JPG'], { 'DSC00107.JPG.supplemental-metadata.json': title })).toEqual([
      'DSC00107(1).JPG: -',
    ]);
    expect(pairs(['DSC00107(1).JPG'], { 'DSC00107.JPG.supplemental-metadata(2).json': title })).toEqual([
      'DSC00107(1).JPG: -',
    ]);
    expect(
      pairs(['IMG_2367.HEIC'], { 'IMG_2367.HEIC(1).supplemental-metadata.json': 'IMG_2367.HEIC' }),
    ).toEqual(['IMG_2367.HEIC: -']);
  });

  test('are not dropped where the name is so long that the cut takes the bracket', () => {
    const stem = 'Backyard_ceremony_wedding_photography_xxxxxxx_m';
    const title = `${stem}agnoliastudios-371.jpg`;
    const cut = stem.slice(0, 46);
    expect(pairs([`${stem}(1).jpg`], { [`${cut}.json`]: title })).toEqual([`${stem}(1).jpg: -`]);
    expect(pairs([`${stem}(1).jpg`], { [`${cut}.json`]: undefined })).toEqual([`${stem}(1).jpg: -`]);
    expect(
      pairs([`${stem}.jpg`, `${stem}(1).jpg`], { [`${cut}.json`]: title, [`${cut}(1).json`]: title }),
    ).toEqual([`${stem}.jpg: ${cut}.json (original)`, `${stem}(1).jpg: ${cut}(1).json (original)`]);
  });

  test('a bracket of the real title is told from a number by the title', () => {
    const both = (one: string, other: string) =>
      pairs(['X(1).jpg'], {
        'X(1).jpg.supplemental-metadata.json': one,
        'X.jpg.supplemental-metadata(1).json': other,
      });
    expect(both('X(1).jpg', 'X(1).jpg')).toEqual([
      'X(1).jpg: X(1).jpg.supplemental-metadata.json (original)',
    ]);
    expect(both('X.jpg', 'X.jpg')).toEqual(['X(1).jpg: X.jpg.supplemental-metadata(1).json (original)']);
  });

  test('a bracket in the title and a number behind it', () => {
    expect(
      pairs(['N(1).jpg', 'N(1)(1).jpg', 'N(1)-editat.jpg', 'N(1)-editat(1).jpg'], {
        'N(1).jpg.supplemental-metadata.json': 'N(1).jpg',
        'N(1).jpg.supplemental-metadata(1).json': 'N(1).jpg',
      }),
    ).toEqual([
      'N(1).jpg: N(1).jpg.supplemental-metadata.json (original)',
      'N(1)(1).jpg: N(1).jpg.supplemental-metadata(1).json (original)',
      'N(1)-editat.jpg: N(1).jpg.supplemental-metadata.json (edited)',
      'N(1)-editat(1).jpg: N(1).jpg.supplemental-metadata(1).json (edited)',
    ]);
  });
});

describe('edited copies', () => {
  test('share the sidecar of their original, several of them too', () => {
    expect(
      pairs(['P.jpg', 'P-edited.jpg', 'P-COLLAGE.jpg', 'P(1).jpg', 'P-edited(1).jpg'], {
        'P.jpg.supplemental-metadata.json': 'P.jpg',
        'P.jpg.supplemental-metadata(1).json': 'P.jpg',
      }),
    ).toEqual([
      'P.jpg: P.jpg.supplemental-metadata.json (original)',
      'P-edited.jpg: P.jpg.supplemental-metadata.json (edited)',
      'P-COLLAGE.jpg: P.jpg.supplemental-metadata.json (edited)',
      'P(1).jpg: P.jpg.supplemental-metadata(1).json (original)',
      'P-edited(1).jpg: P.jpg.supplemental-metadata(1).json (edited)',
    ]);
  });

  test('with a sidecar of their own are photos of their own', () => {
    const titles = { 'P.jpg.json': 'P.jpg', 'P-edited.jpg.json': 'P-edited.jpg' };
    expect(pairs(['P.jpg', 'P-edited.jpg'], titles)).toEqual([
      'P.jpg: P.jpg.json (original)',
      'P-edited.jpg: P-edited.jpg.json (original)',
    ]);
  });

  test('go with an original that has no sidecar, or another type', () => {
    expect(pairs(['P.jpg', 'P-bearbeitet.jpg'], {})).toEqual([
      'P.jpg: -',
      'P-bearbeitet.jpg: P.jpg (edited)',
    ]);
    expect(pairs(['P.HEIC', 'P-edited.jpg'], { 'P.HEIC.json': 'P.HEIC' })).toEqual([
      'P.HEIC: P.HEIC.json (original)',
      'P-edited.jpg: P.HEIC.json (edited)',
    ]);
  });

  test('of a name that is cut share one sidecar with the original, whose claim is stronger', () => {
    const stem = 'Screenshot_2024-08-31-00-53-48-647_com.snapchat_x';
    const cut = `${stem.slice(0, 46)}.json`;
    for (const title of [`${stem}.jpg`, undefined])
      expect(pairs([`${stem}.jpg`, `${stem}-edited.jpg`], { [cut]: title })).toEqual([
        `${stem}.jpg: ${cut} (original)`,
        `${stem}-edited.jpg: ${cut} (edited)`,
      ]);
  });

  test('whose suffix was cut pair only where the title is the stem', () => {
    const titles = { 'P.jpg.supplemental-metadata.json': 'P.jpg' };
    expect(stepOf('P-edi.jpg', titles)).toBe('cut-suffix');
    expect(stepOf('P-ha.jpg', titles)).toBe('cut-suffix');
    expect(stepOf('P-edi.jpg', { 'P.jpg.supplemental-metadata.json': 'Other.jpg' })).toBeUndefined();
    expect(stepOf('P-1.jpg', titles)).toBeUndefined();
    expect(stepOf('P-2.jpg', titles)).toBeUndefined();
  });

  test('an unknown word is a suffix only where it follows several originals', () => {
    const titles = { 'a.jpg.json': 'a.jpg', 'b.jpg.json': 'b.jpg' };
    expect(pairs(['a.jpg', 'b.jpg', 'a-sunset.jpg'], titles)[2]).toBe('a-sunset.jpg: -');
    expect(pairs(['a.jpg', 'b.jpg', 'a-muudetud.jpg', 'b-muudetud.jpg'], titles).slice(2)).toEqual([
      'a-muudetud.jpg: a.jpg.json (edited)',
      'b-muudetud.jpg: b.jpg.json (edited)',
    ]);
  });

  test('with a number that fits nothing pair loosely', () => {
    expect(stepOf('P-edited(1).jpg', { 'P.jpg.json': 'P.jpg' })).toBe('loose');
    // The original with that number is here, so it is that one's.
    expect(pairs(['P(1).jpg', 'P-edited(1).jpg'], { 'P.jpg.json': 'P.jpg' })).toEqual([
      'P(1).jpg: -',
      'P-edited(1).jpg: P(1).jpg (edited)',
    ]);
  });
});

describe('clips', () => {
  test('of live and motion photos share the sidecar of the still', () => {
    expect(
      pairs(['A.HEIC', 'A.MOV', 'B.HEIC', 'B.MP4', 'PXL_1.MP.jpg', 'PXL_1.MP', 'MVIMG_2.jpg', 'MVIMG_2'], {
        'A.HEIC.json': 'A.HEIC',
        'B.HEIC.supplemental-metadata.json': 'B.HEIC',
        'PXL_1.MP.jpg.supplemental-metadata.json': 'PXL_1.MP.jpg',
        'MVIMG_2.jpg.json': 'MVIMG_2.jpg',
      }),
    ).toEqual([
      'A.HEIC: A.HEIC.json (original)',
      'A.MOV: A.HEIC.json (motion)',
      'B.HEIC: B.HEIC.supplemental-metadata.json (original)',
      'B.MP4: B.HEIC.supplemental-metadata.json (motion)',
      'PXL_1.MP.jpg: PXL_1.MP.jpg.supplemental-metadata.json (original)',
      'PXL_1.MP: PXL_1.MP.jpg.supplemental-metadata.json (motion)',
      'MVIMG_2.jpg: MVIMG_2.jpg.json (original)',
      'MVIMG_2: MVIMG_2.jpg.json (motion)',
    ]);
  });

  test('of numbered stills follow the number', () => {
    const titles = { 'I.HEIC.json': 'I.HEIC', 'I.HEIC(1).json': 'I.HEIC', 'X.MP.jpg(1).json': 'X.MP.jpg' };
    expect(
      pairs(['I.HEIC', 'I(1).HEIC', 'I.MP4', 'I(1).MP4', 'X.MP(1).jpg', 'X(1).MP', 'X.MP~2'], titles),
    ).toEqual([
      'I.HEIC: I.HEIC.json (original)',
      'I(1).HEIC: I.HEIC(1).json (original)',
      'I.MP4: I.HEIC.json (motion)',
      'I(1).MP4: I.HEIC(1).json (motion)',
      'X.MP(1).jpg: X.MP.jpg(1).json (original)',
      'X(1).MP: X.MP.jpg(1).json (motion)',
      'X.MP~2: -',
    ]);
  });

  test('with a sidecar of their own are videos', () => {
    const titles = { 'I.HEIC.json': 'I.HEIC', 'I.MOV.json': 'I.MOV' };
    expect(pairs(['I.HEIC', 'I.MOV'], titles)).toEqual([
      'I.HEIC: I.HEIC.json (original)',
      'I.MOV: I.MOV.json (original)',
    ]);
  });

  test('go with a still that has no sidecar; other videos do not', () => {
    expect(pairs(['I.HEIC', 'I.MOV', 'C.JPG', 'C.AVI'], {})).toEqual([
      'I.HEIC: -',
      'I.MOV: I.HEIC (motion)',
      'C.JPG: -',
      'C.AVI: -',
    ]);
  });

  test('and their still under one cut or extensionless name: the still owns it', () => {
    const stem = 'PXL_20230809_203449253.LONG_EXPOSURE-02.ORIGIN';
    for (const title of [`${stem}.jpg`, undefined])
      expect(pairs([`${stem}.jpg`, `${stem}.mp4`], { [`${stem}.json`]: title })).toEqual([
        `${stem}.jpg: ${stem}.json (original)`,
        `${stem}.mp4: ${stem}.json (motion)`,
      ]);
    expect(pairs(['holiday.jpg', 'holiday.mp4'], { 'holiday.json': 'holiday.mp4' })).toEqual([
      'holiday.jpg: -',
      'holiday.mp4: holiday.json (original)',
    ]);
  });
});

describe('names', () => {
  test('are never compared by a bare prefix', () => {
    expect(pairs(['IMG_1.jpg', 'IMG_10.jpg'], { 'IMG_10.jpg.json': 'IMG_10.jpg' })).toEqual([
      'IMG_1.jpg: -',
      'IMG_10.jpg: IMG_10.jpg.json (original)',
    ]);
    expect(pairs(['IMG_10.jpg'], { 'IMG_1.jpg.json': 'IMG_1.jpg' })).toEqual(['IMG_10.jpg: -']);
    expect(pairs(['IMG_1_1.jpg'], { 'IMG_1.jpg(1).json': 'IMG_1.jpg' })).toEqual(['IMG_1_1.jpg: -']);
  });

  test('of bursts and portraits hold dots and stay apart', () => {
    const names = [
      '00000IMG_00000_BURST20190101120000000_COVER.jpg',
      '00001IMG_00001_BURST20190101120000000.jpg',
      'PXL_20220405_090123740.PORTRAIT-01.COVER.jpg',
      'PXL_20220405_090123740.PORTRAIT-02.ORIGINAL.jpg',
      'PXL_20211225_120000000.RAW-01.COVER.jpg',
      'PXL_20211225_120000000.RAW-02.ORIGINAL.dng',
    ];
    const titles = Object.fromEntries(names.map((name) => [defaultSidecarName(name), name]));
    expect(pairs(names, titles)).toEqual(
      names.map((name) => `${name}: ${defaultSidecarName(name)} (original)`),
    );
  });

  test('that the cut makes equal are told apart by the title, or not at all', () => {
    const stem = 'a-name-that-is-exactly-forty-six-units-long-aa';
    const media = [`${stem}1.jpg`, `${stem}2.jpg`];
    expect(pairs(media, { [`${stem}.json`]: `${stem}2 and more.jpg` })).toEqual([
      `${stem}1.jpg: -`,
      `${stem}2.jpg: ${stem}.json (original)`,
    ]);
    expect(pairs(media, { [`${stem}.json`]: undefined })).toEqual([`${stem}1.jpg: -`, `${stem}2.jpg: -`]);
    // Of one twin there is only the other's sidecar.
    expect(pairs([`${stem}1.jpg`], { [`${stem}.json`]: `${stem}2.jpg` })).toEqual([`${stem}1.jpg: -`]);
  });

  test('with replaced characters fit their titles', () => {
    expect(stepOf('a_b_c_d_39;.jpg', { 'else.json': 'a/b:c?d&39;.jpg' })).toBe('title');
    expect(stepOf('27_06_12 - 1.mov', { '27_06_12 - 1.mov.json': '27/06/12 - 1' })).toBe('name');
  });

  test('in another case pair by the title, unless the right one is there', () => {
    expect(stepOf('IMG.JPG', { 'IMG.jpg.json': 'IMG.jpg' })).toBe('title');
    expect(pairs(['IMG.JPG', 'IMG.jpg'], { 'IMG.jpg.json': 'IMG.jpg' })).toEqual([
      'IMG.JPG: -',
      'IMG.jpg: IMG.jpg.json (original)',
    ]);
  });

  test('with a translated suffix pair when the title agrees', () => {
    const sidecar = 'IMG_1.jpg.ergänzende-Metadaten.json';
    expect(stepOf('IMG_1.jpg', { [sidecar]: 'IMG_1.jpg' })).toBe('odd-name');
    expect(stepOf('IMG_1.jpg', { [sidecar]: undefined })).toBeUndefined();
    expect(stepOf('IMG_1(3).jpg', { 'IMG_1.jpg.ergänzende-Metadaten(3).json': 'IMG_1.jpg' })).toBe(
      'odd-name',
    );
  });

  test('in NFD were cut earlier', () => {
    const name = `${'é'.repeat(20)}-Ålesund-photo.jpg`;
    const cut = name.normalize('NFD').slice(0, 46).normalize('NFC');
    expect(cut.length).toBeLessThan(46);
    expect(stepOf(name, { [`${cut}.json`]: name })).toBe('name');
  });

  test('cut inside a surrogate pair fit both ways', () => {
    const stem = `${'x'.repeat(45)}😀`;
    for (const end of ['', '\ufffd', '_', '?'])
      expect(stepOf(`${stem}.jpg`, { [`${'x'.repeat(45)}${end}.json`]: `${stem}.jpg` })).toBe('name');
    expect(stepOf(`${'x'.repeat(44)}😀.jpg`, { [`${'x'.repeat(44)}😀.json`]: undefined })).toBe('name');
  });
});

describe('one path in two parts', () => {
  const file = (name: string, archive: string): MediaName => ({ name, archives: [archive] });
  const sidecar = (name: string, archive: string): SidecarName => ({
    name,
    title: 'A.jpg',
    archives: [archive],
  });

  test('with other bytes: each takes the sidecar of its own part', () => {
    const media = [file('A.jpg', 'one'), file('A.jpg', 'two')];
    const sidecars = [sidecar('A.jpg.json', 'two'), sidecar('A.jpg.json', 'one')];
    const matches = matchFolder(media, sidecars);
    expect(media.map((each) => matches.get(each)?.sidecar?.archives)).toEqual([['one'], ['two']]);
  });

  test('with other bytes and one sidecar: only the part tells, else nobody gets it', () => {
    const media = [file('A.jpg', 'one'), file('A.jpg', 'two')];
    const near = matchFolder(media, [sidecar('A.jpg.json', 'two')]);
    expect(media.map((each) => near.has(each))).toEqual([false, true]);
    expect(matchFolder(media, [sidecar('A.jpg.json', 'three')]).size).toBe(0);
  });
});

test('every name that Google would give pairs with its own sidecar, whatever else is in the folder', () => {
  const stem = fc
    .stringMatching(/^[A-Za-z0-9_ .-]{1,60}$/)
    .filter((text) => text.trim() === text && /^[A-Za-z0-9]/.test(text));
  const extension = fc.constantFrom('.jpg', '.JPG', '.heic', '.png', '.mp4', '.dng');
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(stem, extension), {
        maxLength: 12,
        selector: ([name]) => name.slice(0, 30).toLowerCase(),
      }),
      fc.integer({ min: 0, max: 3 }),
      (names, copies) => {
        const titles: Record<string, string> = {};
        const expected: string[] = [];
        for (const [name, type] of names)
          for (let copy = 0; copy <= copies; copy++) {
            const media = `${name.slice(0, 47)}${copy === 0 ? '' : `(${copy})`}${type}`;
            const own = defaultSidecarName(media);
            titles[own] = name + type;
            expected.push(`${media}: ${own} (original)`);
          }
        const media = expected.map((line) => line.slice(0, line.indexOf(': ')));
        expect(pairs(media, titles)).toEqual(expected);
      },
    ),
    { numRuns: 300 },
  );
});

test('the order in which files and sidecars come makes no difference', () => {
  const media = ['P.jpg', 'P(1).jpg', 'P-edited.jpg', 'P.mp4', 'P.HEIC', 'Q.jpg', 'Q.JPG', 'P'];
  const titles: [string, string][] = [
    ['P.json', 'P'],
    ['P.jpg(1).json', 'P.jpg'],
    ['P.HEIC.json', 'P.HEIC'],
    ['q.json', 'Q.jpg'],
  ];
  const expected = pairs(media, Object.fromEntries(titles)).sort();
  fc.assert(
    fc.property(
      fc.shuffledSubarray(media, { minLength: 8 }),
      fc.shuffledSubarray(titles, { minLength: 4 }),
      (some, sidecars) => {
        expect(pairs(some, Object.fromEntries(sidecars)).sort()).toEqual(expected);
      },
    ),
  );
});

test('a folder of 50,000 files is matched in linear time', () => {
  const timeFor = (count: number): number => {
    const media = Array.from(
      { length: count },
      (_, at): MediaName => ({ name: `image(${at}).jpg`, archives: ['a'] }),
    );
    // None by the exact name, so that every step is gone through.
    const sidecars = media.map(
      (_, at): SidecarName => ({ name: `image.jpg.other(${at}).json`, title: 'image.jpg', archives: ['a'] }),
    );
    const start = performance.now();
    expect(matchFolder(media, sidecars).size).toBe(count);
    return performance.now() - start;
  };
  timeFor(2000);
  const small = timeFor(5000);
  // Ten times the files: quadratic would be a hundred times.
  expect(timeFor(50_000)).toBeLessThan(40 * small);
});
