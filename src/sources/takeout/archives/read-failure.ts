/** What an error of the operating system means when it comes from an archive: gone, not reachable, or broken. */
import { errorCode, GphotosfsError, toGphotosfsError } from '../../../model/errors.ts';

/** Errors of network file systems and disks that went away for a while. */
const passing = new Set(['ESTALE', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENOTCONN', 'ENETUNREACH']);

/**
 * The GphotosfsError for a failed stat, open or read of `path`: `source-gone`, `source-unreachable`, `bad-source` for
 * a disk that can't read, `no-permission`, else what `toGphotosfsError` makes of it.
 */
export function readFailure(error: unknown, path: string): GphotosfsError {
  if (error instanceof GphotosfsError) return error;
  const code = errorCode(error) ?? '';
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new GphotosfsError('source-gone', `${path} is not there (any more)`, {
      hint: 'Put it back where it was, or remove the source with "gphotosfs remove"; what is cached stays.',
      cause: error,
    });
  if (passing.has(code))
    return new GphotosfsError('source-unreachable', `${path} can't be reached now (${code})`, {
      hint: 'Check the network or the disk it lies on; it works again once that is back.',
      cause: error,
    });
  if (code === 'EIO')
    return new GphotosfsError('bad-source', `${path} can't be read: the disk reports an error (EIO)`, {
      hint: 'Check the disk, and bring the archive again from a good copy.',
      cause: error,
    });
  if (code === 'EACCES' || code === 'EPERM')
    return new GphotosfsError('no-permission', `${path} may not be read`, {
      hint: 'Give the user that runs gphotosfs the right to read it.',
      cause: error,
    });
  return toGphotosfsError(error, path);
}
