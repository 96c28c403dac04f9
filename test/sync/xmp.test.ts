/** Sidecars as text: the same facts give the same bytes, hostile ones stay text. */
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../src/index/sidecars.ts';
import { renderXmp } from '../../src/sync/xmp.ts';

const nothing: Facts = { title: 'a.jpg', takenAt: undefined, albums: [] };

describe('an XMP sidecar', () => {
  it('says nothing of what is not known', () => {
    const text = renderXmp(nothing);
    expect(text).toContain(
      '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">a.jpg</rdf:li></rdf:Alt></dc:title>',
    );
    for (const word of ['GPS', 'Rating', 'subject', 'DateTime', 'Person', 'dc:description'])
      expect(text).not.toContain(word);
    expect(renderXmp({ ...nothing })).toBe(text);
  });

  it('keeps markup and what XML cannot say from being markup', () => {
    const text = renderXmp({
      ...nothing,
      title: '</rdf:li><x a="&amp;">\u0000\ud800\uffff]]>',
      people: ['a\u000bb\r'],
    });
    expect(text).toContain('&lt;/rdf:li&gt;&lt;x a="&amp;amp;"&gt;\ufffd\ufffd\ufffd]]&gt;');
    expect(text).toContain('a\ufffdb&#13;');
  });

  it.each([
    [[48.85, 2.35], '48,51.000000N', '2,21.000000E'],
    [[-33.99999999999, -70.5], '34,0.000000S', '70,30.000000W'],
    [[0, 180], '0,0.000000N', '180,0.000000E'],
  ] as const)('writes places in degrees and minutes: %j', (place, latitude, longitude) => {
    const text = renderXmp({ ...nothing, place });
    expect(text).toContain(`<exif:GPSLatitude>${latitude}</exif:GPSLatitude>`);
    expect(text).toContain(`<exif:GPSLongitude>${longitude}</exif:GPSLongitude>`);
  });

  it('writes times before 1970, and none that have no form', () => {
    expect(renderXmp({ ...nothing, takenAt: -1_063_800_000 })).toContain('1936-04-16T12:00:00Z');
    expect(renderXmp({ ...nothing, takenAt: 1e12 })).not.toContain('DateTimeOriginal');
    expect(renderXmp({ ...nothing, takenAt: 1e15 })).not.toContain('DateTimeOriginal');
  });
});
