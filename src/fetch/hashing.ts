/** Hashing bytes while they come. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Size, CRC-32 and SHA-256 of bytes that come one after another. */
export interface Hashing {
  readonly size: number;
  readonly crc32: number;
  add(chunk: Buffer): void;
  /** Ends it. */
  sha256(): Buffer;
}

export function hashingOf(): Hashing {
  const hash = createHash('sha256');
  let size = 0;
  let crc = 0;
  return {
    get size() {
      return size;
    },
    get crc32() {
      return crc;
    },
    add(chunk) {
      hash.update(chunk);
      crc = crc32(chunk, crc);
      size += chunk.length;
    },
    sha256: () => hash.digest(),
  };
}
