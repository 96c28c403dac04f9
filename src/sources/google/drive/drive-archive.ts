/**
 * A file in Drive as an archive. What it is, is told by its content, which is looked at when it is listed: an archive
 * that is known already costs no request.
 */
import { GphotosfsError } from '../../../model/errors.ts';
import type { Location } from '../../../model/words.ts';
import type { Archive } from '../../takeout/archives/archive.ts';
import type { ArchiveFile } from '../../takeout/archives/archive-file.ts';
import { downloadAgain } from '../../takeout/archives/problem-list.ts';
import { tgzArchive } from '../../takeout/archives/tgz.ts';
import { zipArchive } from '../../takeout/archives/zip.ts';
import { findDirectory } from '../../takeout/archives/zip-end-record.ts';
import { spooledFile } from './spooled-file.ts';

const tgzEnding = /\.(?:tgz|tar\.gz)$/i;

/** Whether a file calls itself a tgz. */
export const isTgzName = (name: string): boolean => tgzEnding.test(name);

/**
 * @param name the file's name, which is believed until the content is known
 * @param spool a folder for a tgz while its photos are taken
 */
export function driveArchive(file: ArchiveFile, name: string, spool: string | undefined): Archive {
  const zip = zipArchive(file);
  const tgz = tgzArchive(spool === undefined ? file : spooledFile(file, spool));
  let kind = isTgzName(name) ? tgz : zip;
  // Entries of a zip have an address, those of a tgz an ordinal only.
  const kindOf = ({ address }: Pick<Location, 'address'>) => (address === '' ? tgz : zip);
  return {
    name: file.name,
    path: file.path,
    get sequential() {
      return kind.sequential;
    },
    fingerprint: () => file.fingerprint(),
    async list(signal) {
      const open = await file.use();
      try {
        kind = (await isZip(open)) ? zip : tgz;
        return await kind.list(signal);
      } finally {
        await open.release();
      }
    },
    readSmall: (entries, maxBytes, signal) =>
      entries[0] === undefined ? none() : kindOf(entries[0]).readSmall(entries, maxBytes, signal),
    open: (location, request) => kindOf(location).open(location, request),
    openMany(locations, signal, passing) {
      const [first] = locations;
      const archive = first === undefined ? zip : kindOf(first);
      if (archive.openMany === undefined)
        throw new GphotosfsError('internal', `${file.path} can't be read in one pass`);
      return archive.openMany(locations, signal, passing);
    },
    close: () => file.close(),
  };
}

/** @throws `bad-source` for a file that is neither a zip nor a tgz; a zip that is cut off says so when it is listed */
async function isZip(open: Awaited<ReturnType<ArchiveFile['use']>>): Promise<boolean> {
  try {
    await findDirectory(open);
    return true;
  } catch (error) {
    if (!(error instanceof GphotosfsError) || error.kind !== 'bad-source') throw error;
    const head = await open.read(0, 4);
    if (head.length === 4 && head.readUInt32BE(0) === 0x504b0304) return true;
    if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return false;
    throw new GphotosfsError('bad-source', `${open.path} is neither a zip nor a tgz`, {
      hint: downloadAgain,
    });
  }
}

async function* none(): AsyncGenerator<never> {}
