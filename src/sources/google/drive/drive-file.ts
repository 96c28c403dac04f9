/**
 * A file in Drive as an archive file: bytes by range. How the file is now is asked again only when bytes were read since
 * it was known, or that was some time ago; so what was read is known to be of one version.
 */
import { LRUCache } from 'lru-cache';
import { GphotosfsError } from '../../../model/errors.ts';
import { type ArchiveFile, type OpenArchive, sourceChanged } from '../../takeout/archives/archive-file.ts';
import { type DriveApi, type DriveFile, driveName, type PinnedFile } from './drive-api.ts';

/**
 * Of an archive's end so much is read at once: with the end record comes, as a rule, all of the directory (some 150 bytes
 * an entry), and a byte more costs far less than another request.
 */
const tailBytes = 1 << 20;
/** Until a known state is asked for again, ms: long enough for the requests of one opened photo. */
const knownForMs = 2000;
/** Pieces up to this size are kept for a while: headers of entries, which a player that jumps about needs again. */
const smallPiece = 4 << 10;
/** Of each archive: a sync reads 100,000 sidecars as such pieces, and each archive keeps its last ones. */
const mostPieces = 64;

/**
 * At 50 ms a request and some 20 MB/s, 1 MB costs as much as a request; but 16 of these are on their way at a time, so it
 * is a tenth of that.
 */
const cost = { joinGap: 128 << 10, longestRun: 1 << 20 };

/** @param known as a listing just told it; without it, it is asked for */
export function driveArchiveFile(api: DriveApi, id: string, known?: DriveFile): ArchiveFile {
  let state: { readonly file: DriveFile; readonly at: number } | undefined =
    known === undefined ? undefined : { file: known, at: performance.now() };
  let readSince = false;
  let current: (Pinned & { readonly fingerprint: string }) | undefined;
  const path = known === undefined ? `Drive file ${id}` : driveName(known.name, id);

  async function look(): Promise<DriveFile> {
    readSince = false;
    const file = await api.look(id);
    state = { file, at: performance.now() };
    return file;
  }

  function fingerprintOf(file: DriveFile): string {
    const path = driveName(file.name, id);
    if (file.trashed)
      throw new GphotosfsError('source-gone', `${path} is in Drive's trash`, {
        hint: 'Take it out of the trash, or add the archive another way; what is cached stays.',
      });
    if (!file.canDownload)
      throw new GphotosfsError('no-permission', `${path}: its owner doesn't let it be downloaded`);
    if (file.fingerprint !== undefined) return file.fingerprint;
    throw new GphotosfsError('source-unreachable', `${path} is still being uploaded`, {
      hint: 'It is read by a sync after that.',
    });
  }

  return {
    name: id,
    path,
    async fingerprint() {
      const file = state === undefined || readSince ? await look() : state.file;
      return fingerprintOf(file);
    },
    async use(expected) {
      const isOld =
        state === undefined || (expected !== undefined && performance.now() - state.at > knownForMs);
      let file = isOld || state === undefined ? await look() : state.file;
      // Who asks may have listed it since.
      if (expected !== undefined && !isOld && fingerprintOf(file) !== expected) file = await look();
      const fingerprint = fingerprintOf(file);
      if (expected !== undefined && fingerprint !== expected) throw sourceChanged(driveName(file.name, id));
      if (current?.fingerprint !== fingerprint)
        current = {
          ...pinned(api, { id, size: file.size ?? 0, path: driveName(file.name, id) }, () => {
            readSince = true;
          }),
          fingerprint,
        };
      return current.lend(fingerprint);
    },
    close: async () => undefined,
  };
}

interface Pinned {
  lend(fingerprint: string): OpenArchive;
}

/** One version of a file. */
function pinned(api: DriveApi, file: PinnedFile, onRead: () => void): Pinned {
  const { path, size } = file;
  const small = new LRUCache<string, Buffer>({ max: mostPieces });
  const tailStart = Math.max(0, size - tailBytes);
  let tail: Promise<Buffer> | undefined;
  let uses = 0;

  async function fetch(start: number, end: number): Promise<Buffer> {
    onRead();
    // Filled as it comes: of pieces that are joined first, as much again lies there as garbage, for each of 16 requests.
    const bytes = Buffer.allocUnsafe(end - start);
    let filled = 0;
    for await (const chunk of api.bytes(file, start, end, { asTheyCome: true })) {
      const copied = chunk.copy(bytes, filled);
      filled += copied;
      // All of the file came, whatever was asked for.
      if (copied < chunk.length) break;
    }
    return bytes.subarray(0, filled);
  }

  /** The end of the file, kept as long as somebody uses the file. */
  function readTail(): Promise<Buffer> {
    tail ??= fetch(tailStart, size);
    tail.catch(() => {
      tail = undefined;
    });
    return tail;
  }

  async function read(position: number, length: number): Promise<Buffer> {
    const end = Math.min(position + length, size);
    if (position >= end) return Buffer.alloc(0);
    // Whoever reads up to the end looks for the end record; the directory before it is wanted next.
    if (end > tailStart && (end === size || tail !== undefined)) {
      const last = await readTail();
      if (position >= tailStart) return Buffer.from(last.subarray(position - tailStart, end - tailStart));
      return Buffer.concat([await fetch(position, tailStart), last.subarray(0, end - tailStart)]);
    }
    if (length > smallPiece) return fetch(position, end);
    const key = `${position} ${length}`;
    const piece = small.get(key) ?? (await fetch(position, end));
    small.set(key, piece);
    return Buffer.from(piece);
  }

  async function* stream(start: number, end: number, signal?: AbortSignal): AsyncGenerator<Buffer, void> {
    if (end > size)
      throw new GphotosfsError('bad-source', `${path} ends at byte ${size}, ${end} were expected`);
    onRead();
    yield* api.bytes(file, start, end, { signal });
  }

  return {
    lend(fingerprint) {
      uses++;
      let released = false;
      return {
        path,
        size,
        fingerprint,
        requests: { ...cost, longRange: api.longRange, inTurn: api.pace.run },
        read,
        stream,
        async release() {
          if (released) return;
          released = true;
          uses--;
          if (uses === 0) tail = undefined;
        },
      };
    },
  };
}
