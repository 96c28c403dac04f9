/** Hashing what is in a file. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface Hashed {
  readonly size: number;
  readonly crc32: number;
  readonly sha256: Buffer;
}

/** Length, CRC-32 and SHA-256 of a descriptor's bytes. */
export async function hashFile(fd: number): Promise<Hashed> {
  const hash = createHash('sha256');
  let crc = 0;
  let size = 0;
  const bytes = createReadStream('', { fd, start: 0, autoClose: false, highWaterMark: 1 << 20 });
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    hash.update(chunk);
    crc = crc32(chunk, crc);
    size += chunk.length;
  }
  return { size, crc32: crc, sha256: hash.digest() };
}
