/**
 * A sidecar in XMP (ISO 16684-1; Adobe, "XMP Specification Part 2"), as photo programs read them beside a photo. The same facts
 * always give the same bytes.
 */
import type { Facts } from '../index/sidecars.ts';

const namespaces = {
  rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
  dc: 'http://purl.org/dc/elements/1.1/',
  exif: 'http://ns.adobe.com/exif/1.0/',
  Iptc4xmpExt: 'http://iptc.org/std/Iptc4xmpExt/2008-02-29/',
  lr: 'http://ns.adobe.com/lightroom/1.0/',
  photoshop: 'http://ns.adobe.com/photoshop/1.0/',
  xmp: 'http://ns.adobe.com/xap/1.0/',
} as const;

/** The text of the sidecar. */
export function renderXmp({
  title,
  takenAt,
  description,
  people = [],
  place,
  favorited,
  albums,
}: Facts): string {
  const time = takenAt === undefined ? undefined : timeOf(takenAt);
  const [latitude, longitude] = place ?? [];
  const properties = [
    alternative('dc:title', title),
    alternative('dc:description', description),
    bag('dc:subject', [...people, ...albums]),
    bag('Iptc4xmpExt:PersonInImage', people),
    bag('lr:hierarchicalSubject', [
      ...people.map((name) => `People|${name}`),
      ...albums.map((album) => `Albums|${album}`),
    ]),
    simple('exif:DateTimeOriginal', time),
    simple('photoshop:DateCreated', time),
    simple('exif:GPSLatitude', latitude === undefined ? undefined : degrees(latitude, 'N', 'S')),
    simple('exif:GPSLongitude', longitude === undefined ? undefined : degrees(longitude, 'E', 'W')),
    // Programs know stars, and no heart: five, as others write favourites.
    simple('xmp:Rating', favorited ? '5' : undefined),
  ];
  const { rdf, ...others } = namespaces;
  const declared = Object.entries(others).map(([prefix, uri]) => `\n    xmlns:${prefix}="${uri}"`);
  return `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="${rdf}">
  <rdf:Description rdf:about=""${declared.join('')}>
${properties.join('')}  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
`;
}

function simple(name: string, text: string | undefined): string {
  return text === undefined ? '' : `   <${name}>${escaped(text)}</${name}>\n`;
}

function alternative(name: string, text: string | undefined): string {
  if (text === undefined || text === '') return '';
  return `   <${name}><rdf:Alt><rdf:li xml:lang="x-default">${escaped(text)}</rdf:li></rdf:Alt></${name}>\n`;
}

function bag(name: string, texts: readonly string[]): string {
  if (texts.length === 0) return '';
  const items = [...new Set(texts)].map((text) => `<rdf:li>${escaped(text)}</rdf:li>`);
  return `   <${name}><rdf:Bag>${items.join('')}</rdf:Bag></${name}>\n`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };

/** As XML text; what XML 1.0 has no way to write (section 2.2) becomes U+FFFD. */
function escaped(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: just these are forbidden.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
      .replace(/[&<>\r]/g, (character) => entities[character] ?? character)
  );
}

/** `2021-07-14T12:00:00Z`; years beyond 9999 have no form in XMP. */
function timeOf(seconds: number): string | undefined {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return undefined;
  const text = at.toISOString();
  return /^\d{4}-/.test(text) ? text.replace('.000Z', 'Z') : undefined;
}

/** `48,8.500000N`: degrees and minutes. */
function degrees(value: number, positive: string, negative: string): string {
  // In millionths of a minute, so that none becomes 60.
  const millionths = Math.round(Math.abs(value) * 60e6);
  const minutes = (millionths % 60e6) / 1e6;
  return `${Math.floor(millionths / 60e6)},${minutes.toFixed(6)}${value < 0 ? negative : positive}`;
}
