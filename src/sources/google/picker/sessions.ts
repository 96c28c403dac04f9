/** The sessions that are remembered: those whose photos may still be fetched. They are a memo of the source. */
import type { Memo } from '../../source.ts';

export interface RememberedSession {
  readonly id: string;
  /** Seconds since 1970; undefined where Google didn't say. */
  readonly expiresAt: number | undefined;
}

export const sessionsKey = 'sessions';

export function parseSessions(memo: Buffer | undefined): readonly RememberedSession[] {
  return memo === undefined ? [] : (JSON.parse(memo.toString()) as RememberedSession[]);
}

export function sessionsMemo(sessions: readonly RememberedSession[]): Memo {
  return { key: sessionsKey, value: Buffer.from(JSON.stringify(sessions)) };
}
