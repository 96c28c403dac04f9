/**
 * Sources that give nothing more in this run: their quota is used up, the sign-in has ended, or nobody answers; and archives
 * that are closed by themselves. To ask for each of 20,000 files would take hours and change nothing; others are gone on with.
 */
import type { GphotosfsError } from '../model/errors.ts';

export interface GivenUp {
  /** Whether the source is given up, or this archive of it. */
  has(source: string | undefined, archive?: string): boolean;
  /** Notes a failure; whether the source or the archive is given up because of it, or was before. */
  failed(source: string | undefined, error: GphotosfsError, archive?: string): boolean;
  succeeded(source: string | undefined): void;
  /** Why the first one was given up. */
  reason(): GphotosfsError | undefined;
}

/** A disk that is slow to wake or a network that is away for a moment costs some files; this many in a row are an outage. */
const unreachableInARow = 8;

export function createGivenUp(): GivenUp {
  const reasons = new Map<string, GphotosfsError>();
  const inARow = new Map<string, number>();
  return {
    has: (source = '', archive = '') => reasons.has(source) || reasons.has(keyOf(source, archive)),
    failed(source = '', error, archive = '') {
      if (error.ofOneArchive) {
        reasons.set(keyOf(source, archive), error);
        return true;
      }
      if (reasons.has(source)) return error.retryCanHelp || error.kind === 'sign-in';
      const count = error.kind === 'source-unreachable' ? (inARow.get(source) ?? 0) + 1 : 0;
      inARow.set(source, count);
      const isOver = error.kind === 'quota' || error.kind === 'sign-in' || count >= unreachableInARow;
      if (isOver) reasons.set(source, error);
      return isOver;
    },
    succeeded: (source = '') => void inARow.delete(source),
    reason: () => reasons.values().next().value,
  };
}

const keyOf = (source: string, archive: string): string => `${source}\n${archive}`;
