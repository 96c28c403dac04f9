/** What the operating system says of the cache, in words for its owner: they know the cache's folder, no descriptors. */
import { type ErrorKind, errorCode, GphotosfsError } from '../model/errors.ts';

const meanings: Readonly<Record<string, readonly [kind: ErrorKind, says: string, hint: string]>> = {
  ENOSPC: ['no-space', 'its disk is full', 'Free some space; what is missing is fetched again then.'],
  EDQUOT: [
    'no-space',
    'the quota of its disk is used up',
    'Free some space; what is missing is fetched again then.',
  ],
  EACCES: ['no-permission', 'access is denied', 'Check the owner and the permissions of the cache.'],
  EPERM: [
    'no-permission',
    'the operation is not permitted',
    'Check the owner and the permissions of the cache.',
  ],
  EROFS: [
    'cache-failing',
    'its disk is read-only',
    'Mount the disk writable, or choose another cache with --cache.',
  ],
  EIO: [
    'cache-failing',
    'its disk reports an error',
    'Check the disk; what is missing is fetched again then.',
  ],
  EXDEV: ['bad-cache', 'another file system is mounted inside it', 'The cache has to be on one file system.'],
  ENOTDIR: ['bad-cache', 'a file is where a directory belongs', 'Move it away; gphotosfs does not touch it.'],
  EISDIR: [
    'bad-cache',
    'a directory is where the file belongs',
    'Move it away; gphotosfs does not touch it.',
  ],
  ELOOP: ['bad-cache', 'a link is where a directory belongs', 'Move it away; gphotosfs does not touch it.'],
};

/** An error of the operating system about `what` as one of the cache; any other is given back as it is. */
export function cacheError(error: unknown, what: string): unknown {
  if (error instanceof GphotosfsError) return error;
  const meaning = meanings[errorCode(error) ?? ''];
  if (meaning === undefined) return error;
  const [kind, says, hint] = meaning;
  return new GphotosfsError(kind, `${what}: ${says}`, { hint, cause: error });
}
