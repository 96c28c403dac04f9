/** A piece of `status`: what it adds to the record of `--json`, and its lines for people. */
import type { Index } from '../../index/open.ts';
import type { IndexStatus } from '../../index/status.ts';
import type { Context } from '../context.ts';

export interface Section {
  readonly record: object;
  readonly lines: readonly string[];
}

export interface Subject {
  readonly context: Context;
  readonly index: Index;
  readonly status: IndexStatus;
}

/** Lines begin with a word of at most this length, so that what follows stands in one column. */
export const labelWidth = 13;

/** `cached       1,200 files`; further lines stand below the first one's text. */
export function labelled(label: string, first: string, ...more: readonly string[]): string[] {
  return [label.padEnd(labelWidth) + first, ...more.map((line) => ' '.repeat(labelWidth) + line)];
}

export function isoTime(seconds: number | undefined): string | null {
  return seconds === undefined ? null : new Date(seconds * 1000).toISOString();
}
