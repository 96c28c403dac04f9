/**
 * Makes the file of a new index. A log that lies beside it is that of an index which was deleted, and which a mount may
 * still have open: two databases that share one ruin each other, so the new one must not find it.
 */
import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs';
import { errorCode } from '../model/errors.ts';

/** Whoever makes the file takes less than a millisecond; one that takes longer was killed meanwhile, ms. */
const patienceMs = 3000;
const pauseMs = 10;

/**
 * Makes an empty file at `path`, without a log, unless there is one. Of several processes that find none, the one that
 * makes `….new` does it: it alone may take the log away, for as soon as `path` is there the log beside it is another's.
 */
export function makeIndexFile(path: string): void {
  const claim = `${path}.new`;
  for (let end = Date.now() + patienceMs; !existsSync(path); ) {
    try {
      closeSync(openSync(claim, 'wx', 0o600));
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      if (Date.now() > end) {
        rmSync(claim, { force: true });
        end = Date.now() + patienceMs;
      } else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
      continue;
    }
    if (existsSync(path)) rmSync(claim, { force: true });
    else {
      for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
      renameSync(claim, path);
    }
  }
}
