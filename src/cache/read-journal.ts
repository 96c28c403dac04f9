/**
 * Reading the journal back. It may lie on a share that others can write, so each line is checked before anything of it
 * is believed; one that was cut off or damaged is passed over and counted, the rest is as good as before.
 */
import { closeSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { GphotosfsError } from '../model/errors.ts';
import { privateName } from './binding.ts';
import { cacheError } from './cache-error.ts';
import { closeDirectory, type Directory, openDirectory, openRegular } from './directories.ts';
import type { JournalRecord } from './journal-record.ts';

/** Reads it from its beginning to its end; `undefined` stands for a line that is no record. */
export type JournalReader = () => Generator<JournalRecord | undefined>;

/** No record is nearly as long: names, titles and descriptions are limited where they come in. */
const longestLine = 1 << 20;
const blockSize = 1 << 20;

/**
 * The journal of the cache with this root; undefined where it has none. The schema's library is loaded here: it takes
 * 100 ms, and no other command needs it.
 * @throws `bad-cache` where something else has its name
 */
export async function openJournalReader(root: Directory): Promise<JournalReader | undefined> {
  const fd = openForReading(root);
  if (fd === undefined) return undefined;
  closeSync(fd);
  const { parseJournalLine } = await import('./journal-schema.ts');
  return function* () {
    for (const line of linesOf(root))
      if (line !== '') yield line === null ? undefined : parseJournalLine(line);
  };
}

/** The lines; null for one that is too long to be one. */
function* linesOf(root: Directory): Generator<string | null> {
  const fd = openForReading(root);
  if (fd === undefined) return;
  try {
    const buffer = Buffer.allocUnsafe(blockSize);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    let isTooLong = false;
    for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer)) {
      const lines = (rest + decoder.write(buffer.subarray(0, length))).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        yield isTooLong || line.length > longestLine ? null : line;
        isTooLong = false;
      }
      if (rest.length > longestLine) {
        rest = '';
        isTooLong = true;
      }
    }
    yield isTooLong ? null : rest + decoder.end();
  } catch (error) {
    throw cacheError(error, 'the journal of the cache cannot be read');
  } finally {
    closeSync(fd);
  }
}

function openForReading(root: Directory): number | undefined {
  try {
    const hidden = openDirectory(root, [privateName]);
    try {
      return openRegular(hidden, 'journal').fd;
    } finally {
      closeDirectory(hidden);
    }
  } catch (error) {
    if (error instanceof GphotosfsError && error.kind === 'not-found') return undefined;
    throw cacheError(error, 'the journal of the cache cannot be read');
  }
}
