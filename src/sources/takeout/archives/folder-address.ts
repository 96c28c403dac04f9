/** What the index keeps of a file in a folder: its own fingerprint, and its raw path, which the NFC path can't tell. */
import { GphotosfsError } from '../../../model/errors.ts';

export const folderAddress = (size: bigint, mtimeNs: bigint, raw: string): string =>
  `${size}:${mtimeNs}:${raw}`;

/**
 * The parts of an address: `size:mtimeNs`, and the path below the folder.
 * @throws GphotosfsError `internal` for anything that `folderAddress` did not write, above all a path that climbs out.
 */
export function parseFolderAddress(address: string): { readonly fingerprint: string; readonly raw: string } {
  const [, fingerprint, raw] = /^(\d+:-?\d+):(.+)$/s.exec(address) ?? [];
  const below = raw
    ?.split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'));
  if (fingerprint === undefined || raw === undefined || !below)
    throw new GphotosfsError('internal', `not the address of a file in a folder: ${address}`);
  return { fingerprint, raw };
}
