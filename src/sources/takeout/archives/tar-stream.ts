/**
 * The entries of a gzipped tar, one after the other, each to be read before the next. Damage doesn't swallow what
 * stands before it: everything that could still be unpacked is delivered first, then the damage is thrown.
 */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, type Gunzip } from 'node:zlib';
import type { Extract, Header } from 'tar-stream';
import { GphotosfsError, toGphotosfsError } from '../../../model/errors.ts';
import type { OpenArchive } from './archive-file.ts';
import { readsAsUtf8 } from './entry-path.ts';
import { downloadAgain } from './problem-list.ts';

/** Bytes of tar at a time. */
const chunkSize = 256 * 1024;
/** A tar ends with two blocks of zeros (POSIX pax, "ustar Interchange Format"); without them it was cut off. */
const endMark = 1024;

/** An entry of a tar, of any type. */
export interface TarEntry {
  /** Counts every entry, also those that are no files, from 0. */
  readonly ordinal: number;
  readonly name: string;
  /** `file`, `directory`, `symlink` …; null for what tar-stream doesn't know (sparse files, for one). */
  readonly type: Header['type'] | null;
  readonly size: number;
  readonly modified: Date;
  /** The bytes, exactly `size`, once. What is not taken is skipped. */
  readonly bytes: AsyncIterable<Buffer>;
}

/**
 * Goes through the whole archive, or as far as it is asked to.
 * @throws GphotosfsError `bad-source` behind the last entry that could be read, when gzip or tar is damaged or cut off;
 * `interrupted`, and as `readFailure` tells.
 */
export async function* tarEntries(
  file: OpenArchive,
  signal: AbortSignal | undefined,
): AsyncGenerator<TarEntry, void, undefined> {
  // Where no tgz is read it is not wanted, and takes some 30 ms of a prefetch that is under way.
  const { extract } = await import('tar-stream');
  // Names come as bytes, for tar has no word on their encoding. The high-water mark is one chunk.
  const options = { highWaterMark: chunkSize, filenameEncoding: 'latin1' };
  const tar = extract(options);
  // With Z_SYNC_FLUSH a truncated stream gives all its bytes and then just ends; the end mark tells it was cut.
  const gunzip = createGunzip({ chunkSize, finishFlush: constants.Z_SYNC_FLUSH });
  const compressed = Readable.from(file.stream(0, file.size, signal), { highWaterMark: 1 });
  const pumped = pipeline(compressed, gunzip).catch(() => undefined);
  const feeding = feed(gunzip, tar);
  // What tar says of an error ("unexpected end") is often only the echo of what ended the feeding.
  const explain = async (error: unknown): Promise<unknown> => {
    tar.destroy();
    return damage(await feeding, error, file.path) ?? error;
  };
  let ordinal = 0;
  try {
    for await (const stream of tar) {
      const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      const { name, type, size, mtime, pax } = stream.header;
      yield {
        ordinal: ordinal++,
        name: hasPath(pax) ? name : decode(name),
        type,
        size,
        modified: mtime,
        bytes: keepOpen(chunks, explain),
      };
      for (let next = await chunks.next(); !next.done; next = await chunks.next());
    }
    const missing = damage(await feeding, undefined, file.path);
    if (missing !== undefined) throw missing;
  } catch (error) {
    throw await explain(error);
  } finally {
    tar.destroy();
    await feeding;
    await pumped;
  }
}

/** What ended the feeding: an error of the file or of gzip, or that the end mark was missing. */
interface Fed {
  readonly error: unknown;
  readonly endMarkSeen: boolean;
}

/** Passes the unzipped bytes on to tar. Never rejects. */
async function feed(gunzip: Gunzip, tar: Extract): Promise<Fed> {
  let zeros = 0;
  let error: unknown;
  const closed = once(tar, 'close').catch(() => undefined);
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      const ending = trailingZeros(chunk);
      zeros = ending === chunk.length ? zeros + ending : ending;
      if (tar.destroyed) break;
      if (!tar.write(chunk)) await Promise.race([once(tar, 'drain').catch(() => undefined), closed]);
    }
  } catch (caught) {
    error = caught;
  }
  // In every case tar works through what it has; where that ends within an entry, it says so.
  tar.end(null);
  return { error, endMarkSeen: zeros >= endMark };
}

/** How many zero bytes a chunk ends with. */
function trailingZeros(chunk: Buffer): number {
  let at = chunk.length;
  while (at > 0 && chunk[at - 1] === 0) at--;
  return chunk.length - at;
}

/** The reason behind an error, or (`error` undefined) why an end without an error is none; undefined when all is well. */
function damage(fed: Fed, error: unknown, path: string): GphotosfsError | undefined {
  if (fed.error instanceof GphotosfsError) return fed.error;
  if (error instanceof GphotosfsError) return error;
  const cause = fed.error ?? error;
  if (cause === undefined && fed.endMarkSeen) return undefined;
  const why = cause === undefined ? 'its end is missing' : toGphotosfsError(cause).message;
  return new GphotosfsError('bad-source', `${path} is damaged or was not downloaded to its end: ${why}`, {
    hint: downloadAgain,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** An iterable that can be left early without destroying the stream (and with it the whole tar) underneath. */
function keepOpen(
  chunks: AsyncIterator<Buffer>,
  explain: (error: unknown) => Promise<unknown>,
): AsyncIterable<Buffer> {
  const next = () =>
    chunks.next().catch(async (error: unknown) => {
      throw await explain(error);
    });
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

/** Whether the name comes from a pax header, which is UTF-8 by definition and already decoded. */
const hasPath = (pax: unknown): boolean => typeof pax === 'object' && pax !== null && 'path' in pax;

/** A name read as latin1, so byte by byte, as what it is: UTF-8 nearly always, else left as latin1. */
function decode(name: string): string {
  const raw = Buffer.from(name, 'latin1');
  return readsAsUtf8(raw) ? raw.toString('utf8') : name;
}
