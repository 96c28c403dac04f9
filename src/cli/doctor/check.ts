/** What a check of `doctor` looks at, and what it may say. */
import type { Index } from '../../index/open.ts';
import type { Context } from '../context.ts';

export interface Subject {
  readonly context: Context;
  /** For reading; undefined where there is none yet, or where it can't be read. */
  readonly index: Index | undefined;
}

/** `warning`: it works, or will until something happens. `failed`: something that is wanted doesn't work. */
export type Verdict = 'ok' | 'warning' | 'failed';

export interface Finding {
  readonly verdict: Verdict;
  /** What was found: a line. */
  readonly says: string;
  /** What its owner can do, where something is to be done. */
  readonly remedy?: string;
}

export interface Check {
  /** As it is shown: `device`. */
  readonly name: string;
  /** Looks, and changes nothing. What it throws counts as failed, with the error's hint as remedy. */
  readonly look: (subject: Subject) => readonly Finding[] | Promise<readonly Finding[]>;
}

export const ok = (says: string): Finding => ({ verdict: 'ok', says });
export const warning = (says: string, remedy: string): Finding => ({ verdict: 'warning', says, remedy });
export const failed = (says: string, remedy: string): Finding => ({ verdict: 'failed', says, remedy });
