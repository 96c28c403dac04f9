/**
 * Opens a file below a folder without ever following a link: a folder that was swapped for a link since it was listed
 * leads nowhere, not to somebody else's files.
 *
 * On Linux each step starts from the descriptor of the step before (through /proc/self/fd, Node has no openat), so
 * nothing can be swapped in between. Elsewhere the real path is compared with the expected one.
 */
import { close, constants, open, realpath } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GphotosfsError } from '../../../model/errors.ts';
import { readFailure } from './read-failure.ts';

const openFd = promisify(open);
const closeFd = promisify(close);
const realPath = promisify(realpath);

const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = constants;
/** Without O_NONBLOCK, opening a FIFO put in the file's place would wait for a writer for ever. */
const fileFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/**
 * A descriptor of `path` (relative, parts joined by `/`) below `root`; the caller closes it, and checks by fstat that
 * it is a regular file. `root` itself may be a link, it is the owner's word.
 * @throws GphotosfsError `source-changed` where a link is in the way; as `readFailure` tells.
 */
export async function openInside(root: string, path: string): Promise<number> {
  const full = join(root, path);
  try {
    return platform() === 'linux' ? await descend(root, path.split('/')) : await compareAndOpen(root, path);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    // O_NOFOLLOW on a link: ELOOP, together with O_DIRECTORY ENOTDIR.
    if (code === 'ELOOP' || code === 'ENOTDIR') throw leadsElsewhere(full);
    throw readFailure(error, full);
  }
}

async function descend(root: string, parts: readonly string[]): Promise<number> {
  let folder = await openFd(root, O_RDONLY | O_DIRECTORY);
  try {
    for (const part of parts.slice(0, -1)) {
      const next = await openFd(`/proc/self/fd/${folder}/${part}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      await closeFd(folder);
      folder = next;
    }
    return await openFd(`/proc/self/fd/${folder}/${parts.at(-1)}`, fileFlags);
  } finally {
    await closeFd(folder);
  }
}

async function compareAndOpen(root: string, path: string): Promise<number> {
  const full = join(root, path);
  if ((await realPath(full)) !== join(await realPath(root), path)) throw leadsElsewhere(full);
  return openFd(full, fileFlags);
}

const leadsElsewhere = (full: string) =>
  new GphotosfsError('source-changed', `${full} is a link now, or lies behind one`, {
    hint: 'Put the file itself there again; links are not followed. Then run "gphotosfs sync".',
  });
