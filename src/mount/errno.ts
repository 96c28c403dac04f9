/**
 * From an error of gphotosfs to the number the kernel hands to the program that asked. A program sees one
 * number and no text, so the text goes to the log and the number only says what the program can act on.
 */
import { constants } from 'node:os';
import { type ErrorKind, GphotosfsError, toGphotosfsError } from '../model/errors.ts';

/** The platform's error numbers by name (`errno.EIO`). */
export const errno = constants.errno;

/**
 * What a program gets for each kind. Whatever keeps a photo's bytes away is EIO, which backup tools report
 * and carry on after; a number that means "not there" or "not allowed" would let them drop the file instead.
 */
const errnoOfKind = {
  usage: errno.EINVAL,
  'not-found': errno.ENOENT,
  'no-permission': errno.EACCES,
  'bad-source': errno.EIO,
  'bad-content': errno.EIO,
  'source-changed': errno.EIO,
  'source-gone': errno.EIO,
  'source-unreachable': errno.EIO,
  quota: errno.EIO,
  'sign-in': errno.EIO,
  unavailable: errno.EIO,
  'no-space': errno.ENOSPC,
  'cache-failing': errno.EIO,
  'wrong-cache': errno.EIO,
  'bad-cache': errno.EIO,
  'index-newer': errno.EIO,
  'index-corrupt': errno.EIO,
  busy: errno.EAGAIN,
  mount: errno.EIO,
  interrupted: errno.EINTR,
  'not-built': errno.EIO,
  internal: errno.EIO,
} as const satisfies Record<ErrorKind, number>;

/** Errors of the process's own limits, which the program that asked should see as they are. */
const passedOn: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

/** The positive error number for anything thrown while a request was being answered. */
export function errnoOf(error: unknown): number {
  if (error instanceof GphotosfsError) return errnoOfKind[error.kind];
  const { code, errno: number } = error as { code?: string; errno?: number };
  if (typeof number === 'number' && code !== undefined && passedOn.has(code)) return Math.abs(number);
  return errnoOfKind[toGphotosfsError(error).kind];
}
