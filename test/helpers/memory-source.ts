/**
 * A source in memory: it lists what a test declares and hands out its bytes, by the same contract as the real ones
 * (`test/sources/contract.ts`), and breaks in every way a test asks for. It counts what it did and says which faults
 * fired, so a test can prove that its fault happened.
 *
 *     const source = memorySource();
 *     source.exports = [{ id: 'e1', time: 1000, items: [{ takenAt: 5, files: [{ name: 'a.jpg', bytes: 'A' }] }] }];
 *     source.breakOpen({ kind: 'truncate', at: 0, file: 'a.jpg' });
 *     expect(source.fired).toEqual(['truncate a.jpg']);
 */
import { crc32 } from 'node:zlib';
import { type ErrorKind, GphotosfsError } from '../../src/model/errors.ts';
import type { Content, Location, Problem, Role } from '../../src/model/words.ts';
import type {
  Description,
  OpenRequest,
  Page,
  ScannedAlbum,
  ScannedArchive,
  ScannedItem,
  ScannedLocation,
  ScanRequest,
  Source,
} from '../../src/sources/source.ts';

/** Bytes as they are, text as UTF-8, or bytes that are only made when they are read. */
export type MemoryBytes = Buffer | string | (Content & { readonly make: () => Buffer });

export interface MemoryFile {
  readonly name: string;
  readonly bytes: MemoryBytes;
  /** What it is said to be long, by a source that has no CRC-32s and was told wrong. Default the truth. */
  readonly listedSize?: number;
  /** Default `original`. */
  readonly role?: Role;
  /** Names of the archives that hold it; default the export's first. Several hold the same bytes. */
  readonly archives?: readonly string[];
  /** Path in its archives; default the item's year folder and the name. */
  readonly path?: string;
}

export interface MemoryItem {
  readonly files: readonly MemoryFile[];
  /** Default the first file's name. */
  readonly title?: string;
  readonly photoId?: string;
  readonly takenAt?: number;
  readonly yearFolder?: number;
  readonly provisional?: boolean;
  readonly trashed?: boolean;
  readonly description?: Description;
  /** Keys of the export's albums that it is in: an album's `key`, else its folder. */
  readonly albums?: readonly string[];
}

export interface MemoryAlbum {
  readonly folder: string;
  /** What items call it, where folders repeat. */
  readonly key?: string;
  /** Default the folder. */
  readonly title?: string;
  readonly date?: number;
}

export interface MemoryArchive {
  readonly name: string;
  readonly fingerprint?: string;
  /**
   * `zip` (default): byte offsets, CRC-32s, seekable. `tgz`: ordinals, CRC-32s, one sequential pass. `folder`: ranks
   * in path order, no CRC-32s, seekable.
   */
  readonly shape?: 'zip' | 'tgz' | 'folder';
  /** Bytes before the first file of a zip: other offsets for the same content. */
  readonly shift?: number;
}

export interface MemoryExport {
  readonly id: string;
  /** Seconds since 1970, UTC. */
  readonly time: number;
  /** Default one zip named after the export. */
  readonly archives?: readonly MemoryArchive[];
  readonly items: readonly MemoryItem[];
  /** Albums that no item names have no members. */
  readonly albums?: readonly MemoryAlbum[];
}

export type OpenFault = {
  /** Only streams of files with this name; default all. */
  readonly file?: string;
  /** How often it fires; default once. */
  readonly times?: number;
} & (
  | /** Hands out bytes up to `at`, then nothing until `resume()` or the reader's signal. */
  { readonly kind: 'stall'; readonly at: number }
  | /** Ends before `at` without a word. */ { readonly kind: 'truncate'; readonly at: number }
  | /** Hands out more bytes than the file has. */ { readonly kind: 'long'; readonly by: number }
  | /** Flips a bit of byte `at`: the CRC-32 is wrong. */ {
      readonly kind: 'corrupt';
      readonly at: number;
    } /** Throws before byte `at`; 0: at the first step. */
  | { readonly kind: 'throw'; readonly at: number; readonly error: ErrorKind; readonly retryAfterMs?: number }
);

export type ScanFault =
  | /** Lists nothing. */ { readonly kind: 'empty' }
  | /** Ends after so many pages without a word. */ { readonly kind: 'short'; readonly pages: number }
  | /** Leaves out every second item. */ { readonly kind: 'halved' }
  | /** Gives every page twice. */ { readonly kind: 'repeated' } /** Throws after so many pages. */
  | {
      readonly kind: 'throw';
      readonly pages: number;
      readonly error: ErrorKind | Error;
    } /** After so many pages nothing comes until `resume()` or the scan's signal. */
  | { readonly kind: 'stall'; readonly pages: number };

export interface MemorySource extends Source {
  openMany: NonNullable<Source['openMany']>;
  /** What it lists; a test may set it anew at any time. */
  exports: readonly MemoryExport[];
  /** Problems that the first page tells. */
  problems: readonly Problem[];
  /** Streams that were asked for, by file name, in order. */
  readonly opened: readonly string[];
  /** The first byte that each of them was asked for. */
  readonly openedAt: readonly number[];
  /** Streams that are open now. */
  readonly openNow: number;
  /** Bytes handed out so far. */
  readonly bytesOut: number;
  /** Scans that were started. */
  readonly scans: number;
  /** Faults that fired: `kind file` for a stream, `kind scan` for a scan. */
  readonly fired: readonly string[];
  breakOpen(fault: OpenFault): void;
  /** The next scan breaks so. */
  breakScan(fault: ScanFault): void;
  /** Lets everything that stalls go on. */
  resume(): void;
  readonly closed: boolean;
}

export interface MemorySourceOptions {
  readonly id?: string;
  readonly account?: string;
  /** Items a page; default 100. */
  readonly pageSize?: number;
  /** Bytes a chunk; default 64 KiB. */
  readonly chunkSize?: number;
  readonly exports?: readonly MemoryExport[];
}

/** Bytes that tell files apart: `size` bytes made of `seed`, made anew whenever they are read. */
export function generated(seed: number, size: number): Content & { readonly make: () => Buffer } {
  const make = () => Buffer.alloc(size, `${seed} of ${size};`);
  return { size, crc32: crc32(make()), make };
}

export function memorySource(options: MemorySourceOptions = {}): MemorySource {
  const { id = 'memory', account = 'me', pageSize = 100, chunkSize = 64 * 1024 } = options;
  let library: Library | undefined;
  let exports = options.exports ?? [];
  const opened: string[] = [];
  const openedAt: number[] = [];
  const fired: string[] = [];
  const openFaults: { readonly fault: OpenFault; left: number }[] = [];
  const scanFaults: ScanFault[] = [];
  const stalled = new Set<() => void>();
  const counts = { openNow: 0, bytesOut: 0, scans: 0 };
  let closed = false;

  const listing = () => {
    library ??= layOut(exports);
    return library;
  };

  function stall(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(interrupted());
      stalled.add(resolve);
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
    });
  }

  function takeFault(name: string): OpenFault | undefined {
    const at = openFaults.findIndex(({ fault }) => fault.file === undefined || fault.file === name);
    const chosen = openFaults[at];
    if (chosen === undefined) return undefined;
    chosen.left -= 1;
    if (chosen.left <= 0) openFaults.splice(at, 1);
    return chosen.fault;
  }

  async function* stream(location: Location, request: OpenRequest): AsyncGenerator<Buffer, void> {
    const { signal } = request;
    if (signal?.aborted) throw interrupted();
    const stored = find(listing(), location);
    if (stored.file.listedSize === location.size && location.size !== contentOf(stored.file.bytes).size)
      return yield* streamOther(bytesOf(stored.file.bytes), location.size);
    if (contentOf(stored.file.bytes).size !== location.size)
      throw failure('bad-content', `${stored.file.name} is not of ${location.size} bytes`);
    opened.push(stored.file.name);
    openedAt.push(request.start ?? 0);
    const fault = takeFault(stored.file.name);
    const note = () => fired.push(`${fault?.kind} ${stored.file.name}`);
    const size = contentOf(stored.file.bytes).size;
    const start = Math.max(0, request.start ?? 0);
    const end = Math.min(request.end ?? size, size);
    let bytes = bytesOf(stored.file.bytes).subarray(start, end);
    if (fault?.kind === 'long' && end === size) {
      bytes = Buffer.concat([bytes, Buffer.alloc(fault.by, '+')]);
      note();
    }
    if (fault?.kind === 'corrupt' && fault.at >= start && fault.at < end) {
      bytes = Buffer.from(bytes);
      bytes.writeUInt8(bytes.readUInt8(fault.at - start) ^ 1, fault.at - start);
      note();
    }
    const stops = fault?.kind === 'stall' || fault?.kind === 'truncate' || fault?.kind === 'throw';
    let breakAt = stops ? Math.min(bytes.length, Math.max(0, fault.at - start)) : undefined;
    counts.openNow += 1;
    try {
      for (let at = 0; at < bytes.length || at === breakAt; ) {
        await new Promise((resolve) => setImmediate(resolve));
        if (signal?.aborted) throw interrupted();
        if (at === breakAt) {
          note();
          if (fault?.kind === 'truncate') return;
          if (fault?.kind === 'throw')
            throw failure(fault.error, `${stored.file.name}: as the test asked`, fault.retryAfterMs);
          await stall(signal);
          breakAt = undefined;
          continue;
        }
        const chunk = bytes.subarray(at, Math.min(at + chunkSize, breakAt ?? bytes.length));
        counts.bytesOut += chunk.length;
        at += chunk.length;
        yield Buffer.from(chunk);
      }
    } finally {
      counts.openNow -= 1;
    }
  }

  /** All bytes came, and they are not as many as was said. */
  async function* streamOther(bytes: Buffer, listed: number): AsyncGenerator<Buffer, void> {
    yield Buffer.from(bytes.subarray(0, listed));
    throw new GphotosfsError('bad-content', `it has ${bytes.length} bytes, not ${listed}`, {
      actualSize: bytes.length,
    });
  }

  async function* openMany(locations: readonly Location[], signal: AbortSignal) {
    for (const location of [...locations].sort((a, b) => a.offset - b.offset)) {
      if (signal.aborted) throw interrupted();
      yield { location, bytes: stream(location, { signal }) };
    }
  }

  async function* scan(request: ScanRequest): AsyncGenerator<Page, void> {
    counts.scans += 1;
    const fault = scanFaults.shift();
    const note = () => fired.push(`${fault?.kind} scan`);
    if (fault?.kind === 'empty') {
      note();
      return;
    }
    if (fault?.kind === 'halved') note();
    const { version, pages } = paginate(listing(), source.problems, pageSize, fault?.kind === 'halved');
    // A scan that was cut off goes on behind the last page that was applied.
    const [cursorOf, cursor] = request.rescan ? [] : (request.recall('cursor')?.toString() ?? '').split(' ');
    const first = cursorOf === version ? Number(cursor) : 0;
    for (let at = first; ; at++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (request.signal.aborted) throw interrupted();
      const cuts = fault?.kind === 'short' || fault?.kind === 'throw' || fault?.kind === 'stall';
      if (cuts && at - first === fault.pages) {
        note();
        if (fault.kind === 'short') return;
        if (fault.kind === 'stall') await stall(request.signal);
        else
          throw fault.error instanceof Error
            ? fault.error
            : failure(fault.error, `${source.id}: as the test asked`);
      }
      const page = pages[at];
      if (page === undefined) return;
      request.progress({ phase: 'listing', done: at, total: pages.length });
      const done = at + 1 === pages.length;
      const value = done ? undefined : Buffer.from(`${version} ${at + 1}`);
      const archives = at === first ? listing().archives.map(({ scanned }) => scanned) : [];
      const whole: Page = { ...page, archives, memos: [{ key: 'cursor', value }] };
      yield whole;
      if (fault?.kind === 'repeated') {
        if (at === first) note();
        yield whole;
      }
    }
  }

  const source: MemorySource = {
    id,
    account,
    features: { albums: true, exactSizes: true },
    problems: [],
    scan,
    open: (location, request = {}) => stream(location, request),
    openMany,
    async close() {
      closed = true;
    },
    get exports() {
      return exports;
    },
    set exports(value) {
      exports = value;
      library = undefined;
    },
    opened,
    openedAt,
    fired,
    get openNow() {
      return counts.openNow;
    },
    get bytesOut() {
      return counts.bytesOut;
    },
    get scans() {
      return counts.scans;
    },
    get closed() {
      return closed;
    },
    breakOpen: (fault) => void openFaults.push({ fault, left: fault.times ?? 1 }),
    breakScan: (fault) => void scanFaults.push(fault),
    resume() {
      for (const go of stalled) go();
      stalled.clear();
    },
  };
  return source;
}

const interrupted = () => new GphotosfsError('interrupted', 'the reader gave up');

const failure = (kind: ErrorKind, what: string, retryAfterMs?: number) =>
  new GphotosfsError(kind, what, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

export function bytesOf(bytes: MemoryBytes): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes);
  return Buffer.isBuffer(bytes) ? bytes : bytes.make();
}

export function contentOf(bytes: MemoryBytes): Content {
  if (typeof bytes !== 'string' && !Buffer.isBuffer(bytes)) return { size: bytes.size, crc32: bytes.crc32 };
  const known = bytesOf(bytes);
  return { size: known.length, crc32: crc32(known) };
}

/** A file at its place in an archive. */
interface Stored {
  readonly file: MemoryFile;
  readonly path: string;
  readonly location: ScannedLocation;
}

interface LaidOut {
  readonly scanned: ScannedArchive;
  readonly shape: NonNullable<MemoryArchive['shape']>;
  readonly stored: ReadonlyMap<number, Stored>;
}

interface Library {
  readonly exports: readonly MemoryExport[];
  readonly archives: readonly LaidOut[];
  /** Where each file lies. */
  readonly places: ReadonlyMap<MemoryFile, readonly ScannedLocation[]>;
}

const archivesOf = (from: MemoryExport): readonly MemoryArchive[] =>
  from.archives ?? [{ name: `/exports/${from.id}.zip` }];

/** Gives every file its places: offsets in the order of declaration, in folders ranks in the order of paths. */
function layOut(exports: readonly MemoryExport[]): Library {
  const inTime = [...exports].sort((a, b) => a.time - b.time);
  const places = new Map<MemoryFile, ScannedLocation[]>();
  const archives = inTime.flatMap((from) => {
    const declared = archivesOf(from);
    const inside = new Map(declared.map(({ name }) => [name, [] as { file: MemoryFile; path: string }[]]));
    for (const item of from.items) {
      for (const file of item.files) {
        const path = file.path ?? `${item.yearFolder ?? 'undated'}/${file.name}`;
        for (const name of file.archives ?? declared.slice(0, 1).map((archive) => archive.name)) {
          const list = inside.get(name);
          if (list === undefined) throw new Error(`export ${from.id} has no archive ${name}`);
          list.push({ file, path });
        }
      }
    }
    return declared.map((archive) => fill(from, archive, inside.get(archive.name) ?? [], places));
  });
  return { exports: inTime, archives, places };
}

function fill(
  from: MemoryExport,
  archive: MemoryArchive,
  files: readonly { file: MemoryFile; path: string }[],
  places: Map<MemoryFile, ScannedLocation[]>,
): LaidOut {
  const { name, shape = 'zip', fingerprint = 'v1' } = archive;
  const inOrder = shape === 'folder' ? [...files].sort((a, b) => (a.path < b.path ? -1 : 1)) : files;
  const stored = new Map<number, Stored>();
  let offset = archive.shift ?? 0;
  for (const { file, path } of inOrder) {
    const { size } = contentOf(file.bytes);
    const address = shape === 'folder' ? `${size}:0:${path}` : path;
    const location = { archive: name, offset, address, seekable: shape !== 'tgz' };
    stored.set(offset, { file, path, location });
    places.set(file, [...(places.get(file) ?? []), location]);
    // A local header and its name stand before a zip's bytes.
    offset += shape === 'zip' ? 30 + Buffer.byteLength(path) + size : 1;
  }
  const sequential = shape === 'tgz';
  const scanned = { name, exportId: from.id, exportTime: from.time, fingerprint, sequential };
  return { scanned, shape, stored };
}

function find(library: Library, location: Location): Stored {
  const archive = library.archives.find(({ scanned }) => scanned.name === location.archive);
  if (archive === undefined) throw new GphotosfsError('source-gone', `${location.archive} is not there`);
  const stored = archive.stored.get(location.offset);
  if (
    archive.scanned.fingerprint !== location.fingerprint ||
    stored === undefined ||
    stored.location.address !== location.address
  ) {
    throw new GphotosfsError('source-changed', `${location.archive} changed since it was scanned`);
  }
  return stored;
}

function paginate(library: Library, problems: readonly Problem[], pageSize: number, halved: boolean) {
  const shapes = new Map(library.archives.map(({ scanned, shape }) => [scanned.name, shape]));
  const pages: Omit<Page, 'archives' | 'memos'>[] = [];
  for (const from of library.exports) {
    const chosen = from.items.filter((_, at) => !halved || at % 2 === 0);
    const count = Math.max(1, Math.ceil(chosen.length / pageSize));
    for (let at = 0; at < count; at++) {
      const items = chosen.slice(at * pageSize, (at + 1) * pageSize);
      const albums = at + 1 === count ? albumsOf(library, from, chosen) : [];
      pages.push({
        items: items.map((item) => scannedItem(library, shapes, from, item)),
        albums,
        problems: pages.length === 0 ? problems : [],
      });
    }
  }
  const version = JSON.stringify(library.archives.map(({ scanned, stored }) => [scanned, stored.size]));
  return { version: `${crc32(version)}`, pages };
}

function scannedItem(
  library: Library,
  shapes: ReadonlyMap<string, string>,
  from: MemoryExport,
  item: MemoryItem,
): ScannedItem {
  return {
    exportId: from.id,
    photoId: item.photoId,
    title: item.title ?? item.files[0]?.name ?? '',
    takenAt: item.takenAt,
    yearFolder: item.yearFolder,
    provisional: item.provisional ?? false,
    trashed: item.trashed ?? false,
    description: item.description ?? {},
    files: item.files.map((file) => {
      const locations = placesIn(library, from, file);
      const { size, crc32 } = contentOf(file.bytes);
      if (file.listedSize !== undefined)
        return {
          role: file.role ?? 'original',
          name: file.name,
          content: { size: file.listedSize, crc32: undefined },
          locations,
        };
      const onlyFolders = locations.every(({ archive }) => shapes.get(archive) === 'folder');
      const content = { size, crc32: onlyFolders ? undefined : crc32 };
      return { role: file.role ?? 'original', name: file.name, content, locations };
    }),
  };
}

/** A test may declare one file in several exports. */
function placesIn(library: Library, from: MemoryExport, file: MemoryFile): ScannedLocation[] {
  const names = archivesOf(from).map(({ name }) => name);
  return (library.places.get(file) ?? []).filter(({ archive }) => names.includes(archive));
}

function albumsOf(library: Library, from: MemoryExport, items: readonly MemoryItem[]): ScannedAlbum[] {
  return (from.albums ?? []).map((album) => ({
    folder: album.folder,
    title: album.title ?? album.folder,
    date: album.date,
    members: items
      .filter((item) => item.albums?.includes(album.key ?? album.folder))
      .flatMap((item) => item.files.flatMap((file) => placesIn(library, from, file).slice(0, 1)))
      .map(({ archive, offset }) => ({ archive, offset })),
  }));
}
