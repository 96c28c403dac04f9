/**
 * An archive file on disk, opened when first needed and kept open between uses. Each use makes sure that the path still
 * leads to the file that is open.
 */
import { close, fstat, open, stat, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { type ArchiveFile, type OpenArchive, sourceChanged } from './archive-file.ts';
import { bytesOf } from './byte-range.ts';
import { readFailure } from './read-failure.ts';

const closeFd = promisify(close);
const openFd = promisify(open);
const statPath = promisify(stat);
const statFd = promisify(fstat);

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

/** The archive file at `path`; nothing is opened yet. Its fingerprint is `size:mtimeNs`. */
export function localFile(path: string): ArchiveFile {
  let current: Opening | undefined;

  const look = async (atOnce = false): Promise<Stats> => {
    let stats: Stats;
    try {
      stats = atOnce ? statSync(path, { bigint: true }) : await statPath(path, { bigint: true });
    } catch (error) {
      throw readFailure(error, path);
    }
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
    name: path,
    path,
    fingerprint: async () => fingerprintOf(await look()),
    async use(expected, atOnce = false) {
      const stats = await look(atOnce);
      let opening = current;
      if (opening === undefined || opening.identity !== identityOf(stats)) {
        opening = await reopen();
        if (current !== undefined) void retire(current);
        current = opening;
      }
      if (expected !== undefined && opening.fingerprint !== expected) throw sourceChanged(path);
      return lend(opening, path, atOnce);
    },
    async close() {
      const former = current;
      current = undefined;
      if (former !== undefined) await retire(former);
    },
  };
}

/** Closes an opening as soon as nobody uses it. Closing fails only where something was to be written, so never here. */
async function retire(opening: Opening): Promise<void> {
  opening.current = false;
  if (opening.uses === 0) await closeFd(opening.fd).catch(() => undefined);
}

function lend(opening: Opening, path: string, atOnce: boolean): OpenArchive {
  const { fd, size, fingerprint } = opening;
  opening.uses++;
  let released = false;
  return {
    ...bytesOf(fd, path, atOnce),
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
