/**
 * Goes through the records of a central directory held in memory. Plain ones are read by `zip-record.ts`, the others by
 * `zip-odd-records.ts`. Where that gives up at a record, it is set up again behind that record: one broken record costs
 * that entry only.
 */
import { downloadAgain, type ProblemList } from './problem-list.ts';
import {
  type DirectoryRecord,
  encryptedFlags,
  plainRecord,
  recordBytes,
  recordLength,
  recordSignature,
} from './zip-record.ts';

/** A digital signature may end the directory (APPNOTE 4.3.13). */
const digitalSignature = 0x05054b50;
/** Records between two pauses for the event loop: some 10 ms. */
const recordsPerTurn = 10_000;

type Take = (record: DirectoryRecord) => void;

/**
 * Calls `take` for each record that can be parsed, and `turn` now and then, which may throw to stop it. Gives the number
 * of records, those that can't be parsed included; they are noted as problems.
 */
export async function eachRecord(
  directory: Buffer,
  problems: ProblemList,
  turn: () => void,
  take: Take,
): Promise<number> {
  let reader: ((at: number) => Promise<DirectoryRecord | Error>) | undefined;
  const readOdd = async (at: number): Promise<DirectoryRecord | Error> => {
    reader ??= (await import('./zip-odd-records.ts')).oddRecordReader(directory);
    return reader(at);
  };
  let records = 0;
  let pauseAt = recordsPerTurn;
  turn();
  for (let at = 0; hasMore(directory, at); records++) {
    const plain = takePlain(directory, at, recordsPerTurn, take);
    records += plain.count;
    at = plain.end;
    if (records >= pauseAt) {
      pauseAt = records + recordsPerTurn;
      await nextTurn();
      turn();
    }
    if (!hasMore(directory, at)) break;
    const record = plainRecord(directory, at) ?? (await readOdd(at));
    if (record instanceof Error) {
      const length = skipBroken(directory, at, record, problems);
      if (length === undefined) return records + 1;
      at += length;
    } else {
      take(record);
      at += recordLength(directory, at);
    }
  }
  return records;
}

const hasMore = (directory: Buffer, at: number): boolean =>
  at < directory.length && !(at + 4 <= directory.length && directory.readUInt32LE(at) === digitalSignature);

/** Takes the plain records from `start` on, at most so many; gives where they end. */
function takePlain(
  directory: Buffer,
  start: number,
  most: number,
  take: Take,
): { readonly count: number; readonly end: number } {
  let end = start;
  for (let count = 0; count < most; count++) {
    const record = plainRecord(directory, end);
    if (record === undefined) return { count, end };
    take(record);
    end += recordLength(directory, end);
  }
  return { count: most, end };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Notes a record that yauzl gave up on. Gives its length, or undefined when nothing behind it can be found. */
function skipBroken(directory: Buffer, at: number, error: Error, problems: ProblemList): number | undefined {
  const whole = at + recordBytes <= directory.length && directory.readUInt32LE(at) === recordSignature;
  const length = whole ? recordLength(directory, at) : Number.POSITIVE_INFINITY;
  if (at + length > directory.length) {
    problems.archive('its directory is damaged; what comes behind the damage is missing', downloadAgain);
    return undefined;
  }
  const name = directory.toString(
    'utf8',
    at + recordBytes,
    at + recordBytes + directory.readUInt16LE(at + 28),
  );
  const flags = directory.readUInt16LE(at + 8);
  if (flags & encryptedFlags) problems.entry(name, encrypted, withoutPassword);
  else problems.entry(name, `its record in the directory is damaged (${error.message})`, downloadAgain);
  return length;
}

export const encrypted = 'it is encrypted';
export const withoutPassword =
  'Unpack the archive with its password and add the folder; then run "gphotosfs sync".';
