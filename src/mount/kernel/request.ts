/** Requests as they stand in the buffer that every read of the device fills anew. */
import { request as header, nameMax, readUint64, requestCapacity } from './protocol.ts';

/** One request. The object and its bytes are used again for the next one. */
export interface Request {
  readonly bytes: Buffer;
  length: number;
  opcode: number;
  /** The two halves of `unique`, copied into the answer as they are. */
  uniqueLow: number;
  uniqueHigh: number;
  nodeid: number;
  /** Whether an answer was sent, or is left to the main thread. */
  answered: boolean;
}

export function createRequest(): Request {
  const bytes = Buffer.alloc(requestCapacity);
  return { bytes, length: 0, opcode: 0, uniqueLow: 0, uniqueHigh: 0, nodeid: 0, answered: false };
}

/** Takes the header of the request whose `length` bytes were just read. */
export function takeRequest(request: Request, length: number): void {
  const { bytes } = request;
  request.length = length;
  request.opcode = bytes.readUInt32LE(header.opcode);
  request.uniqueLow = bytes.readUInt32LE(header.unique);
  request.uniqueHigh = bytes.readUInt32LE(header.unique + 4);
  request.nodeid = readUint64(bytes, header.nodeid);
  request.answered = false;
}

/** The whole `unique` as a number. */
export function uniqueOf(request: Request): number {
  return request.uniqueHigh * 0x1_0000_0000 + request.uniqueLow;
}

/**
 * The NUL-terminated string at byte `at`, as UTF-8 without normalisation or byte order mark handling.
 * Gives undefined where the bytes aren't UTF-8 (no name here can be such), `'too-long'` above 255 bytes.
 */
export function nameAt(request: Request, at: number): { readonly name: string } | undefined | 'too-long' {
  const { bytes, length } = request;
  let end = bytes.indexOf(0, at);
  if (end === -1 || end > length) end = length;
  if (end - at > nameMax) return 'too-long';
  const name = bytes.toString('utf8', at, end);
  // U+FFFD stands for bytes that aren't UTF-8, unless it was in the name: then it encodes to the same bytes.
  if (name.includes('\ufffd') && Buffer.compare(Buffer.from(name), bytes.subarray(at, end)) !== 0)
    return undefined;
  return { name };
}
