/**
 * Builds Takeout exports on disk from a short declaration: parts, year folders, albums, sidecars, named as
 * Google names them. What a test doesn't say is filled in realistically.
 *
 *     const [zip] = await buildTakeout(dir, {
 *       entries: [{ folder: 'Photos from 2021', name: 'IMG_0001.jpg', bytes: photo(1), takenAt: 1609500000 }],
 *       albums: [{ folder: 'Summer in Italy' }],
 *     });
 */
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { openTgz } from './tgz-builder.ts';
import { type Bytes, openZip } from './zip-builder.ts';

/** A photo or video in one folder, with its sidecar. */
export interface TakeoutEntry {
  /** `Photos from 2021`, or an album's folder. */
  readonly folder: string;
  readonly name: string;
  readonly bytes: Bytes;
  /**
   * An object is merged over the realistic default (a key set to undefined is left out); a string is written as
   * it is; false means none. Default: title, photoTakenTime and url by `name`, `takenAt` and `id`.
   */
  readonly sidecar?: Readonly<Record<string, unknown>> | string | false;
  /** Default: `defaultSidecarName(name)`. */
  readonly sidecarName?: string;
  /** Seconds since 1970, UTC; default 1609502400 (2021-01-01T12:00:00Z). */
  readonly takenAt?: number;
  /** Google's id in the sidecar's url; default derived from `name` and `takenAt`. */
  readonly id?: string;
  /** Part that holds the photo, from 1; default in turns. */
  readonly part?: number;
  /** Part that holds the sidecar; default the photo's. */
  readonly sidecarPart?: number;
}

/** An album's own JSON. The photos in it are entries with the album's folder. */
export interface TakeoutAlbum {
  readonly folder: string;
  /** Merged over `{ title: folder, description: '', access: 'protected', date: … }`; false means none. */
  readonly json?: Readonly<Record<string, unknown>> | string | false;
  /** Default `metadata.json`. */
  readonly jsonName?: string;
  /** Default 1. */
  readonly part?: number;
}

/** Anything else in the archive, by its whole path. */
export interface TakeoutFile {
  readonly path: string;
  readonly bytes: Bytes;
  readonly part?: number;
}

export interface TakeoutSpec {
  /** Default `20260101T120000Z`. */
  readonly exportTime?: string;
  /** K in `takeout-TIME-K-NNN`, default 3; false gives the old names without it. */
  readonly exportNumber?: number | false;
  /** Default: as many as the entries name, at least 1. */
  readonly parts?: number;
  readonly format?: 'zip' | 'tgz' | 'folder';
  /** Deflate the zip's entries; default stored. */
  readonly compress?: boolean;
  /** Default `Takeout`. */
  readonly root?: string;
  /** Default `Google Photos`; localised exports have another. */
  readonly photosFolder?: string;
  /** An iterable is drawn from one by one, so a huge export needs little memory (say `parts` then). */
  readonly entries: Iterable<TakeoutEntry>;
  readonly albums?: readonly TakeoutAlbum[];
  readonly files?: readonly TakeoutFile[];
}

interface PartWriter {
  add(path: string, bytes: Bytes): void | Promise<void>;
  finish(): unknown;
}

/** Writes the export into `dir` (made if missing); gives the absolute-or-as-given paths of its parts, in order. */
export async function buildTakeout(dir: string, spec: TakeoutSpec): Promise<string[]> {
  mkdirSync(dir, { recursive: true });
  const format = spec.format ?? 'zip';
  const exportTime = spec.exportTime ?? '20260101T120000Z';
  const number = spec.exportNumber ?? 3;
  const parts = spec.parts ?? highestPart(spec);
  const paths = Array.from({ length: parts }, (_, at) => {
    const stem = `takeout-${exportTime}${number === false ? '' : `-${number}`}-${String(at + 1).padStart(3, '0')}`;
    return join(dir, format === 'folder' ? stem : `${stem}.${format}`);
  });
  const mtime = parseExportTime(exportTime);
  const writers = paths.map((path) => openPart(path, format, spec.compress ?? false, mtime));
  const photos = [spec.root ?? 'Takeout', spec.photosFolder ?? 'Google Photos'].filter(Boolean).join('/');
  const write = async (part: number, path: string, bytes: Bytes) => {
    const writer = writers[part - 1];
    if (writer === undefined) throw new RangeError(`part ${part} of ${parts}: ${path}`);
    await writer.add(path, bytes);
  };

  for (const { path, bytes, part } of spec.files ?? []) await write(part ?? 1, path, bytes);
  for (const album of spec.albums ?? []) {
    if (album.json === false) continue;
    const path = `${photos}/${album.folder}/${album.jsonName ?? 'metadata.json'}`;
    await write(album.part ?? 1, path, albumJson(album));
  }
  let turn = 0;
  for (const entry of spec.entries) {
    const part = entry.part ?? (turn++ % parts) + 1;
    await write(part, `${photos}/${entry.folder}/${entry.name}`, entry.bytes);
    if (entry.sidecar === false) continue;
    const sidecar = `${photos}/${entry.folder}/${entry.sidecarName ?? defaultSidecarName(entry.name)}`;
    await write(entry.sidecarPart ?? part, sidecar, sidecarJson(entry));
  }
  for (const writer of writers) await writer.finish();
  return paths;
}

/** Bytes that begin like a JPEG (SOI, APP0) and end like one; the same for the same seed, different for others. */
export function photo(seed: string | number, size = 2048): Buffer {
  const bytes = Buffer.alloc(size);
  const text = Buffer.from(String(seed));
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, size >> 2);
  let state = crc32(text) || 1;
  // xorshift32: fast enough for hundreds of megabytes, and nothing that deflate could shrink.
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  jpegHead.copy(bytes);
  // 32 bits of state repeat among 100,000 seeds; the seed itself does not.
  text.copy(bytes, jpegHead.length);
  if (size >= jpegHead.length + text.length + 2) bytes.writeUInt16BE(0xffd9, size - 2);
  return bytes;
}

const jpegHead = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex');

/**
 * The name Google gives the sidecar of a media file: `.supplemental-metadata` behind it, all cut to 46 UTF-16
 * units, a duplicate number moved to just before `.json`.
 */
export function defaultSidecarName(media: string): string {
  const dot = media.lastIndexOf('.');
  const stem = dot < 0 ? media : media.slice(0, dot);
  const extension = dot < 0 ? '' : media.slice(dot);
  const [, core = stem, bracket = ''] = /^(.+)(\(\d+\))$/.exec(stem) ?? [];
  return `${`${core}${extension}.supplemental-metadata`.slice(0, 46)}${bracket}.json`;
}

function openPart(
  path: string,
  format: 'zip' | 'tgz' | 'folder',
  compress: boolean,
  mtime: Date,
): PartWriter {
  if (format === 'zip') {
    const zip = openZip(path);
    return {
      add: (name, bytes) => zip.add({ name, bytes, deflate: compress, mtime }),
      finish: () => zip.finish(),
    };
  }
  if (format === 'tgz') {
    const tgz = openTgz(path);
    return { add: (name, bytes) => tgz.add({ name, bytes, mtime }), finish: () => tgz.finish() };
  }
  mkdirSync(path, { recursive: true });
  return { add: (name, bytes) => writeLoose(join(path, name), bytes, mtime), finish: () => undefined };
}

function writeLoose(path: string, bytes: Bytes, mtime: Date): void {
  mkdirSync(dirname(path), { recursive: true });
  if (typeof bytes === 'object' && 'zeros' in bytes) {
    const fd = openSync(path, 'w');
    ftruncateSync(fd, bytes.zeros);
    closeSync(fd);
  } else writeFileSync(path, bytes);
  utimesSync(path, mtime, mtime);
}

function sidecarJson(entry: TakeoutEntry): string {
  if (typeof entry.sidecar === 'string') return entry.sidecar;
  const takenAt = entry.takenAt ?? 1609502400;
  const id = entry.id ?? photoId(`${entry.name} ${takenAt}`);
  const nowhere = { latitude: 0, longitude: 0, altitude: 0, latitudeSpan: 0, longitudeSpan: 0 };
  return JSON.stringify(
    {
      title: entry.name,
      description: '',
      imageViews: '3',
      creationTime: time(takenAt + 3600),
      photoTakenTime: time(takenAt),
      geoData: nowhere,
      geoDataExif: nowhere,
      url: `https://photos.google.com/photo/${id}`,
      googlePhotosOrigin: { mobileUpload: { deviceType: 'ANDROID_PHONE' } },
      ...(entry.sidecar || {}),
    },
    undefined,
    2,
  );
}

/** An id of its own for each text, of a length that Google's have too. */
const photoId = (text: string): string =>
  text.length > 60
    ? createHash('sha256').update(text).digest('base64url')
    : `AF1Qip${Buffer.from(text).toString('base64url')}`;

function albumJson(album: TakeoutAlbum): string {
  if (typeof album.json === 'string') return album.json;
  return JSON.stringify(
    {
      title: album.folder,
      description: '',
      access: 'protected',
      date: time(1609502400),
      ...(album.json || {}),
    },
    undefined,
    2,
  );
}

/** A time as Google writes it: seconds as a string, and a text for people. */
function time(seconds: number): { timestamp: string; formatted: string } {
  const at = new Date(seconds * 1000);
  return {
    timestamp: String(seconds),
    formatted: Number.isNaN(at.getTime()) ? '' : at.toUTCString().replace('GMT', 'UTC'),
  };
}

function highestPart(spec: TakeoutSpec): number {
  let parts = 1;
  for (const { part } of [...(spec.files ?? []), ...(spec.albums ?? [])]) parts = Math.max(parts, part ?? 1);
  // Only a list can be gone through twice.
  if (!Array.isArray(spec.entries)) return parts;
  for (const { part, sidecarPart } of spec.entries as readonly TakeoutEntry[])
    parts = Math.max(parts, part ?? 1, sidecarPart ?? 1);
  return parts;
}

function parseExportTime(text: string): Date {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)/.exec(text) ?? [];
  const at = new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  return Number.isNaN(at.getTime()) ? new Date(Date.UTC(2026, 0, 1, 12)) : at;
}
