/** The records of a listing: one an entry, for READDIR the name alone, for READDIRPLUS with all that LOOKUP would say. */
import type { Attributes, DirectoryEntry } from '../driver.ts';
import { putEntry } from './answer.ts';
import { type AnswerBuffer, put64 } from './answer-buffer.ts';
import type { Presentation } from './messages.ts';
import { direntLength, entryOutLength, nameMax } from './protocol.ts';

/** `DT_…` of <dirent.h> for each kind. */
const direntType = { file: 8, directory: 4, symlink: 10 } as const;

/**
 * `struct fuse_dirent` at byte `at`, name and padding included.
 * Gives the byte behind it, which may lie behind the room that the kernel offered: then the record is not sent.
 */
function putDirent(
  answer: AnswerBuffer,
  at: number,
  name: string,
  ino: number,
  cookie: number,
  kind: Attributes['kind'],
): number {
  const { words, bytes } = answer;
  const word = at >> 2;
  const nameAt = at + direntLength;
  const length = putName(bytes, nameAt, name);
  const end = (nameAt + length + 7) & ~7;
  put64(words, word, ino);
  put64(words, word + 2, cookie);
  words[word + 4] = length;
  words[word + 5] = direntType[kind];
  for (let padding = nameAt + length; padding < end; padding++) bytes[padding] = 0;
  return end;
}

/** Writes a name as UTF-8 and gives its bytes. Most names are ASCII, which a loop copies faster than a call into C++. */
function putName(bytes: Buffer, at: number, name: string): number {
  const { length } = name;
  if (length > nameMax) return bytes.write(name, at, nameMax, 'utf8');
  for (let index = 0; index < length; index++) {
    const unit = name.charCodeAt(index);
    if (unit > 0x7f) return bytes.write(name, at, nameMax, 'utf8');
    bytes[at + index] = unit;
  }
  return length;
}

/** An entry of READDIR at byte `at`; gives the byte behind it. */
export function putListed(answer: AnswerBuffer, at: number, entry: DirectoryEntry): number {
  const { ino, kind } = entry.attributes;
  return putDirent(answer, at, entry.name, ino, entry.cookie, kind);
}

/** An entry of READDIRPLUS at byte `at`; gives the byte behind it. */
export function putListedPlus(
  answer: AnswerBuffer,
  at: number,
  entry: DirectoryEntry,
  attributes: Attributes,
  as: Presentation,
): number {
  const { ino, kind } = attributes;
  putEntry(answer.words, at >> 2, attributes, as);
  return putDirent(answer, at + entryOutLength, entry.name, ino, entry.cookie, kind);
}

/** `.` or `..` at byte `at`; in READDIRPLUS with node id 0, so that it counts as no lookup. Gives the byte behind it. */
export function putDot(answer: AnswerBuffer, at: number, ino: number, cookie: 1 | 2, plus: boolean): number {
  if (plus) answer.words.fill(0, at >> 2, (at + entryOutLength) >> 2);
  const direntAt = plus ? at + entryOutLength : at;
  return putDirent(answer, direntAt, cookie === 1 ? '.' : '..', ino, cookie, 'directory');
}
