/**
 * A lock on a file that two commands might change at once, as a file beside it that only one of them can make.
 *
 * A holder that lives writes into its file every second. One that dies leaves its file, so whoever sees the same one for
 * long takes it away; time is measured by the waiter, so neither clocks nor process ids (other containers have their own)
 * need to agree.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, GphotosfsError, toGphotosfsError } from './errors.ts';

/** A slow network disk takes a second for what a holder does. */
const abandonedAfterMs = 5000;
const renewEveryMs = 1000;
const askAgainAfterMs = 20;

/** Runs `work` while nobody else runs theirs under the same lock. */
export async function withFileLock<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  const token = randomUUID();
  await acquire(lock, token);
  let renewals = 0;
  const renewing = setInterval(() => {
    renewals += 1;
    try {
      if (isMine(lock, token)) writeFileSync(lock, `${token} ${renewals}`);
    } catch {
      // The disk may be full or away for a moment. One that isn't renewed for long is taken over, as if its holder had died.
    }
  }, renewEveryMs).unref();
  try {
    return await work();
  } finally {
    clearInterval(renewing);
    if (isMine(lock, token)) unlinkSync(lock);
  }
}

function isMine(lock: string, token: string): boolean {
  return readLock(lock)?.startsWith(token) ?? false;
}

/** A new user's first command comes here: in a container whose volume is another's, for one. */
function notMade(lock: string, error: unknown): GphotosfsError {
  const { kind } = toGphotosfsError(error);
  return new GphotosfsError(kind, `${dirname(lock)} cannot be written to`, {
    cause: error,
    ...(kind === 'no-permission' && {
      hint: 'Check its owner and permissions, and as whom you run gphotosfs.',
    }),
  });
}

async function acquire(lock: string, token: string): Promise<void> {
  let seen: string | undefined;
  let since = performance.now();
  for (;;) {
    try {
      writeFileSync(lock, token, { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw notMade(lock, error);
    }
    const holder = readLock(lock);
    if (holder !== seen) {
      seen = holder;
      since = performance.now();
    } else if (holder !== undefined && performance.now() - since > abandonedAfterMs) {
      takeAway(lock, holder);
    }
    await sleep(askAgainAfterMs);
  }
}

/** Removes the lock if it is still `holder`'s: of two waiters only one gets it, and a newer lock is put back. */
function takeAway(lock: string, holder: string): void {
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
    if (readLock(aside) !== holder) linkSync(aside, lock);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
  }
  if (readLock(aside) !== undefined) unlinkSync(aside);
}

function readLock(lock: string): string | undefined {
  try {
    return readFileSync(lock, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
