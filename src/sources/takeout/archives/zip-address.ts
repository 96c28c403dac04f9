/**
 * What the index keeps of a zip entry beside its offset, so that it can be opened without the directory: how it is
 * compressed, into how many bytes, and how long its name is (to know the local header by).
 */
import { GphotosfsError } from '../../../model/errors.ts';

/** Compression methods that are read (APPNOTE 4.4.5). */
export const zipMethods = { stored: 0, deflated: 8 } as const;

/** Deflate's best case: a match of 258 bytes in two bits, 1032 to 1. */
export const maxDeflateRatio = 1032;

/** As read back by `parseZipAddress`. */
export interface ZipAddress {
  readonly deflated: boolean;
  /** Bytes. */
  readonly compressedSize: number;
  /** Bytes, in the directory and in the local header alike. */
  readonly nameLength: number;
}

export const zipAddress = (method: number, compressedSize: number, nameLength: number): string =>
  `${method} ${compressedSize} ${nameLength}`;

/** @throws GphotosfsError `internal` for anything that `zipAddress` did not write. */
export function parseZipAddress(address: string): ZipAddress {
  const match = /^(0|8) (\d{1,16}) (\d{1,5})$/.exec(address);
  if (match === null) throw new GphotosfsError('internal', `not the address of a zip entry: ${address}`);
  return { deflated: match[1] === '8', compressedSize: Number(match[2]), nameLength: Number(match[3]) };
}
