/**
 * One JSON of a Takeout, read and checked: a photo's sidecar, an album's own JSON, or something else. Which it is
 * is told by its content, because file names are localised and cut. A field that is not what it should be is ignored
 * and the rest kept: one strange field must not cost a photo its date.
 */
import type { UnixSeconds } from '../../../model/words.ts';
import type { Description } from '../../source.ts';

/** What a sidecar says of its photo. */
export interface Sidecar {
  readonly kind: 'sidecar';
  /** The name at upload, as it was. */
  readonly title: string | undefined;
  readonly takenAt: UnixSeconds | undefined;
  /** From the url; the same in the album's and the year's copy. */
  readonly photoId: string | undefined;
  readonly trashed: boolean;
  readonly description: Description;
}

/** What an album's JSON says. */
export interface AlbumFacts {
  readonly kind: 'album';
  /** May be empty: an untitled album. */
  readonly title: string;
  readonly date: UnixSeconds | undefined;
}

/** A JSON by its content. `other` are comments, memory titles, print orders: nothing to show. */
export type JsonFacts = Sidecar | AlbumFacts | { readonly kind: 'other' };

export interface ReadJson {
  readonly facts: JsonFacts;
  /** What of it could not be used; undefined where all is well. */
  readonly flaw: string | undefined;
}

const earliest = Date.UTC(1800, 0, 1) / 1000;
const latest = Date.UTC(2200, 0, 1) / 1000;
// Longer texts would not fit an extended attribute (64 KiB on Linux) anyway.
const longestText = 16_384;
const mostPeople = 1000;

/**
 * The fields that are looked at, of sidecars and albums alike; any of them may be missing or anything. Checked by hand,
 * each where it is used: a schema library took 10 µs a sidecar for it, as long as parsing the JSON.
 */
interface AnyJson {
  readonly title?: unknown;
  readonly description?: unknown;
  readonly photoTakenTime?: unknown;
  readonly url?: unknown;
  readonly geoData?: unknown;
  readonly geoDataExif?: unknown;
  readonly people?: unknown;
  readonly favorited?: unknown;
  readonly archived?: unknown;
  readonly trashed?: unknown;
  // Only sidecars have these, only albums those: they decide where the time taken is damaged.
  readonly imageViews?: unknown;
  readonly creationTime?: unknown;
  readonly modificationTime?: unknown;
  readonly photoLastModifiedTime?: unknown;
  readonly googlePhotosOrigin?: unknown;
  readonly date?: unknown;
  readonly access?: unknown;
  readonly enrichments?: unknown;
  readonly sharedAlbumComments?: unknown;
  readonly albumData?: unknown;
}

/** A JSON object's fields; undefined for what is none. */
function fieldsOf<T extends object>(value: unknown): Partial<Record<keyof T, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

const stampOf = (value: unknown): unknown => fieldsOf<{ timestamp: unknown }>(value)?.timestamp;

/**
 * Reads the bytes of a `.json` entry called `name`. What can't be used is `other`, with the flaw that makes it so:
 * its photo is then listed as one without a sidecar.
 */
export function readJson(name: string, bytes: Buffer): ReadJson {
  const source = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(source.charCodeAt(0) === 0xfeff ? source.slice(1) : source);
  } catch {
    return { facts: { kind: 'other' }, flaw: 'is not JSON' };
  }
  const json: AnyJson | undefined = fieldsOf<AnyJson>(value);
  if (json === undefined) {
    // Memory titles are an object and print orders may be a list; a sidecar that is a list is broken.
    return { facts: { kind: 'other' }, flaw: namedLikeSidecar(name) ? 'is JSON, but no sidecar' : undefined };
  }
  if (isSidecar(json, name)) return readSidecar(json);
  const album: AnyJson = fieldsOf<AnyJson>(json.albumData) ?? json;
  if (typeof album.title !== 'string') return { facts: { kind: 'other' }, flaw: undefined };
  const date = readTime(stampOf(album.date));
  return {
    facts: { kind: 'album', title: album.title.slice(0, longestText), date: date.time },
    flaw: undefined,
  };
}

/** Whether the JSON speaks of one photo. */
function isSidecar(json: AnyJson, name: string): boolean {
  const taken = stampOf(json.photoTakenTime);
  if (taken !== undefined && taken !== null && taken !== '') return true;
  if (fieldsOf(json.albumData) !== undefined || fieldsOf(json.date) !== undefined) return false;
  if (json.access !== undefined) return false;
  if (json.enrichments !== undefined || json.sharedAlbumComments !== undefined) return false;
  if (photoIdOf(json.url) !== undefined || json.creationTime !== undefined) return true;
  if (json.imageViews !== undefined || json.googlePhotosOrigin !== undefined) return true;
  if (json.modificationTime !== undefined || json.photoLastModifiedTime !== undefined) return true;
  // Only a title is left, which is all that newer albums have. A media extension in the file's name settles it:
  // a year folder must not turn into an album by one damaged sidecar.
  return typeof json.title === 'string' && namedLikeSidecar(name);
}

/** `IMG_1.jpg.json`, `IMG_1.jpg.suppl(2).json`: a name with the extension of common media inside. */
function namedLikeSidecar(name: string): boolean {
  return /\.(?:jpe?g|heic|png|gif|webp|mp4|mov|dng|avi|m4v|3gp)[.(].*json$/i.test(name);
}

function readSidecar(json: AnyJson): ReadJson {
  const taken = readTime(stampOf(json.photoTakenTime));
  const title =
    typeof json.title === 'string' && json.title !== '' ? json.title.slice(0, longestText) : undefined;
  return {
    facts: {
      kind: 'sidecar',
      title,
      takenAt: taken.time,
      photoId: photoIdOf(json.url),
      trashed: json.trashed === true,
      description: describe(json),
    },
    flaw: taken.flaw,
  };
}

/** Shared by all that say nothing: most photos of a library. */
const nothing: Description = Object.freeze({});

function describe(json: AnyJson): Description {
  const text = typeof json.description === 'string' ? json.description.slice(0, longestText) : '';
  const people = peopleOf(json.people);
  const where = somewhere(json.geoData) ?? somewhere(json.geoDataExif);
  const description: Description = {
    ...(text === '' ? undefined : { description: text }),
    ...(people.length > 0 ? { people } : undefined),
    ...(where === undefined ? undefined : { place: where }),
    ...(json.favorited === true ? { favorited: true } : undefined),
    ...(json.archived === true ? { archived: true } : undefined),
  };
  return Object.keys(description).length === 0 ? nothing : description;
}

function peopleOf(people: unknown): string[] {
  if (!Array.isArray(people)) return [];
  const names = people.slice(0, mostPeople).map((person) => fieldsOf<{ name: unknown }>(person)?.name);
  return names.filter((name): name is string => typeof name === 'string' && name !== '');
}

/** Zero degrees north and east is how Google writes "nowhere". */
function somewhere(geo: unknown): readonly [number, number] | undefined {
  const { latitude, longitude } = fieldsOf<{ latitude: unknown; longitude: unknown }>(geo) ?? {};
  if (!isWithin(latitude, 90) || !isWithin(longitude, 180)) return undefined;
  return latitude === 0 && longitude === 0 ? undefined : [latitude, longitude];
}

const isWithin = (degrees: unknown, most: number): degrees is number =>
  typeof degrees === 'number' && Math.abs(degrees) <= most;

/** Seconds as Google writes them, a string of digits (a number passes too), if a photo can have that time. */
function readTime(value: unknown): {
  readonly time: UnixSeconds | undefined;
  readonly flaw: string | undefined;
} {
  if (value === undefined || value === null || value === '')
    return { time: undefined, flaw: 'has no time taken' };
  const digits = typeof value === 'string' && /^\s*-?\d{1,19}(?:\.\d*)?\s*$/.test(value);
  const time = digits || typeof value === 'number' ? Math.floor(Number(value)) : Number.NaN;
  if (time >= earliest && time <= latest) return { time, flaw: undefined };
  const shown = JSON.stringify(value)?.slice(0, 40);
  return { time: undefined, flaw: `has an impossible time taken (${shown})` };
}

const photoUrl = /^https:\/\/photos\.google\.com\/(?:u\/\d+\/)?photo\/([\w-]{10,200})/;

function photoIdOf(url: unknown): string | undefined {
  return typeof url === 'string' ? photoUrl.exec(url)?.[1] : undefined;
}
