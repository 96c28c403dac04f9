/**
 * Watches the index for what any process writes to it, and for another file in its place. The operating system tells of
 * both and of its write-ahead log, so nothing is polled where that works.
 */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { toGphotosfsError } from '../model/errors.ts';

export interface WatchedIndex {
  /** Looks soon, as if something had been written. */
  look(): void;
  close(): void;
}

type Log = (level: 'warn' | 'info' | 'debug', message: string) => void;

/** Commits come in bursts (a page, a group of files); one look serves a burst, ms. */
const settleMs = 50;
/** Where the system can't watch (it allows each user so many): how often it is looked instead, ms. */
const pollMs = 2000;

/** Calls `look` after the index was written to or replaced; never two at a time, and at least once after each write. */
export function watchIndex(indexPath: string, log: Log, look: () => Promise<void>): WatchedIndex {
  const names = [basename(indexPath), `${basename(indexPath)}-wal`];
  let timer: NodeJS.Timeout | undefined;
  let poll: NodeJS.Timeout | undefined;
  let closed = false;
  let looking = false;

  function soon(): void {
    if (closed) return;
    timer ??= setTimeout(async () => {
      timer = undefined;
      if (looking) return soon();
      looking = true;
      try {
        await look();
      } catch (error) {
        if (!closed)
          log('warn', `cannot see what changed in ${indexPath}: ${toGphotosfsError(error).message}`);
      } finally {
        looking = false;
      }
    }, settleMs);
  }

  function pollInstead(error: unknown): void {
    watcher?.close();
    log('info', `changes show after ${pollMs / 1000} s: ${toGphotosfsError(error).message}`);
    poll ??= setInterval(soon, pollMs);
  }

  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(indexPath), (_event, name) => {
      if (name === null || names.includes(name)) soon();
    });
    watcher.on('error', pollInstead);
  } catch (error) {
    pollInstead(error);
  }
  return {
    look: soon,
    close() {
      closed = true;
      watcher?.close();
      clearTimeout(timer);
      clearInterval(poll);
    },
  };
}
