/**
 * The face that every source shows: it lists items (`scan`) and hands out bytes (`open`).
 *
 * Abilities that only some sources have are data (`features`), never a question of what a source is.
 * `test/sources/contract.ts` is the suite that every source passes.
 */
import type { Content, Location, Problem, Role, UnixSeconds } from '../model/words.ts';

/** What a source can do beyond listing and opening. */
export interface Features {
  /** Lists albums. */
  readonly albums: boolean;
  /** Knows every file's exact size before it is fetched. */
  readonly exactSizes: boolean;
  /**
   * Each file is a request of its own, wherever it lies: many are fetched side by side, and no order is cheaper than
   * another. Absent: files lie in archives, where neighbours are read one after another.
   */
  readonly requestPerFile?: boolean;
}

/** One archive (or listing) of a source. */
export interface ScannedArchive {
  /** Unique within the source: an absolute path, a Drive id. */
  readonly name: string;
  /** The export it is a part of. Two files of one export are never merged as "the same item, seen again". */
  readonly exportId: string;
  /** When the export was made; a newer export's facts win. */
  readonly exportTime: UnixSeconds;
  /** Changes when the archive's bytes may have changed (size and mtime, or a head revision). */
  readonly fingerprint: string;
  /** Reading one file costs reading all that stands before it, so its files are wanted in one pass (`openMany`). */
  readonly sequential: boolean;
  /** What its owner knows it by; default its name. */
  readonly title?: string;
  /**
   * Its bytes come over a network, where each request takes its time: nearer places go first, and neighbours are wanted
   * together (`openMany`).
   */
  readonly remote?: boolean;
  /** Files in it that are listed nowhere, so that nothing keeps them; undefined where that isn't known (yet). */
  readonly unkept?: number | undefined;
  /** Files in it that are listed, whether or not the index takes all of them; undefined where that isn't known (yet). */
  readonly listed?: number | undefined;
}

/** A place in a scanned archive, as a page names it. */
export interface ScannedLocation {
  readonly archive: string;
  readonly offset: number;
  readonly address: string;
  readonly seekable: boolean;
}

/** One file of an item: its bytes in one role. */
export interface ScannedFile {
  readonly role: Role;
  /** The file's name as the source has it; the tree makes it safe. */
  readonly name: string;
  readonly content: Content;
  /** At least one; all of them hold the same bytes. */
  readonly locations: readonly ScannedLocation[];
}

/** What a sidecar or an API says of an item, for people. */
export interface Description {
  readonly description?: string;
  readonly people?: readonly string[];
  /** Latitude and longitude in degrees. */
  readonly place?: readonly [number, number];
  readonly favorited?: boolean;
  readonly archived?: boolean;
}

/** One photo or video, with its files. */
export interface ScannedItem {
  readonly exportId: string;
  /** Google's id of the item; undefined where unknown, or borne by several items of the export. */
  readonly photoId: string | undefined;
  /** The name its owner knows it by; where no sidecar tells, the file's name. */
  readonly title: string;
  readonly takenAt: UnixSeconds | undefined;
  /** The year whose folder the source put it in; undefined where no folder tells. */
  readonly yearFolder: number | undefined;
  /** No sidecar has been read: title, time and flags may still come. */
  readonly provisional: boolean;
  /** In the trash: not listed, unless it was listed before. */
  readonly trashed: boolean;
  readonly description: Description;
  /**
   * Width and height in pixels, as its owner sees it or turned. Given only where no other item of the source has the same
   * title and time, for by them it may be taken for an item of another source.
   */
  readonly dimensions?: readonly [number, number];
  readonly files: readonly ScannedFile[];
}

/** A titled collection; its members are named by one of their locations. */
export interface ScannedAlbum {
  /** Folder name (or API id); with account and date it is the album's identity. */
  readonly folder: string;
  readonly title: string;
  readonly date: UnixSeconds | undefined;
  readonly members: readonly { readonly archive: string; readonly offset: number }[];
}

/** Something the source wants to find again at its next scan; written in the page's transaction. */
export interface Memo {
  readonly key: string;
  /** undefined forgets the key. */
  readonly value: Buffer | undefined;
}

/**
 * A piece of a listing. Pages come in the order in which names shall be given (export time, path, content).
 * The archives of an export are all named before its first item, for an item at a place in none of them may be one that
 * was moved. A page and its memos are applied in one transaction, so a scan that is cut off goes on from what was applied.
 */
export interface Page {
  readonly archives: readonly ScannedArchive[];
  /** May be made anew each time it is gone through: a page of them need not be in memory. */
  readonly items: Iterable<ScannedItem>;
  readonly albums: readonly ScannedAlbum[];
  readonly memos: readonly Memo[];
  readonly problems: readonly Problem[];
  /** Of a scan's last page: how many items can't be listed yet, for their size isn't known. */
  readonly waiting?: number;
  /** Names of archives that are surely there no more: no byte can be had from them, what they showed stays listed. */
  readonly gone?: readonly string[];
  /**
   * Its items come again in this scan, with what their sidecars say. One that may be something which is known already is
   * not listed before that: two for one would stay two.
   */
  readonly early?: boolean;
}

/** Progress of a scan, for people: a phase and how far it is. */
export interface ScanProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** How fast the source may be asked: "16 at a time". */
  readonly pace?: string;
}

export interface ScanRequest {
  /** Reads what an earlier page's memo wrote. */
  readonly recall: (key: string) => Buffer | undefined;
  /** Read everything again, also what has not changed. */
  readonly rescan: boolean;
  readonly signal: AbortSignal;
  readonly progress: (progress: ScanProgress) => void;
  /**
   * Only what was listed early is listed again, where no more than so many of its sidecars are still to be asked for:
   * passes have brought the others (`SweepNotes`). Nothing new is looked for.
   */
  readonly lateOnly?: number;
  /** Told the names of all archives that are there, read or not, where they can go: what isn't among them may come back. */
  readonly present?: (archives: readonly string[]) => void;
}

export interface OpenRequest {
  /** First byte wanted; default 0. Only a seekable location starts there without reading what precedes it. */
  readonly start?: number;
  /** One past the last byte wanted; default the file's size. */
  readonly end?: number;
  readonly signal?: AbortSignal;
  /** Nothing else waits for this thread: what is small may be read and inflated in one call. */
  readonly atOnce?: boolean;
}

/** One request for a file's bytes, ready to be sent. */
export interface BytesLink {
  readonly url: string;
  /** Names in lower case; `authorization` goes to `url` only. */
  readonly headers: Readonly<Record<string, string>>;
  /** What has to come. */
  readonly family: 'image' | 'video';
  /** The item, in errors. */
  readonly what: string;
}

/** The source's own memos, for a pass that comes by what a scan has still to read. */
export interface SweepNotes {
  readonly recall: (key: string) => Buffer | undefined;
  /** Keeps a memo at once. */
  readonly keep: (memo: Memo) => void;
}

/** A place that lists items and hands out bytes. */
export interface Source {
  /** Unique among the sources of a home, such as `takeout`. */
  readonly id: string;
  /** The label of the Google account it belongs to. */
  readonly account: string;
  readonly features: Features;
  /** Where a thread can open the source for itself: what `openSources` opens it with. */
  readonly openedWith?: unknown;
  /**
   * What a thread needs to have the whole of a place by one request, where it can't open the source. What is the source's own
   * (tokens, counts, links) has been seen to. A second request, or a failure's reason, is `open`'s.
   */
  linkTo?(location: Location, signal: AbortSignal): Promise<BytesLink>;

  /**
   * Lists what the source has, page by page. What a scan does not mention is not thereby deleted: a short,
   * empty or failed scan removes nothing. What cannot be read becomes a problem in a page; only what makes
   * the whole scan impossible is thrown.
   */
  scan(request: ScanRequest): AsyncIterable<Page>;

  /**
   * Streams the bytes of one file from `start` to `end`. It never yields more than was asked for.
   * Throws `source-gone`, `source-changed`, `source-unreachable` or `bad-content` (a stream that ends early,
   * is longer than the location says, or does not inflate). The CRC-32 is the caller's to check.
   */
  open(location: Location, request?: OpenRequest): AsyncIterable<Buffer>;

  /**
   * Streams many files of one archive, sequential or remote, in one pass, in ascending offset, whole. Each `bytes` must be consumed
   * (or returned) before the next is asked for. A failure of one file is thrown by its `bytes`.
   */
  openMany?(
    locations: readonly Location[],
    signal: AbortSignal,
    notes?: SweepNotes,
  ): AsyncIterable<{ readonly location: Location; readonly bytes: AsyncIterable<Buffer> }>;

  /** Whether a scan that was cut off has listed something early, so that it may be refined (`lateOnly`). */
  isEarly?(recall: ScanRequest['recall']): Promise<boolean>;

  /**
   * Told which places are about to be opened, some dozens at most, so that what one request tells of all of them is not
   * asked for one by one. What goes wrong is thrown by `open`.
   */
  prepare?(locations: readonly Location[]): Promise<void>;

  /**
   * Streams a small JPEG of a photo or video, upright, of at most 256 × 256, which the source makes: it costs a few kB however
   * large the original is. Throws as `open` does.
   */
  openSmall?(location: Location, signal: AbortSignal): AsyncIterable<Buffer>;

  close(): Promise<void>;
}
