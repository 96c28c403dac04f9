/**
 * Makes the file of a new index. A log that lies beside it is that of an index which was deleted, and which a mount may
 * still have open: two databases that share one ruin each other, so the new one must not find it.
 */
import { closeSync, fstatSync, lstatSync, openSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { errorCode, GphotosfsError } from '../model/errors.ts';

/** Whoever makes the file takes less than a millisecond; one that takes longer was killed meanwhile, ms. */
const patienceMs = 3000;
const pauseMs = 10;

/**
 * Makes an empty file at `path`, without a log, unless there is one. Of several processes that find none, the one that
 * makes `….new` does it: it alone may take the log away, for as soon as `path` is there the log beside it is another's.
 * @throws `not-found` where `path` is a link that leads nowhere
 */
export function makeIndexFile(path: string): void {
  const claim = `${path}.new`;
  for (let deadline = Date.now() + patienceMs; isMissing(path); ) {
    const fd = createFile(claim);
    if (fd !== undefined) {
      try {
        makeClaimed(path, claim, fd);
      } finally {
        closeSync(fd);
      }
    } else if (Date.now() > deadline) {
      rmSync(claim, { force: true });
      deadline = Date.now() + patienceMs;
    } else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
  }
}

/**
 * Before each step it is asked anew whose turn it is: a process that was suspended for longer than others wait goes on
 * when the index is another's already.
 */
function makeClaimed(path: string, claim: string, fd: number): void {
  // As long as it is open no other file has its number.
  const { ino } = fstatSync(fd, { bigint: true });
  const isOurs = () => lstatSync(claim, { bigint: true, throwIfNoEntry: false })?.ino === ino;
  const isOurTurn = () => isOurs() && isMissing(path);
  for (const suffix of ['-wal', '-shm']) {
    if (isOurTurn()) rmSync(`${path}${suffix}`, { force: true });
  }
  if (isOurTurn()) {
    const made = createFile(path);
    if (made !== undefined) closeSync(made);
  }
  if (isOurs()) rmSync(claim, { force: true });
}

/** Creates a file that isn't there and opens it; undefined where something is. */
function createFile(path: string): number | undefined {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return undefined;
  }
}

/** Only where it surely is: of an index that can't be looked at just now (a share that is away) none must be made anew. */
function isMissing(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return true;
  if (found.isSymbolicLink() && statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new GphotosfsError('not-found', `${path} leads to ${readlinkSync(path)}, which does not exist`, {
      hint: 'Mount the disk that it is on, or remove the link.',
    });
  }
  return false;
}
