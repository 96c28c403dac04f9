/**
 * One archive file, opened when first needed and kept open between uses. Each use makes sure that the path still leads
 * to the file that is open, and that it is the one the caller expects: offsets of another archive would give bytes of
 * another photo.
 */
import { close, fstat, open, stat } from 'node:fs';
import { promisify } from 'node:util';
import { GphotosfsError } from '../../../model/errors.ts';
import type { Readable } from './byte-range.ts';
import { readFailure } from './read-failure.ts';

const closeFd = promisify(close);
const openFd = promisify(open);
const statPath = promisify(stat);
const statFd = promisify(fstat);

/** An archive file in use; it is not closed before every use is released. */
export interface OpenArchive extends Readable {
  /** Bytes. */
  readonly size: number;
  /** `size:mtimeNs`. */
  readonly fingerprint: string;
  /** Ends the use; when it was the last of an archive that is closed, the descriptor is closed before this returns. */
  release(): Promise<void>;
}

export interface ArchiveFile {
  readonly path: string;
  /** `size:mtimeNs` of what the path leads to now. Throws as `readFailure` tells. */
  fingerprint(): Promise<string>;
  /**
   * The open file. With `expected`, throws `source-changed` when the path now leads to a file with another fingerprint;
   * throws as `readFailure` tells.
   */
  use(expected?: string): Promise<OpenArchive>;
  /** Closes the file as soon as nobody uses it. */
  close(): Promise<void>;
}

/** One opening of the file; lives until it is no longer the current one and its last use ends. */
interface Opening {
  readonly fd: number;
  readonly identity: string;
  readonly size: number;
  readonly fingerprint: string;
  uses: number;
  current: boolean;
}

interface Stats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  isFile(): boolean;
}

const fingerprintOf = (stats: Stats): string => `${stats.size}:${stats.mtimeNs}`;
const identityOf = (stats: Stats): string => `${stats.dev}:${stats.ino}:${fingerprintOf(stats)}`;

/** The archive file at `path`; nothing is opened yet. */
export function archiveFile(path: string): ArchiveFile {
  let current: Opening | undefined;

  const look = async (): Promise<Stats> => {
    const stats = await statPath(path, { bigint: true }).catch((error: unknown) => {
      throw readFailure(error, path);
    });
    if (!stats.isFile()) throw sourceChanged(path, 'is no longer a file');
    return stats;
  };

  const reopen = async (): Promise<Opening> => {
    const fd = await openFd(path, 'r').catch((error: unknown) => {
      throw readFailure(error, path);
    });
    try {
      const stats = await statFd(fd, { bigint: true });
      const size = Number(stats.size);
      return {
        fd,
        identity: identityOf(stats),
        size,
        fingerprint: fingerprintOf(stats),
        uses: 0,
        current: true,
      };
    } catch (error) {
      await closeFd(fd);
      throw readFailure(error, path);
    }
  };

  return {
    path,
    fingerprint: async () => fingerprintOf(await look()),
    async use(expected) {
      const stats = await look();
      let opening = current;
      if (opening === undefined || opening.identity !== identityOf(stats)) {
        opening = await reopen();
        if (current !== undefined) void retire(current);
        current = opening;
      }
      if (expected !== undefined && opening.fingerprint !== expected) throw sourceChanged(path);
      return lend(opening, path);
    },
    async close() {
      const former = current;
      current = undefined;
      if (former !== undefined) await retire(former);
    },
  };
}

/** The error for an archive, or a file in a folder, that is not the one that was scanned. */
export const sourceChanged = (path: string, how = 'changed since it was scanned'): GphotosfsError =>
  new GphotosfsError('source-changed', `${path} ${how}`, {
    hint: 'Run "gphotosfs sync" to read what it holds now.',
  });

/** Closes an opening as soon as nobody uses it. Closing fails only where something was to be written, so never here. */
async function retire(opening: Opening): Promise<void> {
  opening.current = false;
  if (opening.uses === 0) await closeFd(opening.fd).catch(() => undefined);
}

function lend(opening: Opening, path: string): OpenArchive {
  const { fd, size, fingerprint } = opening;
  opening.uses++;
  let released = false;
  return {
    fd,
    path,
    size,
    fingerprint,
    async release() {
      if (released) return;
      released = true;
      opening.uses--;
      if (!opening.current) await retire(opening);
    },
  };
}
