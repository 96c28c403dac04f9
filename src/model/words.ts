/**
 * The words of the house as types: what every folder means by file, role, content and location.
 * `../../README.md` explains them to a user; the data here is plain and readonly.
 */

/**
 * What a file is to its item: the photo as taken, an edit made by Google's editor, the clip of a live photo, or what is known of
 * one of these.
 */
export type Role = 'original' | 'edited' | 'motion' | 'sidecar';

/** One file's bytes as far as a source knows them before they are fetched. */
export interface Content {
  /** Exact length, bytes. */
  readonly size: number;
  /** CRC-32 (ISO 3309, as in zip), or undefined where the source has none. */
  readonly crc32: number | undefined;
}

/** Where one file's bytes can be had. */
export interface Location extends Content {
  /** The source's id. */
  readonly source: string;
  /** The archive's name within the source (a path, a Drive id). */
  readonly archive: string;
  /** The archive's fingerprint when it was scanned: bytes are read from that archive or not at all. */
  readonly fingerprint: string;
  /** Position inside the archive, in the order that is cheapest to read: a byte offset or an ordinal. */
  readonly offset: number;
  /** What else the source needs to find the bytes; opaque to everyone else. */
  readonly address: string;
  /** Whether `open` can start in the middle without reading what stands before it. */
  readonly seekable: boolean;
}

/** Something that could not be used, told to the owner while everything else goes on. */
export interface Problem {
  /** The file, archive or entry. */
  readonly where: string;
  /** What is wrong with it. */
  readonly what: string;
  /** What the owner can do. */
  readonly remedy: string;
  /** `notice`: good to know, nothing is missing (a slow format). Absent: something was left out. */
  readonly severity?: 'notice';
}

/** Seconds since 1970-01-01 UTC; negative before. */
export type UnixSeconds = number;
