/**
 * What the last prefetch and the last sync came to, kept for whoever asks later: a run at night has no other witness.
 * Of long lists the beginning is kept, with how long they were.
 */
import type { Problem, UnixSeconds } from '../model/words.ts';
import type { Index } from './open.ts';
import { getSetting, putSetting } from './settings.ts';

/** Enough to see what is wrong, few enough to be read with every `status`. */
const kept = 20;

export interface Failure {
  /** In the tree. */
  readonly path: string;
  readonly kind: string;
  readonly message: string;
}

export interface LastPrefetch {
  /** When it ended. */
  readonly at: UnixSeconds;
  readonly complete: boolean;
  /** Nothing was left out by years, albums or kinds. */
  readonly isWhole: boolean;
  readonly fetchedFiles: number;
  readonly fetchedBytes: number;
  readonly failedFiles: number;
  /** The first of them. */
  readonly failures: readonly Failure[];
  /** Why it ended early, as a sentence; null where it went through. */
  readonly stopped: string | null;
}

export interface LastSync {
  readonly at: UnixSeconds;
  /** Sources that could not be read to their end, and why. */
  readonly errors: readonly { readonly source: string; readonly message: string }[];
  readonly problemCount: number;
  /** The first of what was left out. */
  readonly problems: readonly (Problem & { readonly source: string })[];
}

export function putLastPrefetch(index: Index, last: LastPrefetch): void {
  putSetting(index, 'lastPrefetch', JSON.stringify({ ...last, failures: last.failures.slice(0, kept) }));
}

export function putLastSync(index: Index, last: LastSync): void {
  putSetting(index, 'lastSyncReport', JSON.stringify({ ...last, problems: last.problems.slice(0, kept) }));
}

export function lastPrefetch(index: Index): LastPrefetch | undefined {
  return read<LastPrefetch>(index, 'lastPrefetch');
}

export function lastSync(index: Index): LastSync | undefined {
  return read<LastSync>(index, 'lastSyncReport');
}

function read<T>(index: Index, key: string): T | undefined {
  const stored = getSetting(index, key);
  return stored === undefined ? undefined : (JSON.parse(stored) as T);
}
