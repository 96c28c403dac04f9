/**
 * Room on the cache's disk. Some of it is left free, whatever is fetched: a disk that is full to its last byte stops
 * everything else that is on it, and the index of this program too.
 */
import { statfsSync } from 'node:fs';
import { GphotosfsError } from '../model/errors.ts';

export interface Room {
  /**
   * Claims room for a file of so many bytes.
   * @throws `no-space` where too little would be left free, with all that is claimed and not written yet
   */
  claim(bytes: number): Claim;
}

export interface Claim {
  /** So many bytes of the file are on the disk, which counts them itself from now on. */
  wrote(bytes: number): void;
  /** Gives back what was not written. */
  end(): void;
}

/**
 * @param path a directory on the disk
 * @param floorPercent how much of the disk is to stay free; 0: nothing is claimed, the disk says when it is full
 */
export function createRoom(path: string, floorPercent: number): Room {
  let claimed = 0;
  return {
    claim(bytes) {
      if (floorPercent > 0) {
        const { bavail, blocks, bsize } = statfsSync(path);
        const left = bavail * bsize - claimed - bytes;
        if (left < (blocks * bsize * floorPercent) / 100) throw noRoom(floorPercent);
      }
      let open = bytes;
      claimed += open;
      return {
        wrote(written) {
          const rest = Math.min(open, Math.max(0, bytes - written));
          claimed -= open - rest;
          open = rest;
        },
        end() {
          claimed -= open;
          open = 0;
        },
      };
    },
  };
}

function noRoom(floorPercent: number): GphotosfsError {
  return new GphotosfsError(
    'no-space',
    `less than ${floorPercent} % of the cache's disk would be left free`,
    {
      hint: 'Free some space, or leave less free with --free-floor; what is missing is fetched again then.',
    },
  );
}
